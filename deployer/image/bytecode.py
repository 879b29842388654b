"""Bytecode at build time: Lambda's file system is read-only, so a module without it is compiled at every cold start.

The .pyc files are never checked against their source (its times are 0) and name the path in the image, not the build's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.tools.process import Runner
from deployer.tools.python_interpreter import find_python, python_build

SECONDS = 900.0
# Nobody imports them in a function; compiling them takes a third of the time.
NOT_COMPILED = r"[/\\]tests[/\\]"


@dataclass(frozen=True)
class Compiler:
    """An interpreter of the image's minor version; `build` is its full version, such as `3.11.7`."""

    python: Path
    build: str
    runner: Runner
    variables: Mapping[str, str]
    log: Path | None = None

    def compile(self, folder: Path, *, at: str) -> None:
        """Compile what is in `folder`, which the image has at `/at`. Files that do not compile are left as they are."""
        options = ["-q", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-x", NOT_COMPILED]
        argv = [str(self.python), "-I", "-m", "compileall", *options, "-s", str(folder), "-p", f"/{at}", str(folder)]
        variables = {**self.variables, "PYTHONHASHSEED": "0"}
        self.runner.run(argv, env=variables, cwd=folder, timeout=SECONDS, log=self.log)


def find_compiler(
    minor: str, *, runner: Runner, variables: Mapping[str, str], log: Path | None = None
) -> Compiler | None:
    """None when this host has no interpreter of the minor version."""
    python = find_python(minor, runner=runner, variables=variables)
    if python is None:
        return None
    return Compiler(python, python_build(python, runner=runner, variables=variables), runner, variables, log)
