"""Compiles Python files; run as a program by the interpreter whose bytecode is wanted, so it imports nothing of ours.

Standard input is one JSON object: `at`, the folder in the image that the current folder becomes, and `files`, each
relative to it. What does not compile is left as it is; a file that cannot be written ends the program with an error.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import marshal
import os
import sys
import warnings
from pathlib import Path

MOST_AT_ONCE = 16
UNCHECKED = (1).to_bytes(4, "little")  # the flags of a .pyc that names its source's hash and never compares it


def main() -> int:
    work = json.load(sys.stdin)
    files = sorted(work["files"], key=lambda file: (-Path(file).stat().st_size, file))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    count = max(1, min(cores, len(files), MOST_AT_ONCE))
    children = [_start(files[number::count], work["at"]) for number in range(count)]
    return max(_ended(child) for child in children)


def _start(files: list[str], at: str) -> int:
    """A child process for a share of the files. No pool: its locks need /dev/shm, which containers may lack."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        gc.disable()  # a share's garbage is small, and looking for it takes a tenth of the time
        warnings.simplefilter("ignore")
        for file in files:
            _compile(file, f"/{at}/{file}")
        code = 0
        code = 0
    except OSError as error:
        sys.stderr.write(f"{error.strerror}: {error.filename}\n")
        sys.stderr.flush()
    finally:
        os._exit(code)


def _ended(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return 0 if status == 0 else 1


def _compile(file: str, name: str) -> None:
    source = Path(file).read_bytes()
    try:
        code = compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return
    target = Path(importlib.util.cache_from_source(file))
    target.parent.mkdir(exist_ok=True)
    header = importlib.util.MAGIC_NUMBER + UNCHECKED + importlib.util.source_hash(source)
    target.write_bytes(header + marshal.dumps(code))


if __name__ == "__main__":
    sys.exit(main())
