"""How the local AWS answers over a socket, whatever it answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from local_aws import within
from werkzeug.serving import WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from deployer.local.server import Listener, Server

HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"


class Echo:
    """Answers with the request's body once it may."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.may.set()

    def __call__(self, request: Request) -> Response:
        assert self.may.wait(10)
        return Response(request.get_data())


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def listener(echo: Echo) -> Iterator[Listener]:
    made = Listener(echo)
    yield made
    made.close()
    made.wait_until_closed()


def connected(listener: Listener) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", listener.port), timeout=10))


def test_head_and_body_come_in_one_piece(listener: Listener) -> None:
    """A client that closes the connection as soon as it has the head has the body too, as AWS's Go SDK may."""
    for _ in range(10):
        with connected(listener) as client:
            client.sendall(HEAD + b"\r\nab")
            assert client.recv(65536).endswith(b"\r\n\r\nab")


def test_a_client_that_waits_to_be_told_to_go_on_is_told(listener: Listener) -> None:
    """What is held back until there is more does not hold back an interim response."""
    with connected(listener) as client:
        client.sendall(HEAD + b"Expect: 100-continue\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(b"ab")
        assert client.makefile("rb").read().endswith(b"\r\n\r\nab")


def test_a_response_without_a_body_comes_too(listener: Listener) -> None:
    """There is no piece of a body to wait for."""
    with connected(listener) as client:
        client.sendall(HEAD.replace(b"POST", b"HEAD") + b"\r\nab")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")


def test_it_is_busy_until_every_connection_has_its_answer(listener: Listener, echo: Echo) -> None:
    """From the moment that a client has connected, whether anybody has looked yet or not."""
    echo.may.clear()
    assert not listener.busy
    with connected(listener) as client:
        client.sendall(HEAD + b"\r\nab")
        assert listener.busy
        echo.may.set()
        assert client.makefile("rb").read().endswith(b"ab")
    assert within(5, lambda: not listener.busy)


def test_who_has_connected_before_it_closes_is_answered(echo: Echo) -> None:
    """Their connections are taken from the queue and not reset."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Server(echo, handler=WSGIRequestHandler, fd=taken.fileno())
        clients = [socket.create_connection(taken.getsockname(), timeout=10) for _ in range(3)]
    threading.Thread(target=server.shutdown, daemon=True).start()
    server.serve_forever()
    server.server_close()
    for client in clients:
        with closing(client):
            client.sendall(HEAD + b"\r\nab")
            assert client.makefile("rb").read().endswith(b"ab")


def test_a_closed_listener_takes_nobody(listener: Listener) -> None:
    """Its port is free, and nobody waits there."""
    listener.close()
    listener.wait_until_closed()
    assert not listener.busy
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", listener.port), timeout=10)
