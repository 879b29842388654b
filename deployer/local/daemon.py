"""The daemon's life: take the lock, listen, write the address, serve until SIGTERM, end every runtime process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from deployer.local import address as addresses
from deployer.local.address import Folders

LOG_BYTES = 10 * 1024 * 1024


class OtherDaemon(Exception):
    """Another daemon of this user holds the lock."""


def serve(folders: Folders, *, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. Raises OtherDaemon when one is there already."""
    lock = FileLock(folders.state / "local.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OtherDaemon from error
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with lock:
        # Imported here: moto takes a second, and another daemon, or a wish to stop, must be known before.
        from deployer.local.services import Services

        services = Services(folders)
        try:
            ready()
            stopped.wait()
        finally:
            services.close()


def main(argv: list[str]) -> int:
    """`--detach`: return when a daemon in the background answers, 0, or could not start, 1."""
    folders = Folders.of_user()
    folders.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"  # read by moto when it is imported
    if "--detach" in argv:
        from deployer.local.detach import detached

        _set_aside(folders.log)
        return detached(log=folders.log, work=lambda ready: _serve(folders, ready))
    return _serve(folders, lambda: print(f"serving, see {addresses.path(folders.state)}", file=sys.stderr))


def _serve(folders: Folders, ready: Callable[[], None]) -> int:
    try:
        serve(folders, ready=ready)
    except OtherDaemon:
        return 3
    return 0


def _set_aside(log: Path) -> None:
    """One older log is kept."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
