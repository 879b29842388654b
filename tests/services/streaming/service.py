"""Generator APIs: text, JSON lines and bytes; errors before the first piece and after it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Generator

import bentoml
from bentoml.exceptions import InvalidArgument
from pydantic import BaseModel


class Step(BaseModel):
    number: int
    name: str


@bentoml.service
class Streaming:
    @bentoml.api
    def count(self, to: int) -> Generator[str, None, None]:
        for number in range(to):
            yield f"{number}\n"

    @bentoml.api
    async def words(self, text: str) -> AsyncGenerator[str, None]:
        for word in text.split():
            await asyncio.sleep(0)
            yield f"data: {word}\n\n"

    @bentoml.api
    async def lines(self, to: int, ctx: bentoml.Context) -> AsyncGenerator[str, None]:
        ctx.response.headers["content-type"] = "application/jsonlines"
        for number in range(to):
            yield json.dumps({"number": number}) + "\n"

    @bentoml.api
    async def steps(self, to: int) -> AsyncGenerator[Step, None]:
        for number in range(to):
            yield Step(number=number, name=f"step {number}")

    @bentoml.api
    def binary(self) -> Generator[bytes, None, None]:
        yield b"\x00\xff"
        yield bytes(range(128, 256))

    @bentoml.api
    async def refused(self, text: str) -> AsyncGenerator[str, None]:
        if text != "please":
            raise InvalidArgument("say please")
        yield text

    @bentoml.api
    def failed(self) -> Generator[str, None, None]:
        raise RuntimeError("before the first piece")
        yield "never"

    @bentoml.api
    async def broken_off(self) -> AsyncGenerator[str, None]:
        yield "one\n"
        raise RuntimeError("after the first piece")

    @bentoml.api
    async def with_status(self, ctx: bentoml.Context) -> AsyncGenerator[str, None]:
        ctx.response.status_code = 202
        ctx.response.headers["x-streamed"] = "yes"
        yield "accepted"
