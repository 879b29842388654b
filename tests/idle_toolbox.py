"""A toolbox for workflows that need little of it: a target on the folder's own, nothing shown, nothing built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployer.targets import Environment
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.bento_store import BentoStore
from deployer.tools.http import Urllib3Http
from deployer.tools.process import Processes

ACCOUNT = "123456789012"


class Silent:
    """Progress that nobody sees, and a step of it; `notes` are what would have been said."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Any]:
        yield self

    def update(self, detail: str) -> None: ...

    def done(self, outcome: str, *, well: bool = True) -> None: ...

    def note(self, text: str) -> None:
        self.notes.append(text)


class Reached:
    """A target that is there, with nothing to prepare."""

    name = "aws"

    def prepare(
        self,
        *,
        region: str,
        python_version: str | None = None,
        architecture: str = "",
        account: str = "",
        profile: str = "",
    ) -> Environment:
        return Environment(self.name, region, account=account or ACCOUNT)

    def reach(self, *, region: str, account: str = "", profile: str = "") -> Environment:
        return self.prepare(region=region, account=account, profile=profile)


def idle_toolbox(folder: Path, *, variables: Mapping[str, str], aws: Any, terraform: Any) -> Toolbox:
    """`aws` and `terraform` are handed out whatever the environment."""
    return Toolbox(
        folder=folder,
        variables=variables,
        runner=Processes(),
        progress=Silent(),
        store=BentoStore(folder),
        http=Urllib3Http(),
        targets={"aws": Reached()},
        aws=lambda environment: aws,
        terraform=lambda deployment, environment: terraform,
        bentoctl=_no_bentoctl,
    )


def _no_bentoctl(deployment: Deployment, environment: object) -> Any:
    raise AssertionError("nothing is built here")
