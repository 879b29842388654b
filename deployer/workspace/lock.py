"""The lock of a workspace: held by one running command, and never longer than that command lives.

The operating system holds the lock (flock), so a killed process leaves none. Who holds it stands in a file beside it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from deployer.errors import DeployerError


@contextmanager
def held(lock: Path, *, command: str, what: str) -> Iterator[None]:
    """Hold `lock` while the block runs. Raises DeployerError at once where another process holds it."""
    import filelock

    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = lock.with_suffix(".json")
    guard = filelock.FileLock(lock)
    try:
        guard.acquire(timeout=0)
    except filelock.Timeout:
        problem = f"{_describe(holder)} is at work on {what}."
        raise DeployerError(problem, hint="Wait until it is done, or stop it with Ctrl-C where it runs.") from None
    try:
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        holder.write_text(json.dumps({"pid": os.getpid(), "command": command, "since": since}), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        guard.release()


def _describe(holder: Path) -> str:
    """Who holds the lock; vague in the instant between taking it and saying so."""
    try:
        known = json.loads(holder.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(known["since"])
        return f"`deployer {known['command']}` (process {int(known['pid'])}, since {since:%Y-%m-%d %H:%M:%S})"
    except (OSError, ValueError, KeyError, TypeError):
        return "Another deployer command"
