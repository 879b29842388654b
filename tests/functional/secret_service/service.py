"""A service that reads a secret when it is imported, tells hashes of what it has, and quotes it when it fails."""

from __future__ import annotations

import hashlib
import os
import typing as t

import bentoml

PASSWORD = os.environ["KEEPER_PASSWORD"]


@bentoml.service(name="keeper")
class Keeper:
    @bentoml.api
    def hashes(self, names: t.List[str]) -> t.Dict[str, str]:  # noqa: UP006
        found = {**{name: os.environ[name] for name in names}, "at import": PASSWORD}
        return {name: hashlib.sha256(value.encode()).hexdigest() for name, value in found.items()}

    @bentoml.api
    def fails(self) -> str:
        raise ConnectionError(f"no login with postgres://keeper:{PASSWORD}@db:5432")
