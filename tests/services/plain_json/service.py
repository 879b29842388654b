"""Sync and async APIs with plain types, defaults and constraints; the service says nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import bentoml
from pydantic import Field


@bentoml.service
class PlainJson:
    @bentoml.api
    def add(self, left: int, right: int = 10) -> int:
        return left + right

    @bentoml.api
    async def join(self, words: list[str], separator: str = " ") -> str:
        await asyncio.sleep(0)
        return separator.join(words)

    @bentoml.api
    def bounded(self, share: float = Field(ge=0, le=1), name: str = Field(default="all", max_length=5)) -> str:
        return f"{share:.2f} of {name}"

    @bentoml.api(route="/v1/echo")
    def echo(self, value: Any = None) -> dict[str, Any]:
        return {"value": value, "type": type(value).__name__}

    @bentoml.api
    def nothing(self) -> None:
        return None

    @bentoml.api
    def flags(self, wanted: bool, limits: dict[str, float], note: str | None = None) -> dict[str, Any]:
        return {"wanted": wanted, "limits": limits, "note": note}
