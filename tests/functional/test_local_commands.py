"""`deployer local` as people type it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_aws import LocalAws, ask


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalAws]:
    made = LocalAws(tmp_path)
    yield made
    made.stop()


def deployer(local: LocalAws, *arguments: str, code: int = 0) -> str:
    argv = [sys.executable, "-m", "deployer", "local", *arguments]
    ended = subprocess.run(argv, env=local.variables, capture_output=True, text=True, timeout=90, check=False)
    assert ended.returncode == code, ended.stderr
    return ended.stdout


def test_the_local_aws_is_started_shown_and_stopped(local: LocalAws) -> None:
    """Each command twice: the second time it finds things as asked for and says so."""
    assert json.loads(deployer(local, "status", "--output", "json", code=1)) == {"running": False, "endpoint": None}
    first = json.loads(deployer(local, "start", "--output", "json"))
    assert first == json.loads(deployer(local, "start", "--output", "json"))
    assert first == json.loads(deployer(local, "status", "--output", "json"))
    assert first["endpoint"] in deployer(local, "status")
    ask("GET", f"{first['registry']}/_deployer/health")
    assert "stopped" in deployer(local, "stop")
    assert "was not running" in deployer(local, "stop")
    assert "not running" in deployer(local, "status", code=1)


def test_the_log_has_the_functions_output(local: LocalAws) -> None:
    """Whatever a function prints can be read without any AWS tool."""
    local.start()
    local.function("talker", "def handle(event, context): print('spoken')\n")
    local.invoke("talker")
    local.stop()
    assert "[talker] spoken" in deployer(local, "logs").splitlines()
