"""The folder of a deployment and the `.deployer` around it: files written whole or not at all, for this user only."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from deployer.config import DeploymentConfig, TargetName
from deployer.config.schema import ENVIRONMENT
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Route
from deployer.workspace.record import Record, read_record, write_record

FOLDER = ".deployer"
TARGETS: tuple[TargetName, ...] = ("local", "aws")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
KEPT_LOGS = 20


@dataclass(frozen=True)
class Workspace:
    """One deployment's folder. `folder` is the one that holds `.deployer`, normally the current one.

    Each environment has one of its own, even where two of them have the same name: they may be in two accounts.
    """

    folder: Path
    name: str
    target: TargetName
    environment: str = ""

    @classmethod
    def at(cls, folder: Path, name: str, target: TargetName, environment: str = "") -> Workspace:
        """The workspace, made where it is missing. Raises BadInput for a name that is not one path component."""
        workspace = cls.named(folder, name, target, environment)
        make_private_folder(folder)
        with _writing(workspace.root):
            for part in (workspace.bentoctl, workspace.terraform, workspace.logs):
                part.mkdir(parents=True, exist_ok=True)
        return workspace

    @classmethod
    def named(cls, folder: Path, name: str, target: TargetName, environment: str = "") -> Workspace:
        """The workspace as a value: nothing is written."""
        if not NAME.fullmatch(name) or target not in TARGETS:
            raise BadInput(f"{name!r} cannot name a deployment: 1 to 64 letters, digits, - and _ are valid.")
        if environment and not re.fullmatch(ENVIRONMENT, environment):
            valid = "a lower-case letter and up to 30 letters, digits and - are valid"
            raise BadInput(f"{environment!r} cannot name an environment: {valid}.")
        return cls(folder, name, target, environment)

    @property
    def root(self) -> Path:
        return self.folder / FOLDER / self.name / self.place

    @property
    def place(self) -> str:
        """The target and the environment: `aws`, or `aws.prod`."""
        return f"{self.target}.{self.environment}" if self.environment else self.target

    def __str__(self) -> str:
        """The deployment in words: `digits (aws)`, or `digits (aws, environment prod)`."""
        return f"{self.name} ({self.target}{f', environment {self.environment}' if self.environment else ''})"

    @property
    def bentoctl(self) -> Path:
        return self.root / "bentoctl"

    @property
    def layout(self) -> Path:
        return self.root / "image"

    @property
    def terraform(self) -> Path:
        return self.root / "terraform"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def image_record(self) -> Path:
        return self.root / "image.json"

    @property
    def _record(self) -> Path:
        return self.root / "deployment.json"

    def lock(self, command: str) -> AbstractContextManager[None]:
        """One command at a time: raises DeployerError naming the one that is at work."""
        from deployer.workspace.lock import held

        return held(self.root / "lock", command=command, what=f"deployment {self.name} on target {self.place}")

    def new_log(self, command: str) -> Path:
        """The log file of this run; the oldest beyond twenty are removed."""
        return new_log(self.logs, command)

    def remember(self, config: DeploymentConfig, bento: Bento) -> None:
        """Write the record, before anything is made: what a killed `up` leaves must be found by `down`."""
        path = "" if config.path is None else os.path.relpath(config.path, self.folder.resolve())
        record = Record(
            name=self.name,
            target=self.target,
            region=config.spec.region,
            repository=config.repository,
            bento=str(bento.tag),
            config=path,
            routes=bento.routes,
            environment=self.environment,
            account=config.account,
        )
        with _writing(self._record):
            write_record(self._record, record)

    def record(self) -> Record | None:
        """What was deployed here, None where nothing is. Raises DeployerError for a record that cannot be read."""
        return read_record(self._record, name=self.name, target=self.target, environment=self.environment)

    def routes(self) -> tuple[Route, ...]:
        """The routes of the Bento that was deployed last."""
        record = self.record()
        return record.routes if record else ()

    def delete(self) -> None:
        """Forget the deployment. Logs stay, and the lock, which this command may be holding."""
        import shutil

        for path in (self._record, self.image_record):
            path.unlink(missing_ok=True)
        for part in (self.bentoctl, self.layout, self.terraform):
            shutil.rmtree(part, ignore_errors=True)


def deployments(folder: Path) -> tuple[Workspace, ...]:
    """Every deployment of this folder that has a record, in alphabetical order; nothing is written."""
    return tuple(_deployments(folder))


def was_removed(folder: Path, name: str, target: TargetName | None, environment: str | None = None) -> bool:
    """Whether a deployment of this name was here and has been taken down: its logs are left.

    With `target` and `environment` it is the one there; None stands for any of them, and "" for no environment.
    """
    return NAME.fullmatch(name) is not None and any(
        target in (None, workspace.target) and environment in (None, workspace.environment)
        for workspace in _places(folder / FOLDER / name)
    )


def project_log(folder: Path, command: str) -> Path:
    """The log of a run that belongs to no deployment (yet)."""
    return new_log(make_private_folder(folder) / "logs", command)


def make_private_folder(folder: Path) -> Path:
    """`.deployer` itself: for this user only, and ignored by git. Raises DeployerError where it cannot be made."""
    private = folder / FOLDER
    with _writing(private):
        private.mkdir(mode=0o700, exist_ok=True)
        private.chmod(0o700)
        ignore = private / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    return private


def new_log(logs: Path, command: str) -> Path:
    """An empty file `<time in UTC>-<command>.log`; of all that are there, the newest twenty are kept."""
    log = logs / f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S.%fZ}-{command}.log"
    with _writing(log):
        logs.mkdir(parents=True, exist_ok=True)
        log.touch()
        for old in sorted(logs.glob("*.log"))[:-KEPT_LOGS]:
            old.unlink(missing_ok=True)
    return log


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror or error}."
        raise DeployerError(problem, hint="Run deployer in a folder that you may write to, with space left.") from None


def _deployments(folder: Path) -> Iterator[Workspace]:
    for named in sorted((folder / FOLDER).glob("*/")):
        yield from (workspace for workspace in _places(named) if workspace._record.exists())


def _places(named: Path) -> Iterator[Workspace]:
    """The workspaces below `.deployer/<name>`, for each target the one without an environment first."""
    for target in TARGETS:
        for place in sorted([*named.glob(f"{target}/"), *named.glob(f"{target}.?*/")]):
            environment = place.name.partition(".")[2]
            with suppress(BadInput):
                yield Workspace.named(named.parent.parent, named.name, target, environment)
