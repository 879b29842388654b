"""The lock of a terraform state: whose it is, and on this disk whether anybody still holds it.

terraform locks the file itself (fcntl, whole file) and writes beside it who it is. The system lets go of a lock whose
process has ended, so what is only written down is stale. A state in S3 is locked by an object with the same text.
"""

from __future__ import annotations

import fcntl
import json
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

_FLOCK = "hhqqi"  # struct flock of Linux on 64 bits: type, whence, start, length, process


@dataclass(frozen=True)
class StateLock:
    """A lock as terraform noted it; texts may be empty. `held`: on this disk, by a process that lives; in S3 always.

    `process` is that process's number, 0 where the system does not say it.
    """

    held: bool
    process: int = 0
    identity: str = ""
    who: str = ""
    created: str = ""
    operation: str = ""

    def __str__(self) -> str:
        """`terraform (process 7) of ann@desk since 2026-11-23T04:17:19Z (OperationTypeApply)`."""
        parts = [
            "terraform",
            f"(process {self.process})" if self.process else "",
            f"of {self.who}" if self.who else "",
            f"since {self.created.partition('.')[0].rstrip('Z')}Z" if self.created else "",
            f"({self.operation})" if self.operation else "",
        ]
        return " ".join(part for part in parts if part)


def state_lock(state: Path) -> StateLock | None:
    """The lock of that state file; None where nobody holds it and nothing is written down."""
    note = note_of(state)
    process = _holder(state)
    if process is None and not note.exists():
        return None
    return _as_noted(note, held=process is not None, process=process or 0)


def note_of(state: Path) -> Path:
    """Where terraform writes down who holds a state: `.terraform.tfstate.lock.info` beside `terraform.tfstate`."""
    return state.with_name(f".{state.name}.lock.info")


def lock_of(noted: str, *, held: bool, process: int = 0) -> StateLock:
    """The lock of which terraform has written this down; a text that says nothing is that of a lock as well."""
    try:
        known = json.loads(noted)
        said = {field: str(known.get(key) or "") for field, key in _KEYS.items()}
    except (ValueError, AttributeError):
        said = {}
    return StateLock(held=held, process=process, **said)


def _as_noted(note: Path, *, held: bool, process: int) -> StateLock:
    try:
        return lock_of(note.read_text(encoding="utf-8"), held=held, process=process)
    except (OSError, UnicodeDecodeError):
        return StateLock(held=held, process=process)


_KEYS = {"identity": "ID", "who": "Who", "created": "Created", "operation": "Operation"}


def _holder(state: Path) -> int | None:
    """The process that has locked the file, 0 for one that is not known; None where there is no lock or no file.

    Trying is the only portable way to ask: the lock is ours for an instant, and gone when the file is closed.
    """
    try:
        with state.open("r+b") as file:
            asked = _asked(file.fileno())
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return asked
    return None


def _asked(descriptor: int) -> int:
    """The holder's process as Linux says it; 0 elsewhere, and for a process of another container or machine."""
    if sys.platform != "linux" or sys.maxsize < 1 << 32:
        return 0
    answer = fcntl.fcntl(descriptor, fcntl.F_GETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))
    kind, _, _, _, process = struct.unpack(_FLOCK, answer)
    return max(int(process), 0) if kind != fcntl.F_UNLCK else 0
