"""Middleware of the service's own around its APIs and BentoML's routes, and CORS switched on."""

from __future__ import annotations

import bentoml
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequireKey:
    """Refuses every HTTP request without the key, but for health checks."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app, self.key = app, key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].endswith("z") or dict(scope["headers"]).get(b"x-key") == self.key:
            await self.app(scope, receive, send)
        else:
            await JSONResponse({"error": "no key"}, status_code=401)(scope, receive, send)


class Stamp:
    """Adds a header to each answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["x-stamp"] = "stamped"
            await send(message)

        await self.app(scope, receive, stamped)


CORS = {
    "enabled": True,
    "access_control_allow_origins": ["https://example.com"],
    "access_control_allow_methods": ["POST"],
}


@bentoml.service(http={"cors": CORS})
class Guarded:
    @bentoml.api
    def double(self, number: int) -> int:
        return 2 * number

    @bentoml.api
    async def own(self, number: int) -> int:
        return await self.to_async.double(number)


Guarded.add_asgi_middleware(Stamp)
Guarded.add_asgi_middleware(RequireKey, key="secret")
