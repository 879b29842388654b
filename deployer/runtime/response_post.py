"""One streamed response on its way to the Lambda Runtime API: status and headers first, then the body as it comes.

The rules are those of Lambda's developer guide, "Implementing response streaming in a custom runtime". asyncio's own
streams, since a slow reader must not stop the event loop that the service runs on.
"""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from typing import Any

POSTED = object()  # what a handler returns when its response is posted already

BODY_LIMIT = 200 * 1024 * 1024  # bytes, Lambda's for streamed responses
CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = bytes(8)  # between the prelude and the body
ERROR_TYPE, ERROR_BODY = "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"
MESSAGE_CHARACTERS = 4096  # of an error, which travels as a header
OF_THE_CONNECTION = ("connection", "keep-alive", "transfer-encoding")  # Lambda has its own to the client

Headers = Any  # an iterable of pairs of bytes, as ASGI has them


class Gone(ConnectionError):
    """Nobody takes the response any more: the Runtime API has closed the connection, or refused the response."""


class TooLarge(Exception):
    """The body is over Lambda's limit for streamed responses."""


class ResponsePost:
    """`begin`, any number of `write`, then `end` or `fail`; `close` always. `address` is host and port.

    Each raises Gone, `write` TooLarge too. `answered` is set as soon as there is nobody to write to.
    """

    def __init__(self, address: str, request_id: str, *, limit: int = BODY_LIMIT) -> None:
        self.answered = asyncio.Event()
        self._address, self._request_id, self._limit = address, request_id, limit
        self._writer: Any = None
        self._answer: Any = None
        self._size = 0

    async def begin(self, status: int, headers: Headers) -> None:
        """The first byte that the client sees."""
        host, _, port = self._address.rpartition(":")
        try:
            reader, self._writer = await asyncio.open_connection(host, int(port))
        except OSError as error:
            raise Gone(f"the Runtime API at {self._address} cannot be reached: {error}") from error
        self._answer = asyncio.ensure_future(reader.readline())
        self._answer.add_done_callback(lambda _: self.answered.set())
        await self._send(_head(self._address, self._request_id) + _chunk(prelude(status, headers)))

    async def write(self, data: bytes) -> None:
        """Return when the data is on its way; a slow client is waited for."""
        if self._size + len(data) > self._limit:
            raise TooLarge(f"the response is over the {self._limit / 2**20:g} MB that Lambda streams")
        self._size += len(data)
        if data:  # a chunk of no bytes would be the last
            await self._send(_chunk(bytes(data)))

    async def end(self) -> None:
        """The response is whole. Return when Lambda has said so."""
        await self._finish(b"")

    async def fail(self, kind: str, message: str) -> None:
        """The response broke off, and why: Lambda hands that on to a caller who can be told."""
        message = message[:MESSAGE_CHARACTERS]
        body = base64.b64encode(json.dumps({"errorType": kind, "errorMessage": message}).encode()).decode("ascii")
        await self._finish(f"{ERROR_TYPE}: {kind}\r\n{ERROR_BODY}: {body}\r\n".encode("ascii", "replace"))

    async def close(self) -> None:
        """Safe to call again, and before `begin`."""
        if self._writer is None:
            return
        self._answer.cancel()
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()

    async def _finish(self, trailers: bytes) -> None:
        await self._send(b"0\r\n" + trailers + b"\r\n")
        answer = await self._answered()
        if not answer.startswith("2"):
            raise Gone(_refusal(answer))

    async def _send(self, data: bytes) -> None:
        if self._writer is None or self._answer.done():
            raise Gone(_refusal(await self._answered() if self._writer else ""))
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as error:
            raise Gone(_refusal(await self._answered())) from error

    async def _answered(self) -> str:
        """The status and its reason: `202 Accepted`. Empty when the connection was closed without one."""
        try:
            line = (await self._answer).decode("latin-1")
        except (OSError, ValueError):
            return ""
        return str(line.partition(" ")[2].strip())


def _text(value: bytes) -> str:
    """`for_lambda` makes them UTF-8, which Lambda's JSON is; what came another way is Latin-1, as on the wire."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def prelude(status: int, headers: Headers) -> bytes:
    """What Lambda makes the client's status line and headers of; more of one name are joined as in an event."""
    joined: dict[str, str] = {}
    cookies = []
    for raw_name, raw_value in headers:
        name, value = bytes(raw_name).decode("latin-1").lower(), _text(bytes(raw_value))
        if name == "set-cookie":
            cookies.append(value)
        elif name not in OF_THE_CONNECTION:
            joined[name] = f"{joined[name]},{value}" if name in joined else value
    return json.dumps({"statusCode": status, "headers": joined, "cookies": cookies}).encode() + DELIMITER


def _head(address: str, request_id: str) -> bytes:
    lines = [
        f"POST /2018-06-01/runtime/invocation/{request_id}/response HTTP/1.1",
        f"Host: {address}",
        f"Content-Type: {CONTENT_TYPE}",
        "Lambda-Runtime-Function-Response-Mode: streaming",
        "Transfer-Encoding: chunked",
        f"Trailer: {ERROR_TYPE}, {ERROR_BODY}",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _refusal(answer: str) -> str:
    return f"the Runtime API answered {answer}" if answer else "the Runtime API closed the connection"
