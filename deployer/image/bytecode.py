"""Bytecode at build time: Lambda's file system is read-only, so a module without it is compiled at every cold start.

The .pyc files are never checked against their source (its times are 0) and name the path in the image, not the build's.
What was compiled once is kept by content, so that a newer version of one package compiles that package alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from deployer.errors import DeployerError
from deployer.files import link_or_copy, used
from deployer.tools.process import Runner
from deployer.tools.python_interpreter import find_python, python_build

SECONDS = 900.0
PROGRAM = Path(__file__).with_name("compile_files.py")
# As `python -I PROGRAM`, which would also pass by the hash seed; that decides the order of a set in a .pyc before 3.11.
WITH_A_SEED = "import sys; del sys.path[0]; exec(open(sys.argv[1], encoding='utf-8').read())"
NOT_COMPILED = r"[/\\]tests[/\\]"  # for builds that do not trim: nobody imports them in a function


@dataclass(frozen=True)
class Compiler:
    """An interpreter of the image's minor version; `build` is its full version, such as `3.11.7`.

    `kept` is the folder of earlier results, None where nothing is kept.
    """

    python: Path
    build: str
    runner: Runner
    variables: Mapping[str, str]
    log: Path | None = None
    kept: Path | None = None

    def compile(self, folder: Path, *, at: str) -> None:
        """Compile what is in `folder`, which the image has at `/at`. Files that do not compile are left as they are."""
        sources = {path: self._name(path.relative_to(folder).as_posix(), path, at) for path in _sources(folder)}
        left = {path: name for path, name in sources.items() if not self._recall(path, name)}
        if not left:
            return
        files = [path.relative_to(folder).as_posix() for path in left]
        self._run(json.dumps({"at": at, "files": files}).encode("utf-8"), folder)
        for path, name in left.items():
            self._keep(path, name)

    def _run(self, work: bytes, folder: Path) -> None:
        argv = [str(self.python), "-S", "-c", WITH_A_SEED, str(PROGRAM)]
        inherited = {name: value for name, value in self.variables.items() if not name.startswith("PYTHON")}
        variables = {**inherited, "PYTHONHASHSEED": "0"}
        ended = self.runner.run(argv, env=variables, cwd=folder, timeout=SECONDS, stdin=work, log=self.log)
        if ended.returncode != 0:
            words = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
            raise DeployerError(
                f"The image could not be built: bytecode could not be written: {words[-1]}",
                hint="Look at the free disk space and memory, and run the command again.",
                log=self.log,
            )

    def _name(self, inside: str, path: Path, at: str) -> str:
        """Stands for all that decides the bytecode: source, place in the image, interpreter and our program."""
        place = f"{self.build}\0{_program_digest()}\0{at}/{inside}\0"
        digest = hashlib.blake2b(place.encode("utf-8", "surrogateescape"), digest_size=20)
        digest.update(path.read_bytes())
        return digest.hexdigest()

    def _recall(self, path: Path, name: str) -> bool:
        kept = self._place(name)
        if kept is None or not used(kept):
            return False
        target = self._target(path)
        target.parent.mkdir(exist_ok=True)
        link_or_copy(kept, target)
        return True

    def _keep(self, path: Path, name: str) -> None:
        """A link to a whole file, so nothing half-written ever has this name. Only a help: failing is no error."""
        kept = self._place(name)
        if kept is not None and self._target(path).is_file():
            with suppress(OSError):
                kept.parent.mkdir(parents=True, exist_ok=True)
                os.link(self._target(path), kept)

    def _place(self, name: str) -> Path | None:
        return self.kept / name[:2] / name[2:] if self.kept is not None else None

    def _target(self, path: Path) -> Path:
        minor = "".join(self.build.split(".")[:2])
        return path.parent / "__pycache__" / f"{path.stem}.cpython-{minor}.pyc"


def find_compiler(
    minor: str, *, runner: Runner, variables: Mapping[str, str], log: Path | None = None, kept: Path | None = None
) -> Compiler | None:
    """None when this host has no interpreter of the minor version."""
    python = find_python(minor, runner=runner, variables=variables)
    if python is None:
        return None
    build = python_build(python, runner=runner, variables=variables)
    return Compiler(python, build, runner, variables, log, kept)


@cache
def _program_digest() -> str:
    return hashlib.blake2b(PROGRAM.read_bytes(), digest_size=20).hexdigest()


def _sources(folder: Path) -> list[Path]:
    """Symlinks are left out: the file they lead to has its own bytecode."""
    return sorted(path for path in folder.rglob("*.py") if path.is_file() and not path.is_symlink())
