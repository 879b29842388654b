"""A loopback proxy in a process of its own that counts what clients send: the bodies of their requests, no headers.

It stands before a registry, so that a blob that is sent in vain, since the registry has it, is counted as well.
"""

from __future__ import annotations

import multiprocessing
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.sharedctypes import Synchronized
from typing import BinaryIO, cast

PIECE = 1 << 18
TLS = b"\x16"  # Docker asks for it first, and has to be refused at once: held back, it would wait for ten seconds


class Counter:
    """The bytes so far."""

    def __init__(self, value: Synchronized[int]) -> None:
        self._value = value

    def read(self) -> int:
        return self._value.value


@contextmanager
def counting(port: int, *, to: int) -> Iterator[Counter]:
    """Listen on `port` and pass everything on to the port `to`."""
    context = multiprocessing.get_context("spawn")
    value, ready = context.Value("q", 0), context.Event()
    process = context.Process(target=_serve, args=(port, to, value, ready), daemon=True)
    process.start()
    try:
        if not ready.wait(30):
            raise RuntimeError("the counting proxy did not start")
        yield Counter(value)
    finally:
        process.terminate()
        process.join(5)


def _serve(port: int, to: int, value: Synchronized[int], ready: threading.Event) -> None:
    with socket.create_server(("127.0.0.1", port), backlog=64) as server:
        ready.set()
        while True:
            client, _ = server.accept()
            threading.Thread(target=_connect, args=(client, to, value), daemon=True).start()


def _connect(client: socket.socket, to: int, value: Synchronized[int]) -> None:
    with suppress(OSError), client, socket.create_connection(("127.0.0.1", to)) as upstream:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_answers, args=(upstream, client), daemon=True).start()
        if client.recv(1, socket.MSG_PEEK) == TLS:
            _pass_on(client, upstream)
        with cast("BinaryIO", client.makefile("rb", PIECE)) as source:
            while _request(source, upstream, value):
                pass
        upstream.shutdown(socket.SHUT_WR)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    while piece := source.recv(PIECE):
        target.sendall(piece)


def _answers(upstream: socket.socket, client: socket.socket) -> None:
    with suppress(OSError):
        _pass_on(upstream, client)
    with suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _request(source: BinaryIO, upstream: socket.socket, value: Synchronized[int]) -> bool:
    """One request of HTTP/1.1; False at the end of the connection."""
    head = _head(source)
    if not head:
        return False
    upstream.sendall(head)
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:] if b":" in line)
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        _chunks(source, upstream, value)
    else:
        _body(source, upstream, int(fields.get(b"content-length", b"0")), value)
    return True


def _head(source: BinaryIO) -> bytes:
    lines = []
    while (line := source.readline()) not in (b"\r\n", b""):
        lines.append(line)
    return b"".join([*lines, b"\r\n"]) if lines else b""


def _chunks(source: BinaryIO, upstream: socket.socket, value: Synchronized[int]) -> None:
    size = -1
    while size:
        line = source.readline()
        upstream.sendall(line)
        size = int(line.split(b";")[0], 16)
        _body(source, upstream, size, value)
        upstream.sendall(source.readline())  # the empty line after a chunk, or after the last one


def _body(source: BinaryIO, upstream: socket.socket, size: int, value: Synchronized[int]) -> None:
    while size:
        piece = source.read1(min(size, PIECE))  # type: ignore[attr-defined]
        if not piece:
            raise ConnectionError("the client went away")
        upstream.sendall(piece)
        size -= len(piece)
        with value.get_lock():
            value.value += len(piece)
