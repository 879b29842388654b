"""A service without a model that tells what reached the function."""

from __future__ import annotations

import os
import typing as t

import bentoml


@bentoml.service(name="echo.service")
class Echo:
    @bentoml.api
    def variables(self, names: t.List[str]) -> t.Dict[str, t.Optional[str]]:  # noqa: UP006, UP045
        return {name: os.environ.get(name) for name in names}
