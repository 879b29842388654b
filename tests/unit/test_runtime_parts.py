"""The parts of the handler that need neither BentoML nor Lambda."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.runtime.application import without_metrics
from deployer.runtime.events import UnsupportedEvent, require_http
from deployer.runtime.lifespan import run_startup
from deployer.runtime.startup import start


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


@pytest.mark.parametrize(
    "event",
    [
        {"version": "2.0", "requestContext": {"http": {"method": "GET"}}},
        {"httpMethod": "GET", "resource": "/", "requestContext": {}},
        {"httpMethod": "GET", "requestContext": {"elb": {}}},
    ],
    ids=["function URL", "REST API", "load balancer"],
)
def test_http_events_are_passed_on(event: dict[str, Any]) -> None:
    """An HTTP event reaches the handler with its context, and its answer comes back."""
    handle = require_http(lambda event, context: (event, context))
    assert handle(event, "context") == (event, "context")


@pytest.mark.parametrize(
    "event",
    [None, 3, "text", [], {}, {"requestContext": None}, {"requestContext": {"http": {}}}, {"source": "aws.events"}],
    ids=repr,
)
def test_other_events_are_refused(event: Any) -> None:
    """Whatever else a function may be invoked with is refused by name and never reaches the handler."""
    handle = require_http(lambda event, context: pytest.fail("called"))
    with pytest.raises(UnsupportedEvent, match="answers HTTP requests"):
        handle(event, None)


@pytest.mark.parametrize(
    ("path", "status"), [("/metrics", 404), ("/metrics/", 404), ("/metrics/mine", 200), ("/", 200)]
)
def test_only_the_metrics_route_is_taken(path: str, status: int) -> None:
    """Every other path is the application's own."""
    sent: list[dict[str, Any]] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(without_metrics(app)({"type": "http", "path": path}, None, send))
    assert sent[0]["status"] == status


def test_start_makes_the_writable_folders_and_keeps_the_users_settings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before BentoML is imported the folders are there and metrics are off; no Bento is one line and an error."""
    environment = {
        "HOME": str(tmp_path / "home"),
        "BENTOML_HOME": str(tmp_path / "home/bentoml"),
        "BENTOML_CONFIG_OPTIONS": "api_server.http.cors.enabled=true",
    }
    with pytest.raises(KeyError):
        start(environment)
    assert (tmp_path / "home/bentoml").is_dir()
    assert environment["BENTOML_CONFIG_OPTIONS"] == (
        "api_server.http.cors.enabled=true api_server.metrics.enabled=false"
    )
    line = "deployer: the Bento at (BENTO_PATH is not set) could not be started: KeyError: 'BENTO_PATH'"
    assert capsys.readouterr().err.strip() == line
