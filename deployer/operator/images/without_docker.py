"""bentoctl's image calls without Docker: `deployer image build` and `deployer image push` do the work."""

from __future__ import annotations

import json
from pathlib import Path

from .calls import ImageCalls, second_tag


class Images:
    """Stands where bentoctl expects BentoML's container module, its buildx backend and Docker's push."""

    def __init__(self, calls: ImageCalls) -> None:
        self._calls = calls

    def health(self, backend: str) -> bool:
        return True

    def get_backend(self, backend: str) -> Images:
        return self

    def build(self, *, context_path: str, **buildx_options: object) -> None:
        job = self._calls.job
        machine = ["--machine", job["machine"]] if job["machine"] else []
        self._calls.run("build", context_path, "--layout", job["layout"], "--base", job["base"], *machine)

    def tag(self, local: str, remote: str) -> None:
        """Nothing to do: a layout has no names, the push gives it one."""

    def push(self, *, repository: str, username: str | None = None, password: str | None = None) -> None:
        job = self._calls.job
        registry = ["--registry-url", job["registry_url"]] if job["registry_url"] else []
        check = [] if job["import_check"] else ["--no-check"]
        index = json.loads(Path(job["layout"], "index.json").read_text(encoding="utf-8"))
        second = ["--or-tag", second_tag(repository, index["manifests"][0]["digest"])]
        secrets = [word for name in self._calls.secrets for word in ("--secret", name)]
        self._calls.run("push", job["layout"], repository, *registry, *second, *check, *secrets)
