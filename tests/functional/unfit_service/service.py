"""A service of what Lambda does not carry: a task queue, a pool of processes, a WebSocket; and what works beside it."""

from __future__ import annotations

import multiprocessing
import typing as t

import bentoml
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute


async def chat(socket: t.Any) -> None:
    await socket.accept()


@bentoml.asgi_app(Starlette(routes=[WebSocketRoute("/chat", chat)]), path="/live")
@bentoml.service(name="unfit")
class Unfit:
    @bentoml.task
    def train(self, rows: int) -> int:
        return rows * 2

    @bentoml.api
    def pooled(self, numbers: t.List[int]) -> t.List[int]:  # noqa: UP006
        with multiprocessing.Pool(2) as pool:
            return pool.map(abs, numbers)

    @bentoml.api
    def words(self) -> t.Generator[str, None, None]:
        yield from ("one ", "two")
