"""What is taken out of installed packages, and what stays where anything might use it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from deployer.image.trim import mentions, trim

PACKAGE = {"p/__init__.py": "", "p/sub/__init__.py": "", "p/tests/__init__.py": "", "p/tests/test_p.py": "import p"}


def trimmed(folder: Path, files: Mapping[str, str], *, named: frozenset[str] = frozenset()) -> set[str]:
    """The files that are left."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, "utf-8")
    trim(folder, named=named)
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_test_suite_that_nothing_mentions_goes(tmp_path: Path) -> None:
    """With all that is in it; the package stays."""
    extra = {"p/tests/data/big.bin": "", "p/sub/tests/test_s.py": ""}
    assert trimmed(tmp_path, {**PACKAGE, **extra}) == {"p/__init__.py", "p/sub/__init__.py"}


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("p/__init__.py", "from .tests import test_p"),
        ("p/__init__.py", "from . import a, tests"),
        ("p/__init__.py", "from . import (\n    a,\n    tests,\n)"),
        ("p/sub/__init__.py", "from ..tests.test_p import x"),
        ("p/sub/__init__.py", "    import p.tests.test_p"),
        ("other.py", "from p import tests"),
        ("other.py", "importlib.import_module('p.tests.test_p')"),
        ("p/sub/data.py", "HERE = Path(__file__).parent.parent / 'tests' / 'data'"),
        ("p/data.py", "files = importlib.resources.files('p') / 'tests'"),
        ("p-1.dist-info/entry_points.txt", "[pytest11]\np = p.tests.plugin"),
    ],
)
def test_a_test_suite_that_a_module_mentions_stays(tmp_path: Path, module: str, line: str) -> None:
    """Imports in every form, names in texts, and paths built from a module's own place."""
    assert PACKAGE.keys() <= trimmed(tmp_path, {**PACKAGE, module: line})


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("p/__init__.py", "self.tests = 1  # tests"),
        ("p/__init__.py", "__all__ = ['tests']"),
        ("p/conftest.py", "path = Path(__file__).parent / 'tests'"),
        ("p/_tester.py", "pytest.main([os.path.join(os.path.dirname(__file__), 'tests')])"),
        ("other.py", "import q.tests"),
    ],
)
def test_a_word_alone_keeps_no_test_suite(tmp_path: Path, module: str, line: str) -> None:
    """Nor does what only runs the suite, for that needs pytest."""
    assert "p/tests/test_p.py" not in trimmed(tmp_path, {**PACKAGE, module: line})


def test_with_pytest_installed_a_suite_that_is_run_stays(tmp_path: Path) -> None:
    """A service that brings pytest may call `p.test()`."""
    line = "pytest.main([os.path.join(os.path.dirname(__file__), 'tests')])"
    assert PACKAGE.keys() <= trimmed(tmp_path, {**PACKAGE, "p/_tester.py": line, "pytest/__init__.py": ""})


def test_a_suite_that_a_kept_suite_needs_stays(tmp_path: Path) -> None:
    """One keeps the next."""
    suite = {"q/__init__.py": "", "q/tests/__init__.py": "from p.tests import x", "other.py": "import q.tests"}
    assert PACKAGE.keys() <= trimmed(tmp_path, {**PACKAGE, **suite})


@pytest.mark.parametrize("name", ["tests/__init__.py", "p/tests.py", "p/data/tests/x.json", "p/testing/test_a.py"])
def test_what_only_looks_like_a_suite_stays(tmp_path: Path, name: str) -> None:
    """A module, a folder of data, a package of that name at the top."""
    assert name in trimmed(tmp_path, {"p/__init__.py": "", name: ""})


def test_sources_of_compiled_modules_go_and_headers_and_stubs_stay(tmp_path: Path) -> None:
    """torch compiles against headers, lazy_loader reads stubs."""
    files = {f"p/a{suffix}": "" for suffix in (".pyx", ".pxd", ".pxi", ".pyi", ".h", ".c", ".py", ".so")}
    assert trimmed(tmp_path, files) == {"p/a.pyi", "p/a.h", "p/a.c", "p/a.py", "p/a.so"}


def test_with_cython_installed_its_sources_stay(tmp_path: Path) -> None:
    """It compiles at run time and includes them."""
    files = {"Cython/__init__.py": "", "Cython/Includes/a.pxd": "", "p/a.pyx": ""}
    assert trimmed(tmp_path, files) == files.keys()


def test_what_the_service_uses_stays(tmp_path: Path) -> None:
    """Its own code is read too."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "service.py").write_text("from p.tests.test_p import x\n", "utf-8")
    named = mentions(tmp_path / "src")
    assert named == {"p.tests"}
    assert PACKAGE.keys() <= trimmed(tmp_path / "tree", PACKAGE, named=named)
