"""One ASGI request whose response is posted while the application makes it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from .response_post import Gone, ResponsePost, TooLarge

CANCEL_SECONDS = 1.0  # that an application has after `http.disconnect`
WITHOUT_BODY = (204, 304)
PLAIN_TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)

logger = logging.getLogger("deployer")

Message = Any  # a dictionary, as ASGI has them


class Exchange:
    """What the application is called with.

    `status` is 0 until something of the response was posted, `whole` says that all of it was sent, `broken` why nobody
    takes the rest. Status and headers are posted with the first piece: an error until then can still be a 500, and an
    empty body has to be announced, since function URLs are known to leave the connection of one open that is not.
    """

    def __init__(self, body: bytes, post: ResponsePost) -> None:
        self.status = 0
        self.whole = False
        self.broken = ""
        self._start: Message = None
        self._request = [{"type": "http.request", "body": body, "more_body": False}]
        self._post = post

    async def receive(self) -> Message:
        """The request, and later, when the response is whole or its client gone, that there is no client any more."""
        if self._request:
            return self._request.pop()
        await self._post.answered.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Raises Gone when nobody takes the response, TooLarge at Lambda's limit."""
        try:
            await self._send(message)
        except Gone as gone:
            self.broken = self.broken or str(gone)
            raise
        except TooLarge as error:
            self.broken = str(error)
            await self._post.fail("Function.ResponseSizeTooLarge", self.broken)
            raise

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._start is None:
            self._start = message
        elif message["type"] == "http.response.body" and self._start is not None and not self.whole:
            await self._piece(message.get("body", b""), last=not message.get("more_body", False))
        else:
            raise RuntimeError(f"unexpected ASGI message: {message['type']}")

    async def _piece(self, body: bytes, *, last: bool) -> None:
        if not self.status:
            self.status, headers = int(self._start["status"]), list(self._start.get("headers", ()))
            await self._post.begin(self.status, headers if body or not last else _announced(self.status, headers))
        await self._post.write(body)
        self.whole = last
        if last:
            await self._post.end()


def _announced(status: int, headers: Any) -> Any:
    """The headers of an empty body, which says so unless its status does."""
    said = status in WITHOUT_BODY or any(bytes(name).lower() == b"content-length" for name, _ in headers)
    return headers if said else [*headers, (b"content-length", b"0")]


async def answer(app: Any, scope: Any, body: bytes, *, post: ResponsePost, route: str) -> int:
    """Run the application to its end; the status that the client saw.

    An error before the response is a 500, one in its middle breaks it off; either is one log record.
    """
    exchange = Exchange(body, post)
    running = asyncio.ensure_future(app(scope, exchange.receive, exchange.send))
    try:
        await _ended(running, exchange, post)
        error = RuntimeError("it was cancelled") if running.cancelled() else running.exception()
        if post.answered.is_set() and not exchange.whole:
            exchange.broken = exchange.broken or "the Runtime API has ended it"
        if not exchange.broken:
            await _settle(exchange, post, error=error, route=route)
    except Gone as gone:
        exchange.broken = str(gone)
    finally:
        await post.close()
    if exchange.broken:
        logger.warning("The response to %s was cut off and its request cancelled: %s", route, exchange.broken)
    return exchange.status or 500


async def _ended(running: Any, exchange: Exchange, post: ResponsePost) -> None:
    """Return when the application has ended. It is cancelled when it goes on without a client."""
    answered = asyncio.ensure_future(post.answered.wait())
    await asyncio.wait({running, answered}, return_when=asyncio.FIRST_COMPLETED)
    answered.cancel()
    if not exchange.whole and not running.done():
        await asyncio.wait({running}, timeout=CANCEL_SECONDS)
        running.cancel()
    await asyncio.wait({running})


async def _settle(exchange: Exchange, post: ResponsePost, *, error: Any, route: str) -> None:
    """The end of a response that the application has left open."""
    if error is not None:
        logger.error("%s failed: %s: %s", route, type(error).__name__, error, exc_info=error)
    if exchange.whole:
        return
    if exchange.status:
        message = str(error) if error is not None else "the service ended before its response did"
        await post.fail(type(error).__name__ if error is not None else "IncompleteResponse", message)
        return
    exchange.status = 500
    await post.begin(500, PLAIN_TEXT)
    await post.write(b"Internal Server Error")
    await post.end()
