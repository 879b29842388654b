"""Runs work in a process of its own that outlives its starter, and tells the starter when it is ready."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

READY = b"1"


def detached(*, log: Path, work: Callable[[Callable[[], None]], int]) -> int:
    """Start `work(ready)` in the background, its output appended to `log`.

    Returns 0 once `work` calls `ready`, else the exit code that it ended with. Nothing of the caller's is kept: the
    worker has its own session, folder and standard streams.
    """
    readable, writable = os.pipe()
    child = os.fork()
    if child:
        os.close(writable)
        with os.fdopen(readable, "rb") as pipe:
            return 0 if pipe.read(1) == READY else os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(readable)
    code = 1
    try:
        os.setsid()
        os.chdir("/")
        _redirect(log)
        code = work(lambda: _say_ready(writable))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: Path) -> None:
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)


def _say_ready(pipe: int) -> None:
    os.write(pipe, READY)
    os.close(pipe)
