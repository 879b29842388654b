"""The HTTP door against a real server on the loopback interface, one that also misbehaves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from deployer.tools.http import Unreachable, Urllib3Http


class _Echo(BaseHTTPRequestHandler):
    """Answers 418 with what came; `/moved` redirects."""

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(302 if self.path == "/moved" else 418)
        self.send_header("Location", "/elsewhere")
        self.send_header("X-Seen", f"{self.command} {self.path} {self.headers['x-mine']}")
        self.send_header("Content-Type", "Application/JSON; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = answer

    def log_message(self, *_: Any) -> None:
        """Not a word: the test's output is its own."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server that answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@contextmanager
def listening(reply: bytes | None) -> Iterator[str]:
    """A socket that sends `reply` to one request and hangs up; None never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(reply or b"")

        if reply is not None:
            threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def refusal(url: str, *, timeout: float = 5) -> str:
    with pytest.raises(Unreachable) as error:
        Urllib3Http().send("GET", url, headers={}, timeout=timeout)
    return error.value.message


def test_any_status_is_an_answer(url: str) -> None:
    """Method, path, headers and body arrive; status, headers in lower case, body and time come back."""
    response = Urllib3Http().send("POST", f"{url}/predict", headers={"x-mine": "yes"}, body=b"[1]", timeout=5)
    assert (response.status, response.body, response.content_type) == (418, b"[1]", "application/json")
    assert response.headers["x-seen"] == "POST /predict yes"
    assert 0 < response.milliseconds < 5000


def test_redirects_are_not_followed(url: str) -> None:
    """A signed request must not go to an address that it was not signed for."""
    assert Urllib3Http().send("GET", f"{url}/moved", headers={}, timeout=5).status == 302


def test_a_refused_connection_is_told() -> None:
    """Nobody listens: the address and the system's reason."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
    assert refusal(url) == f"{url} gave no answer: [Errno 111] Connection refused."


def test_silence_ends_with_the_timeout() -> None:
    """A server that takes the request and says nothing costs no more than the time allowed."""
    with listening(None) as url:
        assert refusal(url, timeout=1) == f"{url} gave no answer: nothing came within 1 s."


@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1, 2"], ids=["at once", "later"]
)
def test_a_cut_connection_is_told(reply: bytes) -> None:
    """Half an answer is no answer."""
    with listening(reply) as url:
        assert refusal(url) == f"{url} gave no answer: the connection was cut off."


def test_a_server_without_tls_is_told() -> None:
    """A failed handshake says that it is TLS."""
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        assert "gave no answer: TLS failed: " in refusal(url.replace("http:", "https:"))


def test_a_url_that_is_none_is_told() -> None:
    """A malformed address ends as every other failure does."""
    assert "gave no answer" in refusal("http://[bad/")
