"""A laptop of its own for the functional tests: empty store, state and cache, the real tools, nothing of the user's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = ROOT / "examples" / "digits_classifier"
KEPT = ("PATH", "LANG", "HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "PIP_CERT", "TF_CLI_CONFIG_FILE")


@dataclass(frozen=True)
class Laptop:
    """A folder to work in and the environment variables of its shell."""

    folder: Path
    variables: dict[str, str]

    def run(self, *argv: str, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program to its end without a terminal; fails the test when the exit code is another."""
        ended = subprocess.run(
            argv,
            cwd=cwd or self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert ended.returncode == code, f"{argv} ended with {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended

    def deployer(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "deployer", *arguments, code=code)

    def deployer_json(self, *arguments: str, code: int = 0) -> Any:
        """The one JSON document that a command puts on standard output."""
        return json.loads(self.deployer(*arguments, "--output", "json", code=code).stdout)


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """One laptop for the session, its local AWS stopped afterwards. uv's download cache is the machine's own."""
    home = tmp_path_factory.mktemp("laptop")
    folder = home / "work"
    (folder / "deployment_configs").mkdir(parents=True)
    variables = {name: os.environ[name] for name in (*KEPT, *index_settings()) if name in os.environ}
    variables |= {
        "PYTHONPATH": str(ROOT),
        "BENTOML_HOME": str(home / "bentoml"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_STATE_HOME": str(home / "state"),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
        "BENTOML_DO_NOT_TRACK": "True",
        "COLUMNS": "200",
    }
    machine = Laptop(folder, variables)
    yield machine
    machine.deployer("local", "stop")


def index_settings() -> list[str]:
    """The user's own package index settings, whatever they are."""
    return [name for name in os.environ if name.startswith(("UV_", "PIP_"))]


@pytest.fixture(scope="session")
def digits(laptop: Laptop) -> str:
    """The example's Bento, trained and built with BentoML's own commands; its tag."""
    laptop.run(sys.executable, str(EXAMPLE / "train.py"))
    built = laptop.run(sys.executable, "-m", "bentoml", "build", "-o", "tag", cwd=EXAMPLE)
    return built.stdout.strip().rpartition("\n")[2].removeprefix("__tag__:")


@pytest.fixture
def config(laptop: Laptop) -> Iterator[Path]:
    """The example's config, beside a copy of its samples; removed after the test."""
    path = laptop.folder / "deployment_configs" / "digits_classifier.yaml"
    samples = laptop.folder / "examples" / "digits_classifier" / "data"
    shutil.copy(ROOT / "deployment_configs" / "digits_classifier.yaml", path)
    shutil.copytree(EXAMPLE / "data", samples, dirs_exist_ok=True)
    yield path
    path.unlink(missing_ok=True)
