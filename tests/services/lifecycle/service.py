"""What runs before the first request: the constructor, hooks at start-up, hooks at deployment, variables, health."""

from __future__ import annotations

import asyncio
import os

import bentoml


@bentoml.service(traffic={"timeout": 2}, envs=[{"name": "LIFECYCLE_GREETING", "value": "hello"}])
class Lifecycle:
    def __init__(self) -> None:
        self.events = ["init"]
        self.ready, self.alive, self.broken = True, True, False

    @bentoml.on_startup
    def first(self) -> None:
        self.events.append("startup")

    @bentoml.on_startup
    async def later(self) -> None:
        await asyncio.sleep(0)
        self.events.append("async startup")
        self.loop = asyncio.get_running_loop()

    @bentoml.on_deployment
    def prepare() -> None:
        os.environ["LIFECYCLE_PREPARED"] = "yes"

    @bentoml.on_shutdown
    def close(self) -> None:
        self.events.append("shutdown")

    def __is_ready__(self) -> bool:
        if self.broken:
            raise RuntimeError("the check itself is broken")
        return self.ready

    async def __is_alive__(self) -> bool:
        return self.alive

    @bentoml.api
    def happened(self) -> list[str]:
        return self.events

    @bentoml.api
    async def same_loop(self) -> bool:
        return self.loop is asyncio.get_running_loop()

    @bentoml.api
    def prepared(self) -> str:
        return os.environ.get("LIFECYCLE_PREPARED", "no")

    @bentoml.api
    def greeting(self) -> str:
        return os.environ.get("LIFECYCLE_GREETING", "none")

    @bentoml.api
    def become(self, ready: bool = True, alive: bool = True, broken: bool = False) -> None:
        self.ready, self.alive, self.broken = ready, alive, broken

    @bentoml.api
    async def background(self, ctx: bentoml.Context) -> str:
        ctx.response.background.add_task(self.events.append, "background")
        return "later"
