"""The arithmetic of benchmarks/release.py, and what it takes as a command that has done its work."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release_goals import BARE, CHANGE, NOTHING, OURS, ROLLBACK, figures, goals, medians
from benchmarks.release_sides import Stopwatch, own_environment, timed
from deployer.tools.process import Processes


def round_of(number: int, *, slow: float = 1.0) -> list[dict[str, Any]]:
    """A round on a machine that is `slow` times as slow as usual."""
    seconds = {NOTHING: (1.0, 4.0), ROLLBACK: (3.0, 20.0), CHANGE: (24.0, 20.0)}
    return [
        {"round": number, "step": step, "side": side, "seconds": slow * value}
        for step, both in seconds.items()
        for side, value in zip((OURS, BARE), both, strict=True)
    ]


def test_the_goals_compare_the_two_sides_of_a_round() -> None:
    """A round that was slow as a whole changes no ratio."""
    found = goals([*round_of(1), *round_of(2, slow=9.0), *round_of(3)])
    assert [(0.25, 0.3, True), (0.15, 0.15, True), (1.2, 1.15, False)] == [
        (goal.value, goal.goal, goal.met) for goal in found
    ]


def test_a_round_without_one_side_has_no_ratio() -> None:
    """Nor has a step that was not measured a goal that is met."""
    samples = [*round_of(1), *round_of(2, slow=9.0)]
    left = [one for one in samples if (one["round"], one["side"]) != (1, OURS) and one["step"] != ROLLBACK]
    assert [0.25, None, 1.2] == [goal.value for goal in goals(left)]
    assert {NOTHING: {OURS: 9.0, BARE: 20.0}, ROLLBACK: {}, CHANGE: {OURS: 216.0, BARE: 100.0}} == medians(left)


def test_the_medians_are_shown_under_the_commands_names() -> None:
    """Whoever reads the table need not know what a step is."""
    shown = figures(round_of(1))
    assert "nothing changed: terraform plan" in shown and "rollback: deployer rollback" in shown
    assert shown.splitlines()[-1].split()[-1] == "20.00"


def test_a_command_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    """With its last words: a side that is fast because it fails would win."""
    argv = [sys.executable, "-c", "import sys; print('said'); sys.exit('why')"]
    with pytest.raises(RuntimeError, match=r"ended with 1: said\nwhy"):
        timed(argv, cwd=tmp_path, variables={})
    assert timed(argv, cwd=tmp_path, variables={}, codes=(1,)).said == "said\n"


def test_a_command_is_measured_from_its_start_to_its_end(tmp_path: Path) -> None:
    """By `timed` and by the stopwatch around another runner, whose last command counts."""
    argv = [sys.executable, "-c", "import time; time.sleep(0.2); print(1)"]
    done = timed(argv, cwd=tmp_path, variables={})
    assert (1, True) == (done.document, done.seconds >= 0.2)
    watch = Stopwatch(Processes())
    assert watch.run(argv, env={}, cwd=tmp_path, timeout=60).returncode == 0
    assert 0.2 <= watch.seconds < 60


def test_where_deployers_seconds_went_is_read_from_its_progress(tmp_path: Path) -> None:
    """The finished steps; notes and the smoke test's lines have no seconds of their own."""
    lines = ["✓ Target local is ready  (0.1 s)", "· a note", "  ok  status 200  12 ms", "✗ Image  (12.0 s)"]
    argv = [sys.executable, "-c", f"import sys; sys.stderr.write({os.linesep.join(lines)!r})"]
    done = timed(argv, cwd=tmp_path, variables={"PYTHONUTF8": "1"})
    assert [lines[0], lines[3]] == done.steps


def test_the_benchmark_has_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No account, store or state of the user's; what was there is there again afterwards."""
    monkeypatch.setenv("AWS_PROFILE", "users")
    monkeypatch.setenv("UV_CACHE_DIR", "downloads")
    before = dict(os.environ)
    with own_environment(tmp_path) as variables:
        assert dict(os.environ) == variables
        assert "AWS_PROFILE" not in variables
        assert ("downloads", str(tmp_path / "state")) == (variables["UV_CACHE_DIR"], variables["XDG_STATE_HOME"])
    assert dict(os.environ) == before
