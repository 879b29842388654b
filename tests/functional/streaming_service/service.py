"""A service for the tests of the streaming runtime: generators that wait, in their middle, for a file of the test's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import bentoml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

ended = []


async def torn(request: Request) -> StreamingResponse:
    """An error that reaches the server: those of its own generators BentoML logs, and ends the response cleanly."""

    async def pieces() -> AsyncGenerator[str, None]:
        yield "first,"
        raise ValueError("torn")

    return StreamingResponse(pieces())


@bentoml.asgi_app(Starlette(routes=[Route("/torn", torn, methods=["POST"])]), path="/mounted")
@bentoml.service
class Teller:
    @bentoml.api
    async def tell(self, gate: str) -> AsyncGenerator[str, None]:
        yield "first,"
        while not Path(gate).exists():
            await asyncio.sleep(0.01)
        yield "last"

    @bentoml.api
    def tell_in_a_thread(self, gate: str) -> Generator[str, None, None]:
        yield "first,"
        while not Path(gate).exists():
            time.sleep(0.01)
        yield "last"

    @bentoml.api
    async def endless(self) -> AsyncGenerator[str, None]:
        try:
            while True:
                yield "more" * 2**18
                await asyncio.sleep(0.001)
        finally:
            ended.append(self)

    @bentoml.api
    def endings(self) -> int:
        return len(ended)

    @bentoml.api
    def double(self, value: float) -> float:
        return 2 * value
