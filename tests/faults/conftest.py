"""A laptop for faults: its local AWS is its own, so that it may be killed, and its folder's name is not plain."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from laptop import Laptop

ECHO = Path(__file__).parent.parent / "functional" / "echo_service"


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """Commands work in a folder with a space and an umlaut in its path; the local AWS is stopped at the end."""
    folder = tmp_path_factory.mktemp("faults") / "a földer"
    folder.mkdir()
    machine = Laptop(folder, {**os.environ, "COLUMNS": "200", "XDG_STATE_HOME": str(folder / "state")})
    yield machine
    machine.deployer("local", "stop")


@pytest.fixture(scope="session")
def project(laptop: Laptop) -> Path:
    """A service without a model."""
    return Path(shutil.copytree(ECHO, laptop.folder / "project"))


@pytest.fixture(scope="session")
def echo(laptop: Laptop, project: Path) -> str:
    """The tag of that project's Bento, built with BentoML's own command."""
    built = laptop.run(sys.executable, "-m", "bentoml", "build", "-o", "tag", cwd=project)
    return built.stdout.strip().rpartition("\n")[2].removeprefix("__tag__:")
