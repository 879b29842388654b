"""A service's own time limit, which ends a request before Lambda's does."""

from __future__ import annotations

import asyncio
import time

import bentoml


@bentoml.service(traffic={"timeout": 1})
class Slow:
    @bentoml.api
    async def wait(self, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "waited"

    @bentoml.api
    def block(self, seconds: float) -> str:
        time.sleep(seconds)
        return "blocked"
