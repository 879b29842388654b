"""The layers that hold Python code: the Bento's dependencies, its own code and the handler. Each has its bytecode."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from deployer import __version__
from deployer.files import link_or_copy, replace_file, used
from deployer.image import archive
from deployer.image.archive import Tree
from deployer.image.bytecode import Compiler
from deployer.image.installed import normalise
from deployer.image.layer_cache import Blob, BlobCache, BlobWriter
from deployer.image.requirements import Requirements
from deployer.image.trim import mentions, trim
from deployer.image.uv import Platform, Uv

PACKAGE = Path(__file__).parent.parent
HANDLER_LOCK = PACKAGE / "locks" / "runtime.txt"
DEPENDENCIES, HANDLER = "opt/python", "opt/deployer"
RECIPE = 3  # raised when the same inputs shall make another layer


@dataclass(frozen=True)
class PythonLayers:
    """Makes layers for one platform. `compiler` is None where the host has no matching interpreter."""

    cache: BlobCache
    uv: Uv
    platform: Platform
    compiler: Compiler | None

    def resolve(self, wanted: Requirements, *, home: Path) -> str:
        """The full list of packages with hashes; asked of the index once, then kept with the inputs it came from.

        `home` is the folder that `./wheels/NAME` lines are relative to.
        """
        key = self._key("resolved", repr(wanted), _wheels_digest(wanted, home), self.uv.index.identity())
        kept = self.cache.root / "records" / f"{key}.txt"
        with self.cache.locked(key):
            if not kept.is_file():
                with self.cache.scratch() as scratch:
                    text = self.uv.resolve(wanted, platform=self.platform, cwd=home, scratch=scratch)
                replace_file(kept, text)
            used(kept)
            return kept.read_text("utf-8")

    def dependencies(self, resolved: str, wanted: Requirements, *, home: Path, code: Path) -> tuple[Blob, bool]:
        """The layer of the Bento's packages, and whether it was cached. What the service's `code` names is kept."""
        named = sorted(mentions(code))

        def make(writer: BlobWriter) -> None:
            with self.cache.scratch() as scratch:
                tree = self._install(resolved, scratch, wanted=wanted, cwd=home, named=named)
                (tree / "requirements.txt").write_text(versions(resolved), "utf-8")
                self._archive(Tree(tree, DEPENDENCIES), writer)

        key = self._key("dependencies", resolved, _wheels_digest(wanted, home), *named)
        return self.cache.get(key, make)

    def service(self, code: Tree) -> tuple[Blob, bool]:
        """The layer of the Bento's own files."""

        def make(writer: BlobWriter) -> None:
            with self.cache.scratch() as scratch:
                tree = scratch / "tree"  # of links: the files are only read, and compiling adds others beside them
                shutil.copytree(code.root, tree, symlinks=True, ignore=_left_out(code), copy_function=link_or_copy)
                self._archive(Tree(tree, code.at), writer)

        return self.cache.get(self._key("service", archive.fingerprint(code)), make)

    def handler(self, runtime: Path) -> tuple[Blob, bool]:
        """The layer of our Lambda handler and what it needs."""
        lock = HANDLER_LOCK.read_text("utf-8")

        def make(writer: BlobWriter) -> None:
            with self.cache.scratch() as scratch:
                tree = self._install(lock, scratch, wanted=Requirements(()), cwd=scratch)
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(runtime, tree / "deployer_runtime", ignore=ignored)
                self._archive(Tree(tree, HANDLER), writer)

        sources = "\0".join(f"{path.relative_to(runtime)}\0{path.read_text('utf-8')}" for path in _sources(runtime))
        return self.cache.get(self._key("handler", lock, sources), make)

    def _install(
        self, resolved: str, scratch: Path, *, wanted: Requirements, cwd: Path, named: Iterable[str] = ()
    ) -> Path:
        tree, listed = scratch / "tree", scratch / "requirements.txt"
        tree.mkdir()
        listed.write_text(resolved, "utf-8")
        self.uv.install(listed, tree, wanted=wanted, platform=self.platform, cwd=cwd)
        trim(tree, named=named)
        normalise(tree)
        return tree

    def _archive(self, tree: Tree, writer: BlobWriter) -> None:
        if self.compiler is not None:
            self.compiler.compile(tree.root, at=tree.at)
        archive.write(tree, writer.write)

    def _key(self, kind: str, *inputs: str) -> str:
        build = self.compiler.build if self.compiler else None
        tools = [RECIPE, __version__, importlib.metadata.version("uv"), importlib.metadata.version("isal")]
        made = json.dumps([kind, tools, self.platform.python, self.platform.machine, build, *inputs])
        return f"{kind}-{hashlib.sha256(made.encode()).hexdigest()}"


def versions(resolved: str) -> str:
    """`name==version` lines without hashes: what the image's own list shows, equal wherever it was resolved."""
    bare = re.sub(r"\s*--hash=\S+", "", re.sub(r"\\\n", " ", resolved))
    return "".join(f"{line.strip()}\n" for line in bare.splitlines() if line.strip() and not line.startswith("#"))


def _wheels_digest(wanted: Requirements, home: Path) -> str:
    """Of the wheels that the Bento carries itself: their content may change under one name."""
    digest = hashlib.sha256()
    named = [re.split(r"[\s;]", line)[0] for line in wanted.lines if line.startswith("./")]
    for wheel in sorted(home / name for name in named if (home / name).is_file()):
        with wheel.open("rb") as file:
            digest.update(f"{wheel.name}\0".encode())
            while piece := file.read(archive.PIECE):
                digest.update(piece)
    return digest.hexdigest()


def _sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _left_out(code: Tree) -> Callable[[str, list[str]], set[str]]:
    """For `copytree`: bytecode of the user's own interpreter, and at the top what the layer does without."""

    def names(folder: str, found: list[str]) -> set[str]:
        top = code.without if Path(folder) == code.root else frozenset()
        return {name for name in found if name == "__pycache__" or name in top}

    return names
