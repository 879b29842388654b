"""The rule of docs/decisions/0016 on the packages that a data scientist's Bento has: nothing stops being importable."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

from deployer.files import link_or_copy
from deployer.image.trim import trim

PACKAGES = ("numpy", "pandas", "scipy", "sklearn")
IMPORT = """
import importlib, json, sys
failed = {}
for name in json.load(sys.stdin):
    try:
        importlib.import_module(name)
    except BaseException as error:
        failed[name] = type(error).__name__
print("\\n" + json.dumps(failed))
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed packages as links: nothing is written through to them."""
    installed, root = Path(sysconfig.get_path("platlib")), tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        if not (installed / package).is_dir():
            pytest.skip(f"{package} is not installed: it comes with the group `example`")
        ignored = shutil.ignore_patterns("__pycache__")
        for folder in (package, f"{package}.libs"):
            if (installed / folder).is_dir():
                shutil.copytree(installed / folder, root / folder, copy_function=link_or_copy, ignore=ignored)
    return root


def modules(tree: Path) -> list[str]:
    """Every module outside of test suites; one that starts something when it is imported is left out."""
    found = set()
    for path in [*tree.rglob("*.py"), *tree.rglob("*.so")]:
        parts = path.relative_to(tree).with_name(path.name.split(".")[0]).parts
        if not {"tests", "__main__", "setup", "conftest"} & set(parts):
            found.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return sorted(name for name in found if all(part.isidentifier() for part in name.split(".")))


def failures(tree: Path, names: Sequence[str]) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-B", "-W", "ignore", "-c", IMPORT],
        env={**os.environ, "PYTHONPATH": str(tree)},
        cwd=tree,
        input=json.dumps(names),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    failed: dict[str, str] = json.loads(done.stdout.rpartition("\n{")[2].join(["{", ""]))
    return failed


def test_every_module_that_could_be_imported_still_can(tree: Path, tmp_path: Path) -> None:
    """All of numpy, pandas, scipy and scikit-learn, in one clean process; and a good part of the bytes is gone."""
    small = tmp_path / "small"
    shutil.copytree(tree, small, copy_function=link_or_copy)
    trim(small)
    names = modules(tree)
    assert len(names) > 1000
    failed = failures(small, names)
    assert failed == failures(tree, sorted(failed))
    assert modules(small) == names
    assert size(small) < size(tree) - 30_000_000
    assert not (small / "pandas" / "tests").exists()


def size(tree: Path) -> int:
    return sum(path.stat().st_size for path in tree.rglob("*") if path.is_file())
