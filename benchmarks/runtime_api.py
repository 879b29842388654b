"""Lambda's Runtime API for one function process, quick enough to be no part of what is measured.

Plain sockets, one packet for each answer, and the clock is read in the thread that has the socket.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

NEXT, RESPONSE = "next", "response"
PATIENCE = 180.0
HEAD = (
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"  # without a type awslambdaric's client crashes
    "Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-000000000000\r\n"
    "Lambda-Runtime-Deadline-Ms: 4102444800000\r\n"
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:123456789012:function:digits\r\n"
    "Content-Length: {length}\r\n\r\n"
)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True)
class Request:
    """What the process asked for or posted: `next`, `response`, or an error's path. `began` is when its event left."""

    kind: str
    body: bytes
    at: float
    began: float = 0.0

    @property
    def seconds(self) -> float:
        """From the event to the answer."""
        return self.at - self.began


class RuntimeApi:
    """`address` is HOST:PORT. `first_asked` is when the process asked for its first event: the end of its init."""

    def __init__(self) -> None:
        self.first_asked: float | None = None
        self._began = 0.0
        self._events: queue.Queue[bytes | None] = queue.Queue()
        self._requests: queue.Queue[Request] = queue.Queue()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def invoke(self, event: bytes, *, alive: Callable[[], bool]) -> Request:
        """Wait until the process asks, hand it the event, and return its response. RuntimeError for anything else."""
        self._expect(NEXT, alive)
        self._events.put(event)
        return self._expect(RESPONSE, alive)

    def close(self) -> None:
        self._events.put(None)
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._server.close()

    def _expect(self, kind: str, alive: Callable[[], bool]) -> Request:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with suppress(queue.Empty):
                found = self._requests.get(timeout=1.0)
                if found.kind != kind:
                    raise RuntimeError(f"{found.kind} where a {kind} was expected: {found.body[:2000]!r}")
                return found
            if not alive():
                raise RuntimeError(f"the function's process ended where a {kind} was expected")
        raise RuntimeError(f"no {kind} within {PATIENCE:.0f} s")

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream, suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (read := read_request(stream)) is not None:
                kind, body = read
                now = time.perf_counter()
                if kind != NEXT:
                    connection.sendall(ACCEPTED)
                    self._requests.put(Request(kind, body, now, self._began))
                    continue
                self.first_asked = self.first_asked or now
                self._requests.put(Request(kind, body, now))
                event = self._events.get()
                if event is None:
                    return
                packet = HEAD.format(length=len(event)).encode() + event
                self._began = time.perf_counter()
                connection.sendall(packet)


def read_request(stream: IO[bytes]) -> tuple[str, bytes] | None:
    """Its kind and body; None when the client has gone. `next` and `response` by name, anything else by its path."""
    first = stream.readline().split()
    if len(first) < 2:
        return None
    length = 0
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    path = first[1].decode("ascii", "replace")
    last = path.rpartition("/")[2]
    return last if last in (NEXT, RESPONSE) else path, stream.read(length)
