"""A service for the tests of the runtime: no model, and faults on demand that `bentoml build` does not see."""

from __future__ import annotations

import os
from pathlib import Path

import bentoml

if os.environ.get("TEST_FAULT") == "import":
    import a_library_that_is_not_there  # noqa: F401

instances = []


@bentoml.service
class Probe:
    def __init__(self) -> None:
        if os.environ.get("TEST_FAULT") == "init":
            raise ValueError("the weights are\ntorn")
        instances.append(self)

    @bentoml.api
    def double(self, value: float) -> float:
        return 2 * value

    @bentoml.api
    def started(self) -> int:
        return len(instances)

    @bentoml.api
    def picture(self, folder: str) -> Path:
        path = Path(folder) / "picture.png"
        path.write_bytes(b"\x89PNG\r\n\xff")
        return path

    @bentoml.api
    def writes(self, path: str) -> str:
        Path(path).write_text("written")
        return "written"
