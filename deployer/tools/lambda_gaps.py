"""What AWS Lambda lacks that a service may count on: in words with the way out, and as a traceback shows it."""

from __future__ import annotations

import re
from enum import Enum


class Gap(Enum):
    """The value is for people: what comes of it there, and what to do."""

    SEMAPHORES = (  # and shared memory
        "Lambda has neither /dev/shm nor semaphores, so this fails there with an OSError. Use threads"
        " (concurrent.futures.ThreadPoolExecutor), or multiprocessing.Process with a Pipe."
    )
    WORKERS = (  # joblib finds no semaphores and does without
        "Lambda has no semaphores for joblib's workers, so the jobs run one after another there. Where several are to"
        " run at once, use concurrent.futures.ThreadPoolExecutor."
    )
    WEBSOCKETS = (
        "a function's URL carries no WebSockets, such requests are answered with 501. Offer an API for what it does."
    )


# Which error it is depends on the image's C library: 38 (ENOSYS), or 2 without a name. joblib only warns of either.
_SEMAPHORES = re.compile(
    r"OSError: \[Errno 38\]|multiprocessing/(synchronize|heap|shared_memory)\.py|No such file or directory: '/dev/shm"
)


def needs_semaphores(text: str) -> bool:
    """Whether a traceback or a log shows that they, or shared memory, were missed."""
    return _SEMAPHORES.search(text) is not None
