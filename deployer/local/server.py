"""HTTP on the loopback address and nowhere else: werkzeug's threaded server, one connection per request."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from deployer.local.address import LOOPBACK

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
Answer = Callable[[Request], Wsgi]


def quiet(handler: type[WSGIRequestHandler]) -> type[WSGIRequestHandler]:
    """The handler without access log lines, which would drown the functions' own output, and without Nagle's delay."""

    class Quiet(handler):  # type: ignore[misc, valid-type]
        disable_nagle_algorithm = True

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...

    return Quiet


class Listener:
    """Serves from the moment it is made until `close`. Port 0 takes any free one; OSError when the port is taken."""

    def __init__(
        self, answer: Answer, *, port: int = 0, handler: type[WSGIRequestHandler] = WSGIRequestHandler
    ) -> None:
        taken = _bind(port)
        self._server: BaseWSGIServer = make_server(
            LOOPBACK, 0, wsgi(answer), threaded=True, request_handler=quiet(handler), fd=taken.fileno()
        )
        taken.close()  # the server has a descriptor of its own
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._serve, name=f"listener-{self.port}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop taking connections, within half a second. Requests that are being answered go on."""
        threading.Thread(target=self._server.shutdown, daemon=True).start()

    def wait_until_closed(self) -> None:
        """Return when the port is free."""
        self._thread.join(5)

    def _serve(self) -> None:
        try:
            self._server.serve_forever()
        finally:
            self._server.server_close()


class Deferred:
    """An answerer that is known only after the listener's port is: requests wait until then."""

    def __init__(self) -> None:
        self._known: Future[Answer] = Future()

    def set(self, answer: Answer) -> None:
        self._known.set_result(answer)

    def __call__(self, request: Request) -> Wsgi:
        return self._known.result()(request)


def listen(answer: Answer, *, port: int, handler: type[WSGIRequestHandler] = WSGIRequestHandler) -> Listener:
    """On this port, else on any free one."""
    try:
        return Listener(answer, port=port, handler=handler)
    except OSError:
        return Listener(answer, handler=handler)


def _bind(port: int) -> socket.socket:
    """werkzeug prints and exits when a port is taken: bind here, where it is an error to handle."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def wsgi(answer: Answer) -> Wsgi:
    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        return answer(Request(environ))(environ, start_response)

    return application


def error(status: int, message: str, *, kind: str = "") -> Response:
    """An error as AWS's JSON services write it; `kind` is the exception's name."""
    headers = {"x-amzn-ErrorType": kind} if kind else {}
    body = json.dumps({"Type": "User" if status < 500 else "Service", "Message": message, "message": message})
    return Response(body, status=status, headers=headers, content_type="application/json")
