"""A prefix before every route: APIs, health, documents and a mounted application."""

from __future__ import annotations

import bentoml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.url.path)


@bentoml.asgi_app(Starlette(routes=[Route("/hello", hello)]), path="/app")
@bentoml.service(path_prefix="/v2")
class Prefixed:
    @bentoml.api
    def double(self, number: int) -> int:
        return 2 * number

    @bentoml.api(route="/a/b")
    async def deep(self) -> str:
        return "deep"
