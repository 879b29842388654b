"""Peak resident memory of a process, from Linux's own high-water mark; None where it cannot be had."""

from __future__ import annotations

import re
import socket
import struct
from pathlib import Path


def reset_peak(pid: int | str = "self") -> bool:
    """From here on the mark is that of what follows. False where this is not allowed."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")
    except OSError:
        return False
    return True


def peak_mb(pid: int | str = "self") -> float | None:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii", "replace"))
    except OSError:
        return None
    return round(int(found[1]) * 1024 / 1e6, 1) if found else None


def server_behind(path: Path) -> int | None:
    """The process that listens on a Unix socket: Docker's daemon, for one."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            pid: int = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    except OSError:
        return None
    return pid or None
