"""Ctrl-C that waits: for the few calls that must not be left half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from deployer.clock import Clock

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held_off(seconds: float, *, clock: Clock) -> Iterator[None]:
    """Ctrl-C and wishes to end have no effect inside the block for so many seconds; later they raise KeyboardInterrupt.

    A key that is held down sends dozens. Only the main thread gets signals: in another nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    until = clock.now() + seconds

    def handle(number: int, frame: FrameType | None) -> None:
        if clock.now() >= until:
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in SIGNALS}
    ours = [number for number, handler in before.items() if handler not in (None, signal.SIG_IGN)]
    try:
        for number in ours:
            signal.signal(number, handle)
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
