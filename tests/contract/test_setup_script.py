"""`make setup` on a machine that is not ready: it says what is missing before it touches anything."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def set_up(python: Path | str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHON": str(python)}
    script = str(ROOT / "scripts" / "setup")
    return subprocess.run([script], env=variables, capture_output=True, text=True, timeout=60, check=False)


def test_a_python_that_is_too_old_is_named_with_the_way_out(tmp_path: Path) -> None:
    """The version that was found and the one that is needed stand in one line."""
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\necho 3.8.10\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    told = f"make setup: {old} is 3.8.10; Python 3.10 or newer is needed. Name another: make setup PYTHON=python3.12\n"
    ended = set_up(old)
    assert (1, "", told) == (ended.returncode, ended.stdout, ended.stderr)


def test_a_python_that_is_not_there_is_named_with_the_way_out() -> None:
    """Whatever the shell says about it comes first."""
    ended = set_up("python-that-is-not-here")
    last = ended.stderr.splitlines()[-1]
    assert 1 == ended.returncode
    assert last.startswith("make setup: python-that-is-not-here is not here; Python 3.10 or newer is needed.")
