"""The example's config on the laptop of the functional tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from laptop import EXAMPLE, ROOT, Laptop


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
