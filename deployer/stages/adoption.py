"""Taking over a function that upstream bentoctl made, so that clients of its old address notice nothing; and removing
what bentoctl made, asking AWS afterwards.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol

import yaml

from deployer.clock import Clock
from deployer.errors import DeployerError
from deployer.tools.aws_upstream_parts import Part
from deployer.tools.http import Http, Unreachable
from deployer.tools.upstream_state import ALIAS, ASIDE, STATE, UpstreamDeployment

Say = Callable[[str], None]
ANSWER_SECONDS = 60.0  # an HTTP API gives up after 30; a version without it may take longer to start
NO_ANSWER = 599  # no status of HTTP's, and bad
ASKED, PAUSE = 3, 2.0  # how often the API is asked after the change, and the seconds between
OPERATOR = "aws-lambda"


class OldApi(Protocol):
    """What is asked of AWS to take a function over: `tools.aws_upstream.UpstreamAws`."""

    def endpoint(self) -> str: ...

    def freeze(self) -> str: ...

    def point(self, qualifier: str) -> str: ...

    def tag(self) -> None: ...


def take_over(aws: OldApi, ask: Asking, *, say: Say) -> str:
    """The function becomes deployer's; the version that its old API goes on asking, empty where that API is gone.

    Everything that may fail comes before the function is tagged. Raises DeployerError where the published version or
    the API answers worse than the API did before; the API asks the function itself then, as before.
    """
    endpoint, version = aws.endpoint(), ""
    if endpoint:
        say("publishing what answers now")
        version = aws.freeze()
        before = ask.status(ask.http, endpoint)
        say(f"waking version {version}")
        _refuse_worse(before, ask.status(ask.version(version), "/"), f"version {version}, published of the same,")
        say("pointing the HTTP API to it")
        _point(aws, ask, endpoint, before)
    aws.tag()
    return version


def _point(aws: OldApi, ask: Asking, endpoint: str, before: int) -> None:
    """API Gateway deploys the change within seconds: one good answer right after it may still be the old one's."""
    if f":{ALIAS}/" in aws.point(ALIAS):
        return
    for _ in range(ASKED):
        after = ask.status(ask.http, endpoint)
        if before < 500 <= after:
            aws.point("")
        _refuse_worse(before, after, "the version, asked through the API,")
        ask.clock.sleep(PAUSE)


def _refuse_worse(before: int, after: int, what: str) -> None:
    if before < 500 <= after:
        raise DeployerError(
            f"The HTTP API answered {before} to GET /, and {what} answers {after}. The API asks the function itself,"
            " as before; the function is not taken over.",
            hint="See to the log of the function, then run the command again.",
        )


@dataclass(frozen=True)
class Asking:
    """How the API is asked, and a published version of the function without it. `NO_ANSWER` is a status too."""

    http: Http
    version: Callable[[str], Http]
    clock: Clock

    def status(self, http: Http, base: str) -> int:
        """Of the page that bentoctl's API shows at its root."""
        try:
            return http.send("GET", f"{base.rstrip('/')}/", headers={}, timeout=ANSWER_SECONDS).status
        except Unreachable:
            return NO_ANSWER


def set_aside(deployment: UpstreamDeployment) -> tuple[Path, ...]:
    """Rename what `bentoctl destroy` and `terraform` in that folder work with, the state last; the new names.

    Their content stays as it is. The state's time says from then on when it was set aside.
    """
    moved = []
    for file in (*_bentoctl_configs(deployment), deployment.folder / "main.tf", deployment.folder / STATE):
        if file.exists():
            os.utime(file)
            moved.append(file.rename(file.with_name(file.name + ASIDE)))
    return tuple(moved)


def set_aside_at(deployment: UpstreamDeployment) -> datetime:
    """When; the minute after, since metrics are counted by the minute and deployer asked the API once itself."""
    written = (deployment.folder / f"{STATE}{ASIDE}").stat().st_mtime
    return datetime.fromtimestamp(written, timezone.utc) + timedelta(minutes=1)


def _bentoctl_configs(deployment: UpstreamDeployment) -> list[Path]:
    files = sorted([*deployment.folder.glob("*.yaml"), *deployment.folder.glob("*.yml")])
    return [file for file in files if _is_of(deployment, file)]


def _is_of(deployment: UpstreamDeployment, file: Path) -> bool:
    """Whether a file is bentoctl's config of the deployment: its name is the repository's, `NAME-function` has it too.

    Not every file of that folder need be YAML; deployer's own configs have the same keys, and the function's name.
    """
    known: Any = None
    with suppress(OSError, ValueError, yaml.YAMLError):
        known = yaml.safe_load(file.read_text(encoding="utf-8"))
    operator, name = (known.get("operator"), known.get("name")) if isinstance(known, dict) else (None, None)
    if not isinstance(operator, dict) or operator.get("name") != OPERATOR or name == deployment.function:
        return False
    return name in (deployment.repository, deployment.function.removesuffix("-function"))


def remove(parts: Sequence[Part], *, say: Say) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Remove the parts in their order; lines of what was removed, and of what stays since something else needs it.

    Raises DeployerError naming what AWS still has afterwards.
    """
    removed, kept = [], []
    for part in parts:
        if not part.is_there():
            continue
        say(part.line)
        if users := part.users():
            kept.append(f"{part.line}: needed by {', '.join(users)}")
        else:
            part.remove()
            removed.append(part)
    left = [part.line for part in removed if part.is_there()]
    if left:
        raise DeployerError(
            f"After removing it this is still there: {', '.join(left)}.",
            hint="Run the command again; what it cannot remove was made by something else.",
        )
    return tuple(part.line for part in removed), tuple(kept)
