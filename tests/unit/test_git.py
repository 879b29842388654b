"""What git knows of the folder that a release is made in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from deployer.tools.git import current_commit
from deployer.tools.process import Processes


def variables(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}


def test_a_commit_and_who_is_at_work(tmp_path: Path) -> None:
    """The short hash of what is checked out, and git's user.name."""
    shell = variables(tmp_path)

    def git(*arguments: str) -> str:
        argv = ["git", "-c", "user.email=ann@example.org", *arguments]
        return subprocess.run(argv, cwd=tmp_path, env=shell, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("config", "user.name", "Ann Example")
    git("commit", "-q", "--allow-empty", "-m", "first")

    found = current_commit(tmp_path, runner=Processes(), variables=shell)

    assert (git("rev-parse", "--short", "HEAD"), "Ann Example") == (found.hash, found.author)


def test_outside_a_repository_and_without_git_there_is_no_commit(tmp_path: Path) -> None:
    """It is no reason to fail: the login name stands for who releases."""
    shell = {**variables(tmp_path), "GIT_CEILING_DIRECTORIES": str(tmp_path.parent)}

    outside = current_commit(tmp_path, runner=Processes(), variables=shell)
    without = current_commit(tmp_path, runner=Processes(), variables={**shell, "PATH": str(tmp_path)})

    assert ("", "") == (outside.hash, without.hash)
    assert outside.author == without.author
