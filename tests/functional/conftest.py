"""One laptop for the functional tests, with the real tools and the example's Bento in its store."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from laptop import EXAMPLE, ROOT, Laptop


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """Its store, state and cache are the session's own (see `own_environment`); its local AWS is stopped at the end."""
    folder = tmp_path_factory.mktemp("laptop")
    machine = Laptop(folder, {**os.environ, "COLUMNS": "200"})
    yield machine
    machine.deployer("local", "stop")


@pytest.fixture(scope="session")
def digits(laptop: Laptop) -> str:
    """The example's Bento, trained and built with BentoML's own commands; its tag."""
    laptop.run(sys.executable, str(EXAMPLE / "train.py"))
    built = laptop.run(sys.executable, "-m", "bentoml", "build", "-o", "tag", cwd=EXAMPLE)
    return built.stdout.strip().rpartition("\n")[2].removeprefix("__tag__:")


@pytest.fixture
def config(laptop: Laptop) -> Iterator[Path]:
    """The example's config, with its samples where it names them; removed after the test."""
    path = laptop.folder / "deployment_configs" / "digits_classifier.yaml"
    path.parent.mkdir(exist_ok=True)
    shutil.copy(ROOT / "deployment_configs" / "digits_classifier.yaml", path)
    samples = laptop.folder / "examples" / "digits_classifier" / "data"
    shutil.copytree(EXAMPLE / "data", samples, dirs_exist_ok=True)
    yield path
    path.unlink(missing_ok=True)
