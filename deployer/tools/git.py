"""What git knows of a folder, for the description of a release. Without git or a repository nothing is known."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError
from deployer.tools.process import Runner

_SECONDS = 10.0


@dataclass(frozen=True)
class Commit:
    """A commit's short hash, empty outside a repository; and who is at work: git's user.name, else the login name."""

    hash: str = ""
    author: str = ""


def current_commit(folder: Path, *, runner: Runner, variables: Mapping[str, str]) -> Commit:
    """What is checked out in `folder`, and who releases it."""

    def ask(*arguments: str) -> str:
        try:
            done = runner.run(["git", *arguments], env=variables, cwd=folder, timeout=_SECONDS)
        except DeployerError:
            return ""
        return str(done.stdout).strip() if done.returncode == 0 else ""

    return Commit(ask("rev-parse", "--short", "HEAD"), ask("config", "user.name") or _login())


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id that nobody has, as in a container
        return ""
