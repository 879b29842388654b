"""Takes out of installed packages what nothing in them uses: their test suites and the sources of compiled modules.

Where in doubt it stays: docs/decisions/0016 has the rule. Headers and stubs stay, for torch and lazy_loader read them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

TESTS = "tests"
SOURCES = frozenset({".pyx", ".pxd", ".pxi"})
USES_SOURCES = ("Cython", "pyximport")  # they compile at run time, and include other packages' sources

_DOTTED = re.compile(r"\.tests\b")
_BEFORE = re.compile(r"[A-Za-z_][\w.]*\Z")
_LONGEST = 200  # characters of a dotted name that are looked at
# Each begins with plain letters, which `re` looks for many times faster than for a class or a boundary.
_FROM = re.compile(r"from[ \t]+(\.*)([\w.]*)[ \t]+import\b[ \t]*(\([^)]*\)|[^\n]*)")
_LITERAL = re.compile(r"""tests(?<=['"/\\]tests)['"/\\]""")
_OWN_PLACE = re.compile(r"__file__(?<![\w.]__file__)\b")
_OWN_DATA = ("importlib.resources", "get_data(")
_RUNS_TESTS = "pytest.main("


def trim(tree: Path, *, named: Iterable[str] = ()) -> None:
    """Remove from the installed `tree` what nobody needs. `named`: dotted names that code outside of it mentions."""
    files = [PurePosixPath(path.relative_to(tree).as_posix()) for path in _files(tree)]
    suites = _suites(files)
    kept = _kept(tree, files, suites, named) if suites else set()
    for name in suites - kept:
        shutil.rmtree(tree / name)
    if not any((tree / user).is_dir() for user in USES_SOURCES):
        for file in files:
            if file.suffix in SOURCES:
                (tree / file).unlink(missing_ok=True)


def mentions(folder: Path) -> frozenset[str]:
    """The dotted names `….tests` in the Python files of `folder`: what a service uses of its packages' test suites."""
    sources = [path for path in _files(folder) if path.suffix == ".py"]
    return frozenset(name for path in sources for name, _ in _named(_text(path), PurePosixPath()))


def _files(tree: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(tree):
        yield from (Path(folder, name) for name in names)


def _suites(files: Sequence[PurePosixPath]) -> set[str]:
    """Folders of the name `tests` inside a package that hold tests, the topmost ones."""
    packages = {file.parent for file in files if file.name == "__init__.py"}
    with_tests = {file.parent for file in files if file.match("test*.py")} | packages
    found = {folder for folder in with_tests if folder.name == TESTS and folder.parent in packages}
    return {folder.as_posix() for folder in found if not found & set(folder.parents)}


def _kept(tree: Path, files: Sequence[PurePosixPath], suites: set[str], named: Iterable[str]) -> set[str]:
    """The suites that some module outside of all suites mentions, and those that the kept ones mention in turn."""
    without_pytest = not (tree / "pytest").is_dir()
    inside: dict[str, list[PurePosixPath]] = {name: [] for name in suites}
    waiting = {name.replace(".", "/") for name in named}
    for file in files:
        if file.suffix == ".py" or file.name == "entry_points.txt":
            suite = next((above.as_posix() for above in file.parents if above.as_posix() in suites), None)
            if suite is not None:
                inside[suite].append(file)
            else:
                waiting |= _mentioned(tree, file, without_pytest=without_pytest)
    kept: set[str] = set()
    while new := (waiting & suites) - kept:
        kept |= new
        for name in new:
            for file in inside[name]:
                waiting |= _mentioned(tree, file, without_pytest=without_pytest)
    return kept


def _mentioned(tree: Path, file: PurePosixPath, *, without_pytest: bool) -> set[str]:
    """The folders that a file may mean by `tests`; what only serves pytest means none where there is no pytest."""
    text = _text(tree / file)
    if not text or (without_pytest and (file.name == "conftest.py" or _RUNS_TESTS in text)):
        return set()
    found = {folder for _, folder in _named(text, file)}
    own_place = _OWN_PLACE.search(text) or any(word in text for word in _OWN_DATA)
    if own_place and _LITERAL.search(text):  # a path made of its own place: beside it, or above
        found |= {(above / TESTS).as_posix() for above in file.parents}
    return found


def _named(text: str, place: PurePosixPath) -> Iterator[tuple[str, str]]:
    """Each dotted name that ends in `tests`, and its folder. Comments and texts count too: it errs on keeping."""
    if TESTS not in text:
        return
    for match in _DOTTED.finditer(text):
        if before := _BEFORE.search(text, max(0, match.start() - _LONGEST), match.start()):
            yield f"{before[0]}.{TESTS}", f"{before[0].replace('.', '/')}/{TESTS}"
    for dots, module, names in _FROM.findall(text):
        if TESTS not in f"{module} {names}":
            continue
        parts = [part for part in module.split(".") if part]
        if TESTS not in parts and re.search(rf"\b{TESTS}\b", names):
            parts.append(TESTS)
        if TESTS in parts:
            parts = parts[: parts.index(TESTS) + 1]
            above = place.parts[: -len(dots)] if dots else ()
            yield ".".join(parts), "/".join([*above, *parts])


def _text(path: Path) -> str:
    """Empty where the word is not in it, which most files are spared by."""
    content = path.read_bytes()
    return content.decode("utf-8", "replace") if TESTS.encode() in content else ""
