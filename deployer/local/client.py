"""The daemon from outside: find it, start it, stop it. Light: nothing of moto is imported here.

Starting is safe to repeat and to race: the daemon's own lock decides, and everybody waits for the one that won.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from deployer.errors import DeployerError
from deployer.local import address as addresses
from deployer.local.address import HEALTH, Address, Folders
from deployer.tools.process import Runner

START_SECONDS = 60.0
STOP_SECONDS = 20.0
OTHER_DAEMON = 3  # the exit code that says so
NOT_FOR_THE_DAEMON = ("AWS_", "MOTO_", "TF_")


@dataclass(frozen=True)
class Status:
    """A daemon that answers. `isolation` is `full` or `none`, then with the reason."""

    address: Address
    isolation: str
    isolation_reason: str
    functions: tuple[str, ...]
    environments: tuple[str, ...]


def running(folders: Folders) -> Status | None:
    """The daemon that the address file names, if it is that one that answers there."""
    address = addresses.read(folders.state)
    if address is None or _process(address) is None:
        return None
    health = _health(address)
    if health is None or (health.get("pid"), health.get("created")) != (address.pid, address.created):
        return None
    return Status(
        address=address,
        isolation=str(health["isolation"]),
        isolation_reason=str(health["isolation_reason"]),
        functions=_texts(health["functions"]),
        environments=_texts(health["environments"]),
    )


def start(folders: Folders, *, runner: Runner, variables: Mapping[str, str]) -> Status:
    """The running daemon, started if there was none. Raises DeployerError with the end of its log."""
    found = running(folders)
    if found is not None:
        return found
    _make(folders)
    deadline, said = time.monotonic() + START_SECONDS, "One that was started before does not answer."
    while time.monotonic() < deadline:
        argv = [sys.executable, "-m", "deployer.local", "--detach"]
        completed = runner.run(argv, env=_environment(variables), cwd=folders.state, timeout=START_SECONDS)
        if completed.returncode not in (0, OTHER_DAEMON):
            said = _last_line(completed.stderr) or _last_words(folders.log)
            break
        found = _wait_until_running(folders, seconds=5.0)
        if found is not None:
            return found
    raise DeployerError(
        f"The local AWS did not start. {said}".strip(),
        hint="The log says why. `deployer local stop` ends one that hangs; then run the command again.",
        log=folders.log,
    )


def stop(folders: Folders) -> bool:
    """End the daemon and every function process; False when there was none. The ports are kept for the next start."""
    address = addresses.read(folders.state)
    process = _process(address) if address else None
    if process is None:
        return False
    with suppress(psutil.NoSuchProcess):
        process.terminate()
        if not _ended(process, STOP_SECONDS):
            process.kill()
            _ended(process, STOP_SECONDS)
    return True


def _health(address: Address) -> dict[str, object] | None:
    import urllib3

    try:
        answer = urllib3.request(
            "GET", f"{address.gateway}{HEALTH}", timeout=urllib3.Timeout(5.0), retries=False, redirect=False
        )
        health = json.loads(answer.data)
    except (urllib3.exceptions.HTTPError, ValueError):
        return None
    return health if answer.status == 200 and isinstance(health, dict) else None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(text) for text in value) if isinstance(value, list) else ()


def _process(address: Address) -> psutil.Process | None:
    """The daemon's process while it runs. Another process that was given its number since is not it."""
    try:
        process = psutil.Process(address.pid)
        same = process.create_time() == address.created
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _ended(process: psutil.Process, seconds: float) -> bool:
    """Whether it ends in time. A zombie has ended: who waits for it is the system's business."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def _make(folders: Folders) -> None:
    try:
        folders.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        folders.cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeployerError(
            f"The local AWS cannot keep its state: {error.filename}: {error.strerror}.",
            hint="Set XDG_STATE_HOME and XDG_CACHE_HOME to folders that you may write to.",
        ) from error


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The user's variables less what would lead the daemon, or the AWS libraries in it, elsewhere."""
    return {name: value for name, value in variables.items() if not name.startswith(NOT_FOR_THE_DAEMON)}


def _wait_until_running(folders: Folders, *, seconds: float) -> Status | None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = running(folders)
        if found is not None:
            return found
        time.sleep(0.1)
    return None


def _last_words(log: Path) -> str:
    with suppress(OSError), log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        return _last_line(file.read().decode("utf-8", "replace"))
    return ""


def _last_line(text: str) -> str:
    """Of a traceback, the error itself."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""
