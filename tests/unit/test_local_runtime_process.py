"""A function's process from its start to its end, with a real program in it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deployer.image.rebased import Launch
from deployer.local.runtime_process import RuntimeProcess, Spawner


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    made = Spawner()
    yield made
    made.close()


def started(program: str, *, spawner: Spawner, on_exit: Callable[[], None]) -> RuntimeProcess:
    launch = Launch(argv=(sys.executable, "-c", program), variables={}, directory=Path("/"))
    return RuntimeProcess(launch, spawner=spawner, on_line=lambda line: None, on_exit=on_exit)


def test_what_follows_the_end_is_done_when_kill_returns(spawner: Spawner) -> None:
    """The daemon may end right after it has killed the last process, and leaves no folder of one behind."""
    done = threading.Event()

    def slow() -> None:
        threading.Event().wait(0.2)
        done.set()

    process = started("import time; time.sleep(60)", spawner=spawner, on_exit=slow)
    process.kill()
    assert (True, False, "signal: killed") == (done.is_set(), process.alive, process.ending)


def test_a_process_that_ended_by_itself_is_killed_without_waiting_for_more(spawner: Spawner) -> None:
    """Its end was told already; killing it again changes nothing."""
    told = threading.Semaphore(0)
    process = started("raise SystemExit(3)", spawner=spawner, on_exit=told.release)
    assert told.acquire(timeout=20)
    process.kill()
    process.kill()
    assert (False, "exit status 3") == (told.acquire(blocking=False), process.ending)
