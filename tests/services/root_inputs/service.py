"""APIs whose one argument is the whole body: a list, text, a number, an object, a model with a default."""

from __future__ import annotations

from typing import Any

import bentoml
from pydantic import BaseModel


class Point(BaseModel):
    x: float = 0.0
    y: float = 0.0


@bentoml.service
class Roots:
    @bentoml.api
    def total(self, numbers: list[float], /) -> float:
        return sum(numbers)

    @bentoml.api
    async def shout(self, text: str, /) -> str:
        return text.upper()

    @bentoml.api
    def next(self, number: int, /) -> int:
        return number + 1

    @bentoml.api
    def keys(self, values: dict[str, Any], /) -> list[str]:
        return sorted(values)

    @bentoml.api
    def mirrored(self, point: Point, /) -> Point:
        return Point(x=point.y, y=point.x)
