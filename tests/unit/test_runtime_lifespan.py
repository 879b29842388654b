"""The start-up half of ASGI's lifespan."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from deployer.runtime.lifespan import run_startup


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop as the handler makes one; what still runs is cancelled at the end."""
    loop = asyncio.new_event_loop()
    yield loop
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def test_startup_returns_when_started_and_leaves_the_application_running(loop: asyncio.AbstractEventLoop) -> None:
    """The application gets `startup` once and then waits: no shutdown follows."""
    received = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        received.append(await receive())
        await send({"type": "lifespan.startup.complete"})
        received.append(await receive())

    run_startup(app, loop=loop)
    assert received == [{"type": "lifespan.startup"}]


def test_startup_raises_the_applications_own_error(loop: asyncio.AbstractEventLoop) -> None:
    """What the service raised is what Lambda reports, not the protocol's `failed` message."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "a traceback as text"})
        raise ValueError("no weights")

    with pytest.raises(ValueError, match="no weights"):
        run_startup(app, loop=loop)


def test_startup_raises_the_message_where_there_is_no_error(loop: asyncio.AbstractEventLoop) -> None:
    """An application that reports failure and ends quietly still fails the init."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.failed", "message": "no weights"})

    with pytest.raises(RuntimeError, match="no weights"):
        run_startup(app, loop=loop)


def test_startup_of_an_application_that_only_ends_fails(loop: asyncio.AbstractEventLoop) -> None:
    """An application that says neither is not waited for."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()

    with pytest.raises(RuntimeError, match="ended before it had started"):
        run_startup(app, loop=loop)


def test_synchronous_code_of_all_requests_runs_in_one_thread(loop: asyncio.AbstractEventLoop) -> None:
    """What a service keeps per thread, a connection say, is there for the next request, as under `bentoml serve`."""
    from anyio import to_thread

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()

    async def request() -> threading.Thread:
        return await to_thread.run_sync(threading.current_thread)

    run_startup(app, loop=loop)
    threads = [loop.run_until_complete(request()) for _ in range(3)]
    assert len({thread.ident for thread in threads}) == 1
    assert threads[0].daemon  # else the process would wait for it at its end


def test_a_failure_that_is_only_reported_is_not_waited_for(loop: asyncio.AbstractEventLoop) -> None:
    """An application that says it has failed and goes on waiting has failed."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no weights"})
        await receive()

    with pytest.raises(RuntimeError, match="no weights"):
        run_startup(app, loop=loop)


def test_a_service_that_exits_leaves_a_loop_to_start_again_with(loop: asyncio.AbstractEventLoop) -> None:
    """`sys.exit` in a service is an error of its start; the next start finds everything in order."""
    exits = iter([True, False])

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        if next(exits):
            raise SystemExit("no model")
        await send({"type": "lifespan.startup.complete"})
        await receive()

    with pytest.raises(RuntimeError, match="SystemExit: no model"):
        run_startup(app, loop=loop)
    run_startup(app, loop=loop)
