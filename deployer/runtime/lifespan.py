"""The ASGI lifespan protocol, start-up half: run once, then left open for as long as the process lives."""

from __future__ import annotations

import asyncio
import sys
from threading import Thread
from typing import Any

ENDING_SECONDS = 1.0  # that an application has to raise what it has reported

ASGI = Any  # an ASGI application: `async (scope, receive, send) -> None`


def run_startup(app: ASGI, *, loop: asyncio.AbstractEventLoop) -> None:
    """Return when the application has started; raise what its start-up raised.

    No time limit of our own: Lambda's init and function timeouts already are one.
    """
    _run(loop, _startup(app))
    if "anyio" in sys.modules:
        _keep_a_worker_thread(loop)


async def _startup(app: ASGI) -> None:
    messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    messages.put_nowait({"type": "lifespan.startup"})
    told = asyncio.Event()
    failures = []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "lifespan.startup.failed":
            failures.append(message.get("message", ""))
        told.set()

    scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
    running = asyncio.ensure_future(_contained(app(scope, messages.get, send)))
    waiting = asyncio.ensure_future(told.wait())
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if told.is_set() and not failures:
        _KEPT.append(running)
        return
    waiting.cancel()
    await asyncio.wait({running}, timeout=ENDING_SECONDS)
    if running.done():
        running.result()  # the application's own exception, which says more than its `failed` message
    running.cancel()
    raise RuntimeError(failures[0] if failures else "the service ended before it had started")


async def _contained(application: Any) -> None:
    """`sys.exit` in a service would leave the event loop in the middle of its work, unfit for the next start."""
    try:
        await application
    except SystemExit as error:
        raise RuntimeError(f"the service ended itself: SystemExit: {error}") from error


def _keep_a_worker_thread(loop: asyncio.AbstractEventLoop) -> None:
    """AnyIO runs synchronous code in threads that end with the task that needed them first: here with every request.

    One that belongs to a task without an end is what they find idle, and what a service keeps per thread stays. It is
    made in a daemon thread because it inherits that: the process need not wait for it when it ends.
    """
    from anyio import to_thread

    async def own(there: asyncio.Event) -> None:
        await to_thread.run_sync(int)
        there.set()
        await asyncio.Event().wait()

    async def make() -> None:
        there = asyncio.Event()
        _KEPT.append(asyncio.ensure_future(own(there)))
        await there.wait()

    making = Thread(target=_run, args=(loop, make()), daemon=True)
    making.start()
    making.join()


def _run(loop: asyncio.AbstractEventLoop, coroutine: Any) -> None:
    """Not run_until_complete: AnyIO takes a task of that for the one that its worker threads belong to."""
    running = loop.create_task(coroutine)
    running.add_done_callback(lambda _: loop.stop())
    loop.run_forever()
    running.result()


_KEPT: list[Any] = []  # the event loop itself holds tasks weakly
