"""What is put around the Bento's application."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from deployer.runtime.application import below, for_lambda

START = {"type": "http.response.start", "status": 200, "headers": []}
TASKS = frozenset({"/generate"})


async def fine(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send(START)
    await send({"type": "http.response.body", "body": b"ok"})


def failing(*messages: dict[str, Any]) -> Any:
    """An application that sends those messages and raises."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        raise ValueError("a secret")

    return app


def ask(
    path: str, app: Any = fine, *, method: str = "GET", headers: Any = (), documentation: bool = True, prefix: str = ""
) -> list[dict[str, Any]]:
    """The messages of the answer."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    asyncio.run(for_lambda(app, documentation=documentation, tasks=TASKS, prefix=prefix)(scope, None, send))
    return sent


def status(*args: Any, **more: Any) -> Any:
    return ask(*args, **more)[0]["status"]


@pytest.mark.parametrize(("whole", "path"), [(True, "/prod/x"), (False, "/x")])
def test_a_root_path_is_where_the_application_looks_for_it(whole: bool, path: str) -> None:
    """ASGI's way and that of older Starlettes; what cannot work on Lambda is known by the path without it."""
    asked: list[Any] = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        asked.append((scope["root_path"], scope["path"]))
        await fine(scope, receive, send)

    def status_of(path: str) -> Any:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
        whole_app = below(for_lambda(app, documentation=True, whole_paths=whole), "/prod")
        asyncio.run(whole_app(scope, None, send))
        return sent[0]["status"]

    assert [status_of(path) for path in ("/x", "/metrics")] == [200, 404]
    assert asked == [("/prod", path)]
    assert below(app, "") is app


async def names_its_path(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await send({**START, "headers": [(b"path", scope["path"].encode())]})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize(
    ("path", "prefix", "seen"),
    [
        *[("/readyz", "/v2", "/v2/readyz"), ("/livez", "/v2", "/v2/livez"), ("/v2/readyz", "/v2", "/v2/readyz")],
        *[("/readyz", "", "/readyz"), ("/predict", "/v2", "/predict")],
    ],
)
def test_health_routes_answer_with_and_without_the_prefix(path: str, prefix: str, seen: str) -> None:
    """Who checks a function's health knows nothing of its service's prefix; every other path is as it was asked."""
    assert ask(path, names_its_path, prefix=prefix)[0]["headers"] == [(b"path", seen.encode())]


@pytest.mark.parametrize(
    ("path", "expected"), [("/metrics", 404), ("/metrics/", 404), ("/metrics/mine", 200), ("/v1/metrics", 200)]
)
def test_only_the_metrics_route_is_taken(path: str, expected: int) -> None:
    """Every other path is the application's own; a service with a prefix has its metrics below it."""
    assert status(path) == expected
    assert status(f"/v2{path}", prefix="/v2") == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *[(f"/generate/{verb}", 501) for verb in ("submit", "status", "get", "retry", "cancel")],
        ("/generate", 200),
        ("/other/submit", 200),
        ("/generate/submit/more", 200),
    ],
)
def test_task_queues_are_refused(path: str, expected: int) -> None:
    """The route itself answers, and is named."""
    assert status(path, method="POST") == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        *[("GET", path, 404) for path in ("/", "/docs.json", "/schema.json", "/static_content/a.js", "/assets/x/y")],
        ("HEAD", "/", 404),
        ("POST", "/", 200),
        ("GET", "/assets", 200),
        ("GET", "/readyz", 200),
    ],
)
def test_documentation_routes_are_there_by_choice(method: str, path: str, expected: int) -> None:
    """All of BentoML's and nothing else."""
    assert status(path, method=method, documentation=False) == expected
    assert status(path, method=method, documentation=True) == 200


@pytest.mark.parametrize(("path", "expected"), [("/", 200), ("/assets/own.js", 200), ("/docs.json", 404)])
def test_pages_of_the_services_own_stay(path: str, expected: int) -> None:
    """An application that it has mounted at the root is before BentoML's page; descriptions are still refused."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    guarded = for_lambda(fine, documentation=False, own_pages=True)
    asyncio.run(guarded({"type": "http", "method": "GET", "path": path, "headers": []}, None, send))
    assert sent[0]["status"] == expected


def test_an_api_may_be_called_metrics() -> None:
    """BentoML's own route is read; an API is posted to."""
    assert status("/metrics", method="POST") == 200


def test_a_websocket_is_refused_at_once() -> None:
    """Nothing could answer it, and no time is spent on finding that out."""
    assert status("/chat", headers=[(b"Upgrade", b"WebSocket")]) == 501
    assert status("/chat", headers=[(b"upgrade", b"h2c")]) == 200


def test_a_refusal_says_why_as_json() -> None:
    """With what to do instead."""
    start, body = ask("/generate/submit", method="POST")
    assert start["headers"] == [(b"content-type", b"application/json")]
    assert "POST to /generate and wait" in json.loads(body["body"])["error"]


def test_a_head_request_gets_no_body() -> None:
    """Ours neither."""
    assert ask("/", method="HEAD")[1]["body"] == b""
    assert ask("/metrics", method="HEAD")[1]["body"] == b""


def test_an_error_before_the_answer_is_a_500_and_one_record(caplog: pytest.LogCaptureFixture) -> None:
    """The client learns its type alone; the text, which may hold a secret, is in the log."""
    start, body = ask("/p", failing())
    assert (start["status"], "ValueError" in json.loads(body["body"])["error"]) == (500, True)
    assert b"secret" not in body["body"]
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_an_error_after_the_answer_is_one_record(caplog: pytest.LogCaptureFixture) -> None:
    """Starlette answers 500 itself and raises then."""
    assert len(ask("/p", failing(START, {"type": "http.response.body", "body": b"failed"}))) == 2
    assert len(caplog.records) == 1


def test_an_error_amid_the_answer_is_for_whoever_delivers_it(caplog: pytest.LogCaptureFixture) -> None:
    """Only there can it be broken off."""
    with pytest.raises(ValueError, match="secret"):
        ask("/p", failing(START, {"type": "http.response.body", "body": b"half", "more_body": True}))
    assert caplog.records == []


def test_an_application_without_an_answer_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    """And one that only begins has ended."""

    async def nothing(scope: dict[str, Any], receive: Any, send: Any) -> None: ...

    async def begins(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send(START)

    assert status("/p", nothing) == 500
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert ask("/p", begins) == [START, {"type": "http.response.body", "body": b""}]


def test_headers_are_utf_8() -> None:
    """Latin-1 is written anew; what is UTF-8 stays."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        values = [b"plain", "é".encode("latin-1"), "é".encode()]
        await send({**START, "headers": [(b"x", value) for value in values]})
        await send({"type": "http.response.body"})

    assert [value.decode() for _, value in ask("/", app)[0]["headers"]] == ["plain", "é", "é"]


def test_what_is_no_request_is_passed_on() -> None:
    """The lifespan, say."""
    seen = []

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(for_lambda(app, documentation=False)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
