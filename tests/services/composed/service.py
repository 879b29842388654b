"""Three services that call each other: directly, through `to_async`, and an API that calls its own service."""

from __future__ import annotations

import asyncio

import bentoml
import numpy as np
from bentoml.exceptions import InvalidArgument


@bentoml.service
class Words:
    @bentoml.api
    def upper(self, text: str) -> str:
        return text.upper()

    @bentoml.api
    async def count(self, text: str) -> int:
        return len(text.split())

    @bentoml.api
    def refuse(self, text: str) -> str:
        raise InvalidArgument(f"not {text}")

    @bentoml.api
    def fail(self, text: str) -> str:
        raise ValueError(f"cannot {text}")


@bentoml.service
class Numbers:
    words = bentoml.depends(Words)

    @bentoml.api
    def scale(self, values: np.ndarray, factor: float = 2.0) -> np.ndarray:
        return values * factor

    @bentoml.api
    def letters(self, text: str) -> int:
        return len(self.words.upper(text))


@bentoml.service
class Entrance:
    words = bentoml.depends(Words)
    numbers = bentoml.depends(Numbers)

    @bentoml.api
    def shout(self, text: str) -> str:
        return self.words.upper(text) + "!"

    @bentoml.api
    async def both(self, text: str) -> dict[str, object]:
        upper, count = await asyncio.gather(self.words.to_async.upper(text), self.words.to_async.count(text))
        return {"upper": upper, "count": count}

    @bentoml.api
    async def scaled(self, values: list[float]) -> list[float]:
        return (await self.numbers.to_async.scale(np.array(values), factor=3.0)).tolist()

    @bentoml.api
    def through_two(self, text: str) -> int:
        return self.numbers.letters(text)

    @bentoml.api
    async def refused(self, text: str) -> str:
        return await self.words.to_async.refuse(text)

    @bentoml.api
    def failed(self, text: str) -> str:
        return self.words.fail(text)

    @bentoml.api
    async def own(self, text: str) -> str:
        return await self.to_async.shout(text)

    @bentoml.api
    async def own_directly(self, text: str) -> dict[str, object]:
        return await self.both(text)

    @bentoml.api
    def own_from_a_thread(self, text: str) -> dict[str, object]:
        return self.to_sync.both(text)

    @bentoml.api
    async def missing(self) -> str:
        return await self.words.to_async.upper()
