"""Which files of a Bento are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from deployer.tools import bento_code
from deployer.tools.bento_code import uses_of_service

POOL = "import multiprocessing\nmultiprocessing.Pool(2)\n"


def places(folder: Path, files: Mapping[str, str | bytes], service: str = "service:Digits") -> list[str]:
    for name, content in files.items():
        file = folder / "src" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [use.place for use in uses_of_service(folder, service)]


@pytest.mark.parametrize(
    ("service", "module"),
    [
        ("service:Digits", "service.py"),
        ("service.py:Digits", "service.py"),
        ("app.service:Digits", "app/service.py"),
        ("app/service.py:svc", "app/service.py"),
        ("app:svc", "app/__init__.py"),
    ],
)
def test_the_service_is_found_as_bentoml_names_it(tmp_path: Path, service: str, module: str) -> None:
    """A module, a file or a package."""
    assert places(tmp_path, {module: POOL}, service) == [f"src/{module}:2"]


def test_what_the_service_imports_is_looked_at_and_nothing_else(tmp_path: Path) -> None:
    """Through packages, relative imports and imports in functions; a training script never runs on Lambda."""
    files = {
        "service.py": "import features\ndef f():\n    from model.load import weights\nimport numpy, gone\n",
        "features.py": POOL,
        "model/__init__.py": POOL,
        "model/load.py": "from . import shared\nfrom .deep.er import x\nimport service\n",
        "model/shared.py": POOL,
        "model/deep/__init__.py": "",
        "model/deep/er.py": "from ...outside import x\nfrom ..shared import y\nfrom .next import z\n",
        "model/deep/next.py": POOL,
        "train.py": POOL,
        "tests/test_service.py": POOL,
    }
    looked_at = ["src/features.py:2", "src/model/__init__.py:2", "src/model/deep/next.py:2", "src/model/shared.py:2"]
    assert sorted(places(tmp_path, files)) == looked_at


def test_everything_is_looked_at_where_the_service_is_not_found(tmp_path: Path) -> None:
    """Rather a line too many than none."""
    assert places(tmp_path, {"one.py": POOL, "sub/two.py": POOL}, "elsewhere:svc") == [
        "src/one.py:2",
        "src/sub/two.py:2",
    ]


@pytest.mark.parametrize(
    "content",
    [b"def (:\n", b"\xff\xfe\x00", b"\x00", b"# coding: nonsense\n", b"x = " + b"(" * 5000, b"y = x" + b".a" * 2000],
    ids=["no Python", "no text", "null byte", "unknown coding", "too deep", "too long a chain"],
)
def test_what_cannot_be_read_says_nothing(tmp_path: Path, content: bytes) -> None:
    """And hides no other file. Python's own warnings about it stay out of sight."""
    assert places(tmp_path, {"service.py": "import broken, fine\n", "broken.py": content, "fine.py": POOL}) == [
        "src/fine.py:2"
    ]


@pytest.mark.filterwarnings("error")
def test_warnings_about_the_user_s_code_are_not_deployer_s(tmp_path: Path) -> None:
    """An invalid escape is nothing to be told at `up`."""
    assert places(tmp_path, {"service.py": f"{POOL}x = '\\d'\n"}) == ["src/service.py:2"]


def test_a_file_outside_of_the_bento_is_not_read(tmp_path: Path) -> None:
    """A link may lead anywhere."""
    (tmp_path / "outside.py").write_text(POOL)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "linked.py").symlink_to(tmp_path / "outside.py")
    assert places(tmp_path, {"service.py": "import linked\n"}) == []


def test_what_was_generated_is_left_alone(tmp_path: Path) -> None:
    """A megabyte of Python would take long and tell little."""
    assert places(tmp_path, {"service.py": POOL + "#" * bento_code.LARGEST}) == []


def test_a_bento_without_code_has_nothing_to_tell(tmp_path: Path) -> None:
    """As one that was made by hand."""
    assert uses_of_service(tmp_path, "service:Digits") == ()
