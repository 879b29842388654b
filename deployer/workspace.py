"""`.deployer/<name>/<target>/` under the current folder: what a deployment needs between two commands.

Nothing else knows this shape. It is a working copy: the truth is in AWS and in the terraform state that lies here.
Files are written whole or not at all; the folder is the user's alone (0700) and hidden from git.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from deployer.config import DeploymentConfig, TargetName
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Route

FOLDER = ".deployer"
TARGETS: tuple[TargetName, ...] = ("local", "aws")
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
KEPT_LOGS = 20
RECORD_VERSION = 1


@dataclass(frozen=True)
class Record:
    """What was deployed, as the last `up` began it: enough to test it and to take it down without the config.

    `config` is the file's path relative to the current folder, empty where defaults were used.
    """

    name: str
    target: TargetName
    region: str
    repository: str
    bento: str
    config: str
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True)
class Workspace:
    """One deployment's folder. `folder` is the one that holds `.deployer`, normally the current one."""

    folder: Path
    name: str
    target: TargetName

    @classmethod
    def at(cls, folder: Path, name: str, target: TargetName) -> Workspace:
        """The workspace, made where it is missing. Raises BadInput for a name that is not one path component."""
        workspace = cls.named(folder, name, target)
        make_private_folder(folder)
        with _writing(workspace.root):
            for part in (workspace.bentoctl, workspace.terraform, workspace.logs):
                part.mkdir(parents=True, exist_ok=True)
        return workspace

    @classmethod
    def named(cls, folder: Path, name: str, target: TargetName) -> Workspace:
        """The workspace as a value: nothing is written."""
        if not NAME.fullmatch(name) or target not in TARGETS:
            raise BadInput(f"{name!r} cannot name a deployment: 1 to 64 letters, digits, - and _ are valid.")
        return cls(folder, name, target)

    @property
    def root(self) -> Path:
        return self.folder / FOLDER / self.name / self.target

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
        from deployer.workspace_lock import held

        return held(self.root / "lock", command=command, what=f"deployment {self.name} on target {self.target}")

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
        )
        write_json(self._record, {"version": RECORD_VERSION, **asdict(record)})

    def record(self) -> Record | None:
        """What was deployed here, None where nothing is. Raises DeployerError for a record that cannot be read."""
        try:
            known = json.loads(self._record.read_text(encoding="utf-8"))
            return _record_of(known, name=self.name, target=self.target)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DeployerError(
                f"{self._record} cannot be read: {error}.",
                hint="Run `deployer up` with -f or --bento again: it writes the file anew.",
            ) from error

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


def was_removed(folder: Path, name: str, target: TargetName | None) -> bool:
    """Whether a deployment of this name was here (on this target) and has been taken down: its logs are left."""
    if not NAME.fullmatch(name):
        return False
    return any((folder / FOLDER / name / place).is_dir() for place in ([target] if target else TARGETS))


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


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Replace a file in one step: a reader, and a run after a crash, sees the old text or the new."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    with _writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("w", encoding="utf-8") as file:
                json.dump(value, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = f"{path} cannot be written: {error.strerror or error}."
        raise DeployerError(problem, hint="Run deployer in a folder that you may write to, with space left.") from None


def _deployments(folder: Path) -> Iterator[Workspace]:
    for named in sorted((folder / FOLDER).glob("*/")):
        for target in TARGETS:
            with suppress(BadInput):
                workspace = Workspace.named(folder, named.name, target)
                if workspace._record.exists():
                    yield workspace


def _record_of(known: Mapping[str, Any], *, name: str, target: TargetName) -> Record:
    if known["version"] != RECORD_VERSION:
        raise ValueError(f"it is of version {known['version']}, and this deployer reads {RECORD_VERSION}")
    return Record(
        name=name,
        target=target,
        region=str(known["region"]),
        repository=str(known["repository"]),
        bento=str(known["bento"]),
        config=str(known["config"]),
        routes=tuple(Route(**route) for route in known["routes"]),
    )
