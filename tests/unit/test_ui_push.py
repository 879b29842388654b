"""What a push shows: lines without a terminal, bars on one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from deployer.ui_push import PushBars, PushLines, part_of, push_screen

GB = 1_000_000_000


class Clock:
    """Time that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_blob_ends_with_a_line() -> None:
    """What became of it, in words that stand alone beside a spinner."""
    said: list[str] = []
    lines = PushLines(said.append)
    lines.begin("model m", 1_250_000)
    lines.sent("model m", 1_250_000)
    lines.end("model m", "pushed")
    lines.end("handler", "already there")
    lines.end("base image 1/4", "mounted")
    lines.note("import check: ok")
    assert said == [
        "pushed model m: 1.2 MB",
        "already there: handler",
        "taken from the base image's repository: base image 1/4",
        "import check: ok",
    ]


def test_a_large_blob_tells_its_way_every_five_seconds() -> None:
    """Per blob, and a small one says nothing on the way."""
    said: list[str] = []
    clock = Clock()
    lines = PushLines(said.append, clock=clock)
    lines.begin("model m", 3 * GB)
    lines.begin("handler", 40_000_000)
    for second in range(13):
        clock.now = float(second)
        lines.sent("model m", second * GB // 5)
        lines.sent("handler", second * 1_000_000)
    assert said == ["pushing model m: 1.0 of 3.0 GB", "pushing model m: 2.0 of 3.0 GB"]


@pytest.mark.parametrize(
    ("count", "size", "shown"),
    [(1_200_000_000, 3 * GB, "1.2 of 3.0 GB"), (0, GB, "0.0 of 1.0 GB"), (120_400_000, 800_000_000, "120 of 800 MB")],
)
def test_a_part_is_told_in_the_unit_of_the_whole(count: int, size: int, shown: str) -> None:
    """Two numbers that can be compared at a glance."""
    assert part_of(count, size) == shown


def test_bars_come_and_go_and_the_lines_stay() -> None:
    """A blob that begins again keeps its one bar; a title that looks like markup is shown as it is."""
    written = io.StringIO()
    console = Console(file=written, width=60, force_terminal=False)
    with Progress(TextColumn("{task.description}", markup=False), console=console, auto_refresh=False) as progress:
        bars = PushBars(progress)
        for _ in range(2):
            bars.begin("model [/x]", 200)
            bars.sent("model [/x]", 100)
        assert [(task.description, task.completed, task.total) for task in progress.tasks] == [("model [/x]", 100, 200)]
        bars.end("model [/x]", "pushed")
        bars.end("handler", "already there")
        assert progress.tasks == []
    assert written.getvalue().split("\n")[:2] == ["pushed model [/x]: 0.2 kB", "already there: handler"]


def test_without_a_terminal_the_lines_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    """A pipe gets no escape sequences, and standard output nothing at all."""
    with push_screen() as screen:
        screen.end("handler", "already there")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "already there: handler\n")
