"""Memory of a process and its descendants: the sum of their high-water marks, and of their proportional shares now."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.memory import peak_mb


@dataclass(frozen=True)
class Memory:
    """`peak_mb`: resident, at most, so far. `pss_mb`: what is shared with other processes counts in parts."""

    peak_mb: float
    pss_mb: float


def memory_of(processes: Iterable[int]) -> Memory | None:
    """None where one of them cannot be looked at."""
    peaks, shares = [], []
    for pid in processes:
        peak, share = peak_mb(pid), _pss_mb(pid)
        if peak is None or share is None:
            return None
        peaks.append(peak)
        shares.append(share)
    return Memory(round(sum(peaks), 1), round(sum(shares), 1)) if peaks else None


def family(pid: int) -> list[int]:
    """The process and everything below it."""
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return []


def _pss_mb(pid: int) -> float | None:
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text("ascii"), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 / 1e6 if found else None
