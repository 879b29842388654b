"""The ASGI lifespan protocol, start-up half: run once, then left open for as long as the process lives."""

from __future__ import annotations

import asyncio
from typing import Any

ASGI = Any  # an ASGI application: `async (scope, receive, send) -> None`


def run_startup(app: ASGI, *, loop: asyncio.AbstractEventLoop) -> None:
    """Return when the application has started; raise what its start-up raised.

    No time limit of our own: Lambda's init and function timeouts already are one.
    """
    loop.run_until_complete(_startup(app))


async def _startup(app: ASGI) -> None:
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "lifespan.startup"})
    started = asyncio.Event()
    failures = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "lifespan.startup.complete":
            started.set()
        elif message["type"] == "lifespan.startup.failed":
            failures.append(message.get("message", ""))

    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    running = asyncio.ensure_future(app(scope, messages.get, send))
    waiting = asyncio.ensure_future(started.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if started.is_set():
        _KEPT.append(running)
        return
    waiting.cancel()
    running.result()  # the application's own exception, which says more than its `failed` message
    raise RuntimeError(failures[0] if failures else "the service ended before it had started")


_KEPT: list[Any] = []  # the event loop itself holds tasks weakly
