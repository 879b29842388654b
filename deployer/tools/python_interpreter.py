"""The host's Python interpreters, as uv finds them. Nothing is downloaded."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError
from deployer.tools.process import Runner

SECONDS = 30.0
DESCRIPTION = (
    "import json, os, platform, sys;"
    "print(json.dumps([os.path.realpath(sys.executable), sys.base_prefix, platform.python_version()]))"
)


@dataclass(frozen=True)
class Interpreter:
    """A Python of the host. `prefix` is the folder that holds it and its standard library, `build` its full version."""

    executable: Path
    prefix: Path
    build: str = ""


def find_uv() -> Path:
    """The uv binary that comes with deployer's own dependencies."""
    import uv  # most commands need no uv

    try:
        return Path(uv.find_uv_bin())
    except FileNotFoundError as error:
        raise DeployerError("uv is missing from deployer's environment.", hint="Install deployer again.") from error


def find_python(minor: str, *, runner: Runner, variables: Mapping[str, str]) -> Path | None:
    """An interpreter of this minor version (`3.11`), virtual environments left out; None when the host has none.

    The one that deployer itself runs on comes first, and is known without asking.
    """
    own = Path(sys.base_prefix, "bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
    if own.name == f"python{minor}" and os.access(own, os.X_OK):
        return own
    environment = {**variables, "PATH": _search_path(variables), "UV_PYTHON_DOWNLOADS": "never"}
    argv = (str(find_uv()), "python", "find", "--no-project", "--no-config", "--system", minor)
    found = runner.run(argv, env=environment, cwd=Path("/"), timeout=SECONDS)
    path = found.stdout.strip()
    return Path(path) if found.returncode == 0 and path else None


def python_build(python: Path, *, runner: Runner, variables: Mapping[str, str]) -> str:
    """The full version, such as `3.11.7`. Raises DeployerError when the interpreter does not run."""
    argv = (str(python), "-I", "-S", "-c", "import platform; print(platform.python_version())")
    answer = runner.run(argv, env=variables, cwd=Path("/"), timeout=SECONDS)
    if answer.returncode != 0:
        raise DeployerError(f"The interpreter {python} does not run: {answer.stderr.strip()[-300:]}")
    return answer.stdout.strip()


def describe(python: Path, *, runner: Runner) -> Interpreter:
    """Where an interpreter really is, whatever links lead to it. Raises DeployerError when it does not run."""
    argv = (str(python), "-I", "-S", "-c", DESCRIPTION)
    answer = runner.run(argv, env={"LANG": "C.UTF-8"}, cwd=Path("/"), timeout=SECONDS)
    if answer.returncode != 0:
        raise DeployerError(f"The interpreter {python} does not run: {answer.stderr.strip()[-300:]}")
    executable, prefix, build = json.loads(answer.stdout)
    return Interpreter(Path(executable), Path(prefix), build)


def _search_path(variables: Mapping[str, str]) -> str:
    """The interpreter deployer itself runs on, PATH, then pyenv's versions.

    pyenv's shims are left out: uv asks the first one it meets, and a shim of a version that is not selected fails.
    """
    root = Path(variables.get("PYENV_ROOT") or Path(variables.get("HOME", "/")) / ".pyenv")
    listed = [part for part in variables.get("PATH", "").split(os.pathsep) if part and Path(part) != root / "shims"]
    versions = sorted(str(folder) for folder in (root / "versions").glob("*/bin"))
    return os.pathsep.join([str(Path(sys.base_prefix) / "bin"), *listed, *versions])
