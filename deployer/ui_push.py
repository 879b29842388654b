"""What people see of a push: a bar for each layer on a terminal, plain lines elsewhere. Standard error only.

The lines are also what `deployer up` shows beside its spinner, where a push is the child of a child.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.text import Text

LARGE = 50_000_000  # bytes: of a smaller blob only the end is told
EVERY = 5.0  # seconds between two lines about one blob


class PushLines:
    """A line for each blob when it is there, and some on the way for a large one. Called from several threads."""

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._sizes: dict[str, int] = {}
        self._told: dict[str, float] = {}

    def note(self, text: str) -> None:
        self._say(text)

    def begin(self, title: str, size: int) -> None:
        self._sizes[title], self._told[title] = size, self._clock()

    def sent(self, title: str, count: int) -> None:
        size, now = self._sizes[title], self._clock()
        if size > LARGE and count < size and now - self._told[title] >= EVERY:
            self._told[title] = now
            self._say(f"pushing {title}: {part_of(count, size)}")

    def end(self, title: str, outcome: str) -> None:
        if outcome == "pushed":
            self._say(f"pushed {title}: {size_of(self._sizes[title])}")
        elif outcome == "mounted":
            self._say(f"taken from the base image's repository: {title}")
        else:
            self._say(f"{outcome}: {title}")


class PushBars(PushLines):
    """A bar for each blob on its way, and the same lines above the bars when it is there."""

    def __init__(self, bars: Progress) -> None:
        super().__init__(lambda line: bars.console.print(Text(line), soft_wrap=True))
        self._bars, self._tasks = bars, dict[str, TaskID]()
        self._lock = threading.Lock()

    def begin(self, title: str, size: int) -> None:
        super().begin(title, size)
        with self._lock:
            if title not in self._tasks:
                self._tasks[title] = self._bars.add_task(title, total=size)
            self._bars.update(self._tasks[title], completed=0)

    def sent(self, title: str, count: int) -> None:
        self._bars.update(self._tasks[title], completed=count)

    def end(self, title: str, outcome: str) -> None:
        with self._lock:
            if title in self._tasks:
                self._bars.remove_task(self._tasks.pop(title))
        super().end(title, outcome)


@contextmanager
def push_screen() -> Iterator[PushLines]:
    """The one of the two that fits standard error. Asked is the stream itself: FORCE_COLOR makes a pipe no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield PushLines(lambda line: click.echo(line, err=True))
        return
    title = TextColumn("pushing {task.description}", markup=False)
    columns = (title, BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as bars:
        yield PushBars(bars)


def size_of(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size / 1e3:.1f} kB"


def part_of(count: int, size: int) -> str:
    """`1.2 of 3.0 GB`: both in the unit that suits the whole."""
    if size >= 1e9:
        return f"{count / 1e9:.1f} of {size / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} of {size / 1e6:.0f} MB"
