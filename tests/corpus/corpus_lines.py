"""The BentoML lines of the corpus: each has its locked packages and an environment of its own, made once a session."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import uv
from filelock import FileLock

from deployer.image.requirements import package_name

LOCKS = Path(__file__).with_name("locks")
LINES = tuple(sorted((file.stem for file in LOCKS.glob("*.txt")), key=lambda line: [*map(int, line.split("."))]))
PYTHON = "3.11"  # the locks are for it alone
SECONDS = 300


@dataclass(frozen=True)
class Line:
    """One BentoML version. `python` is its environment's interpreter."""

    version: str
    python: Path
    requirements: tuple[str, ...]  # name==version of every package

    @property
    def names(self) -> frozenset[str]:
        return frozenset(map(package_name, self.requirements))

    def run(self, *arguments: str, store: Path, cwd: Path) -> str:
        """The standard output of `python ARGUMENTS` on the BentoML store `store`; the test fails when that fails."""
        argv = [str(self.python), *arguments]
        variables = variables_of(store)
        done = subprocess.run(
            argv,
            env=variables,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{argv} in {cwd}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout


def environment(version: str, *, python: Path, folder: Path) -> Line:
    """The line's environment below `folder`, made by the first process that asks; the others wait."""
    lock, place = LOCKS / f"{version}.txt", folder / version
    folder.mkdir(parents=True, exist_ok=True)
    made, listed = place / "made-from.txt", lock.read_text("utf-8")
    with FileLock(folder / f"{version}.lock"):
        if not made.is_file() or made.read_text("utf-8") != listed:
            _uv("venv", "--clear", "--python", str(python), str(place))
            _uv("pip", "sync", "--require-hashes", "--python", str(place / "bin/python"), str(lock))
            made.write_text(listed, "utf-8")
    named = [line.split()[0] for line in listed.splitlines() if "==" in line]
    return Line(version, place / "bin/python", tuple(named))


def variables_of(store: Path) -> Mapping[str, str]:
    """The session's variables for BentoML on `store`; bytecode is written, for every line starts many times."""
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
    inherited = {name: value for name, value in os.environ.items() if name not in unwanted}
    more = {"BENTOML_HOME": str(store), "BENTOML_DO_NOT_TRACK": "True", "PYTHONWARNINGS": "ignore", "COLUMNS": "200"}
    path = f"{Path(uv.find_uv_bin()).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**inherited, **more, "PATH": path}  # BentoML 1.4 looks for uv there, or installs it


def _uv(*arguments: str) -> None:
    done = subprocess.run(
        [uv.find_uv_bin(), *arguments, "--quiet"], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"uv {arguments}:\n{done.stderr}"
