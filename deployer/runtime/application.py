"""What is put around the Bento's ASGI application: routes that cannot work on Lambda, and an answer in any case."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

ASGI = Any  # an ASGI application: `async (scope, receive, send) -> None`
Scope = Any  # its dictionary of the request

DESCRIPTIONS = ("/docs.json", "/schema.json")
DOCUMENTATION_FOLDERS = ("/static_content", "/assets")
HEALTH = ("/livez", "/readyz", "/healthz")
TASK_VERBS = ("submit", "status", "get", "retry", "cancel")

METRICS = "metrics are off on AWS Lambda: nothing can scrape a function; CloudWatch has its invocations and durations"
NO_DOCUMENTATION = "documentation routes are off: set spec.documentation: true to have them"
WEBSOCKET = "WebSockets do not work on AWS Lambda, which answers single requests: call one of the HTTP routes"
TASKS = "task queues do not work on AWS Lambda, which stops the process between requests: POST to {route} and wait"
FAILED = "The service failed ({name}). The function's log says why."

logger = logging.getLogger("deployer")


def for_lambda(
    app: ASGI,
    *,
    documentation: bool,
    tasks: frozenset[str] = frozenset(),
    prefix: str = "",
    own_pages: bool = False,
    whole_paths: bool = False,
) -> ASGI:
    """The application for Lambda. `tasks` are the routes that have a task queue, `prefix` the service's `path_prefix`.

    `own_pages` says that the service has mounted an application of its own at the root, before BentoML's page;
    `whole_paths` that the application finds its root path in the request's path too, as Starlette does since 0.35.

    An error of the application is one log record and, before its response has begun, a 500.
    """

    async def guarded(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        if prefix and scope["path"] in HEALTH:  # who checks a function's health knows nothing of its service's prefix
            scope = {**scope, "path": prefix + scope["path"], "raw_path": (prefix + scope["path"]).encode()}
        answer = _Answer(scope, send)
        status, reason = _refused(scope, documentation=documentation, tasks=tasks, prefix=prefix, own_pages=own_pages)
        if status:
            await answer.error(status, reason)
        else:
            await _run(_with_whole_paths(app) if whole_paths else app, scope, receive, answer)

    return guarded


def below(app: ASGI, root_path: str) -> ASGI:
    """The application for a request whose client has that before its path. mangum knows no root path."""
    if not root_path:
        return app

    async def placed(scope: Scope, receive: Any, send: Any) -> None:
        await app({**scope, "root_path": root_path}, receive, send)

    return placed


def _with_whole_paths(app: ASGI) -> ASGI:
    async def whole(scope: Scope, receive: Any, send: Any) -> None:
        root_path = scope.get("root_path")
        await app({**scope, "path": root_path + scope["path"]} if root_path else scope, receive, send)

    return whole


async def _run(app: ASGI, scope: Scope, receive: Any, answer: _Answer) -> None:
    try:
        await app(scope, receive, answer.send)
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        if answer.begun and not answer.whole:
            raise  # whoever delivers the response breaks it off and logs that
        logger.exception("%s %s failed: %s", scope["method"], scope["path"], type(error).__name__)
        if not answer.begun:
            await answer.error(500, FAILED.format(name=type(error).__name__))
        return
    if not answer.begun:
        logger.error("%s %s: the service returned without an answer", scope["method"], scope["path"])
        await answer.error(500, FAILED.format(name="no answer"))
    elif not answer.whole:
        await answer.send({"type": "http.response.body", "body": b""})


class _Answer:
    """The response to one request: how far it is, and what servers do to it that mangum does not."""

    def __init__(self, scope: Scope, send: Any) -> None:
        self.begun = False
        self.whole = False
        self._without_body = scope["method"] == "HEAD"
        self._send = send

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            message = {**message, "headers": [(name, _utf8(value)) for name, value in message.get("headers", ())]}
        elif self._without_body and message.get("body"):
            message = {**message, "body": b""}
        await self._send(message)
        self.whole = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def error(self, status: int, reason: str) -> None:
        headers = [(b"content-type", b"application/json")]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": json.dumps({"error": reason}).encode()})


def _utf8(value: bytes) -> bytes:
    """Headers are Latin-1 on the wire; in Lambda's JSON they are text, which mangum reads as UTF-8."""
    if value.isascii():
        return value
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return value


def _refused(
    scope: Scope, *, documentation: bool, tasks: frozenset[str], prefix: str, own_pages: bool
) -> tuple[int, str]:
    """The status and the reason for a request that the application does not get; 0 for all others."""
    path: str = scope["path"]
    own = path[len(prefix) :] if prefix and path.startswith(f"{prefix}/") else path
    reads = scope["method"] in ("GET", "HEAD")
    if own.rstrip("/") == "/metrics" and reads:
        return 404, METRICS
    if any(name.lower() == b"upgrade" and b"websocket" in value.lower() for name, value in scope["headers"]):
        return 501, WEBSOCKET
    if not documentation and reads and _is_documentation(own, own_pages=own_pages):
        return 404, NO_DOCUMENTATION
    route, _, verb = path.rstrip("/").rpartition("/")
    if verb in TASK_VERBS and route in tasks:
        return 501, TASKS.format(route=route or "/")
    return 0, ""


def _is_documentation(path: str, *, own_pages: bool) -> bool:
    if own_pages:
        return path in DESCRIPTIONS
    return (
        path == "/" or path in DESCRIPTIONS or path.startswith(tuple(f"{folder}/" for folder in DOCUMENTATION_FOLDERS))
    )
