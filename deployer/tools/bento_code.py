"""The Python files of a Bento that its service imports, looked at without importing them.

What the service's module does not lead to, a training script for example, never runs on Lambda and is left alone.
"""

from __future__ import annotations

import ast
import itertools
import os
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from deployer.tools.code_uses import Use, uses

MOST_FILES = 500
LARGEST = 1024 * 1024  # bytes; what is longer was generated


def uses_of_service(bento: Path, service: str) -> tuple[Use, ...]:
    """What Lambda lacks, in the order of files and lines. `service` is `bento.yaml`'s, such as `service:Digits`.

    Lenient: what cannot be read or is no Python of this interpreter's version says nothing.
    """
    source = bento / "src"
    found: list[Use] = []
    for file, tree in itertools.islice(_files(source, service), MOST_FILES):
        with suppress(RecursionError):
            here = set(uses(tree, file=f"src/{file.relative_to(source).as_posix()}"))
            found += sorted(here, key=lambda use: (int(use.place.rpartition(":")[2]), use.name))
    return tuple(found)


def _files(source: Path, service: str) -> Iterator[tuple[Path, ast.Module]]:
    """The service's module and, file after file, what they import of the Bento; all of it where that is not found."""
    waiting = list(_found(source, service.partition(":")[0].replace("/", "."))) or _all(source)
    seen: set[Path] = set()
    while waiting:
        file = waiting.pop(0)
        tree = None if file in seen else _parsed(file, source)
        seen.add(file)
        if tree is not None:
            yield file, tree
            waiting += [other for name in _imported(tree, file, source) for other in _found(source, name)]


def _found(source: Path, module: str) -> Iterator[Path]:
    """The files that an import of `module` runs: each package on the way, and itself."""
    parts = [part for part in module.split(".") if part]
    for length in range(1, len(parts) + 1):
        place = source.joinpath(*parts[:length])
        yield from (file for file in (place / "__init__.py", place.with_name(f"{place.name}.py")) if file.is_file())


def _all(source: Path) -> list[Path]:
    found = (Path(folder, name) for folder, _, names in os.walk(source) for name in names if name.endswith(".py"))
    return sorted(itertools.islice(found, MOST_FILES))


def _parsed(file: Path, source: Path) -> ast.Module | None:
    try:
        inside = file.resolve().is_relative_to(source.resolve())
        if not inside or not file.is_file() or file.stat().st_size > LARGEST:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the user's code, such as an invalid escape
            return ast.parse(file.read_bytes())
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return None


def _imported(tree: ast.Module, file: Path, source: Path) -> Iterator[str]:
    package = file.relative_to(source).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (part.name for part in node.names)
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{part.name}" for part in node.names)
