"""What a workspace remembers of its deployment, as one JSON file: enough for `smoke-test` and `down`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deployer.config import TargetName
from deployer.errors import DeployerError
from deployer.files import replace_file
from deployer.models import Route

VERSION = 1


@dataclass(frozen=True)
class Record:
    """What was deployed, as the last `up` began it: enough to test it and to take it down without the config.

    `config` is the file's path relative to the current folder, empty where defaults were used. `environment` is the
    one of that config's, empty for none; `account` the AWS account it was deployed to, empty where that is not known.
    """

    name: str
    target: TargetName
    region: str
    repository: str
    bento: str
    config: str
    routes: tuple[Route, ...] = ()
    environment: str = ""
    account: str = ""


def write_record(file: Path, record: Record) -> None:
    """Replace the file. It outlives a loss of power: without it nobody knows what there is to take down."""
    replace_file(file, json.dumps({"version": VERSION, **asdict(record)}, indent=2), durable=True)


def read_record(file: Path, *, name: str, target: TargetName, environment: str = "") -> Record | None:
    """None where there is no file. Raises DeployerError for one that cannot be read."""
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        return _record_of(known, name=name, target=target, environment=environment)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DeployerError(
            f"{file} cannot be read: {error}.",
            hint="Run `deployer up` with -f or --bento again: it writes the file anew.",
        ) from error


def _record_of(known: Mapping[str, Any], *, name: str, target: TargetName, environment: str) -> Record:
    """Where it lies says whose it is. Records of before there were accounts in them have none."""
    if known["version"] != VERSION:
        raise ValueError(f"it is of version {known['version']}, and this deployer reads {VERSION}")
    return Record(
        name=name,
        target=target,
        region=str(known["region"]),
        repository=str(known["repository"]),
        bento=str(known["bento"]),
        config=str(known["config"]),
        routes=tuple(Route(**route) for route in known["routes"]),
        environment=environment,
        account=str(known.get("account", "")),
    )
