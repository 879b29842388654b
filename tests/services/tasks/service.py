"""A task API: its own route works like any API's, its queue cannot."""

from __future__ import annotations

import bentoml


@bentoml.service(traffic={"timeout": 5})
class Tasks:
    @bentoml.task
    def square(self, number: int) -> int:
        return number * number

    @bentoml.api
    def submit(self, number: int) -> int:
        return -number
