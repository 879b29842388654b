"""HTTP on the loopback address and nowhere else: werkzeug's threaded server, one connection per request."""

from __future__ import annotations

import io
import json
import select
import socket
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from socketserver import BaseServer
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from deployer.local.address import LOOPBACK

Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]
Answer = Callable[[Request], Wsgi]
BACKLOG = 128  # connections that nobody has taken yet


def quiet(handler: type[WSGIRequestHandler]) -> type[WSGIRequestHandler]:
    """The handler without access log lines, which would drown the functions' own output, and without Nagle's delay.

    A response's head goes with the first piece of its body where the body's length is known, and with no more than the
    first chunk's size where it is chunked. The AWS SDK for Go (smithy-go, as in the AWS provider 5) may close a
    connection while it reads a response that came before it was done with its own request: it then keeps what came with
    the head, and misses a body that comes after it. It asks again, and what was made exists already.
    """

    class Quiet(handler):  # type: ignore[misc, valid-type]
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.wfile = Together(self.connection)

        def flush_headers(self) -> None:
            self.wfile.hold(b"".join(getattr(self, "_headers_buffer", ())))
            self._headers_buffer: list[bytes] = []

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None: ...

    return Quiet


class Together(io.BufferedIOBase):
    """Writes to a connection at once, what is held together with what is written next."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._held = connection, b""

    def writable(self) -> bool:
        return True

    def hold(self, data: bytes) -> None:
        self._held += data

    def write(self, data: Any) -> int:
        held, self._held = self._held, b""
        self._connection.sendall(held + data)
        return len(data)

    def flush(self) -> None:
        if self._held:
            self.write(b"")


class Server(ThreadedWSGIServer):
    """Knows whether somebody who has connected still waits, and answers everybody who has before it ends."""

    def __init__(self, answer: Answer, *, handler: type[WSGIRequestHandler], fd: int) -> None:
        self._counting = threading.Lock()
        self._taken = 0
        super().__init__(LOOPBACK, 0, wsgi(answer), quiet(handler), fd=fd)

    @property
    def busy(self) -> bool:
        """Whether a connection is open or waits to be taken, also one on which nothing has been asked."""
        return self._somebody_waits() or self._taken > 0  # in this order: who is taken is counted before

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        BaseServer.serve_forever(self, poll_interval)
        for _ in range(BACKLOG):
            if self._somebody_waits():
                self.handle_request()

    def get_request(self) -> tuple[Any, Any]:
        self._count(1)
        try:
            return super().get_request()
        except OSError:
            self._count(-1)
            raise

    def shutdown_request(self, request: Any) -> None:
        try:
            super().shutdown_request(request)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        with self._counting:
            self._taken += change

    def _somebody_waits(self) -> bool:
        waiting = select.poll()
        try:
            waiting.register(self.socket, select.POLLIN)
        except ValueError:  # closed
            return False
        return any(event & select.POLLIN for _, event in waiting.poll(0))


class Listener:
    """Serves from the moment it is made until `close`. Port 0 takes any free one; OSError when the port is taken."""

    def __init__(
        self, answer: Answer, *, port: int = 0, handler: type[WSGIRequestHandler] = WSGIRequestHandler
    ) -> None:
        taken = _bind(port)
        self._server = Server(answer, handler=handler, fd=taken.fileno())
        taken.close()  # the server has a descriptor of its own
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._serve, name=f"listener-{self.port}", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a connection that was made has not had its answer yet; one that was opened and not used counts."""
        return self._server.busy

    def close(self) -> None:
        """Stop taking connections, within half a second. Requests that have come are answered."""
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
        listener.listen(BACKLOG)
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
