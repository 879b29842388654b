"""A service with randomness from before its snapshot, and with hooks of its own."""

from __future__ import annotations

import os
import random

import bentoml
import numpy

hooks = []
secrets = [os.environ.get("TEST_SECRET", "")]
random.seed(7)
numpy.random.seed(7)


def reconnect() -> None:
    if os.environ.get("TEST_FAULT") == "restore":
        raise ConnectionError("the database is gone")
    hooks.append(f"after restore, {random.random()}")  # noqa: S311
    secrets.append(os.environ.get("TEST_SECRET", ""))


try:
    from snapshot_restore_py import register_after_restore, register_before_snapshot
except ImportError:  # not in the image
    pass
else:
    register_before_snapshot(lambda: hooks.append("before snapshot"))
    register_after_restore(reconnect)


@bentoml.service
class Drawing:
    @bentoml.api
    def draw(self) -> list[float]:
        return [random.random(), float(numpy.random.random())]  # noqa: S311

    @bentoml.api
    def ran(self) -> list[str]:
        return hooks

    @bentoml.api
    def found(self) -> list[str]:
        return secrets
