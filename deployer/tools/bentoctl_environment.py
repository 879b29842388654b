"""bentoctl's own Python environment, from a hash-locked list, in the cache: made when missing, made again when broken.

It is named after the list and the Python version, so a newer deployer makes a new one beside it. One that is complete
has a marker, written last, that lists what is installed; without it, or with anything of it gone, it is made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from filelock import FileLock

from deployer import directories
from deployer.errors import DeployerError
from deployer.tools.process import Completed, Runner
from deployer.tools.python_interpreter import find_python, find_uv

LOCK = Path(__file__).parent.parent / "locks" / "bentoctl.txt"
MARKER = "deployer-complete.json"
MINORS = ("3.11", "3.12", "3.10", "3.13")  # the list is locked for these, the first that the host has is taken
INSTALL_SECONDS = 900.0
_NO_INDEX = (
    "error sending request",
    "dns error",
    "failed to fetch",
    "name resolution",
    "connection",
    "no matching distribution",
)


def ensure(
    *, runner: Runner, variables: Mapping[str, str], log: Path, on_step: Callable[[str], None], lock: Path = LOCK
) -> Path:
    """The environment's interpreter; at once when the environment is whole. `on_step` says what takes long."""
    root = directories.cache()
    minor = f"{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.executable)
    if minor not in MINORS:
        minor, base = _other_python(runner, variables)
    digest = hashlib.sha256(lock.read_bytes() + minor.encode()).hexdigest()
    folder = root / f"bentoctl-{digest[:16]}"
    if is_whole(folder):
        return interpreter(folder)
    root.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not is_whole(folder):
            on_step("Repairing bentoctl's environment" if folder.exists() else "Making bentoctl's environment")
            _make(folder, base, lock, runner=runner, variables=variables, log=log)
    return interpreter(folder)


def is_whole(folder: Path) -> bool:
    """Whether the marker is there, the interpreter exists, and nothing that was installed is missing."""
    try:
        listed = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        present = {entry.name for entry in _site(folder).iterdir()}
    except (OSError, ValueError, IndexError):
        return False
    return os.access(interpreter(folder), os.X_OK) and present.issuperset(listed)


def interpreter(folder: Path) -> Path:
    return folder / "bin" / "python"


def _other_python(runner: Runner, variables: Mapping[str, str]) -> tuple[str, Path]:
    for minor in MINORS:
        found = find_python(minor, runner=runner, variables=variables)
        if found is not None:
            return minor, found
    raise DeployerError(
        f"bentoctl needs Python {', '.join(sorted(MINORS))}; and none of them was found.",
        hint="Install one of them (`uv python install 3.12`) and run the command again.",
    )


def _make(folder: Path, base: Path, lock: Path, *, runner: Runner, variables: Mapping[str, str], log: Path) -> None:
    """In place, because an environment cannot be moved; the marker at the end is what makes it one."""
    kept = {name: value for name, value in variables.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}

    def run(*argv: str) -> Completed:
        return runner.run(argv, env=kept, cwd=folder.parent, timeout=INSTALL_SECONDS, log=log)

    failures = []
    for commands in (_with_uv(folder, base, lock), _with_pip(folder, base, lock)):
        shutil.rmtree(folder, ignore_errors=True)
        failed = next((ended for ended in (run(*argv) for argv in commands) if ended.returncode != 0), None)
        if failed is None:
            listed = sorted(entry.name for entry in _site(folder).iterdir())
            (folder / MARKER).write_text(json.dumps(listed), encoding="utf-8")
            return
        failures.append(failed)
    shutil.rmtree(folder, ignore_errors=True)
    raise _not_made(failures[0], log)


def _with_uv(folder: Path, base: Path, lock: Path) -> Sequence[Sequence[str]]:
    uv = str(find_uv())
    install = (uv, "pip", "install", "--python", str(interpreter(folder)), "--require-hashes", "--compile-bytecode")
    return (uv, "venv", "--no-project", "--python", str(base), str(folder)), (*install, "-r", str(lock))


def _with_pip(folder: Path, base: Path, lock: Path) -> Sequence[Sequence[str]]:
    """For hosts whose package index is set in pip's own configuration, which uv does not read."""
    install = (str(interpreter(folder)), "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes")
    return (str(base), "-m", "venv", str(folder)), (*install, "-r", str(lock))


def _site(folder: Path) -> Path:
    return sorted((folder / "lib").glob("python3.*/site-packages"))[0]


def _not_made(ended: Completed, log: Path) -> DeployerError:
    words = " ".join(ended.stderr.split())
    if any(sign in words.lower() for sign in _NO_INDEX):
        return DeployerError(
            "bentoctl's environment could not be made: no package index gave its packages.",
            hint="Check the network, or name a mirror with UV_DEFAULT_INDEX or pip's configuration, and run it again.",
            log=log,
        )
    return DeployerError(
        f"bentoctl's environment could not be made: {words[-300:]}",
        hint="The log has the whole output. Correct that and run the command again.",
        log=log,
    )
