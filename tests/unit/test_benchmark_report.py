"""The arithmetic of the benchmarks' reports, and the shape of every result that is kept in the repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import (
    KEYS,
    RESULTS,
    Goal,
    Report,
    goal_table,
    machine_facts,
    median,
    median_ratio,
    shape_problems,
)

KEPT = sorted(RESULTS.glob("*.json"))


def written(folder: Path, *goals: Goal) -> dict[str, Any]:
    path = Report("small", samples=[{"side": "ours", "seconds": 1.5}], goals=goals).write({"cores": 2}, folder=folder)
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    """A round on a busy machine is slow on both sides: 10 against 50 is still a fifth."""
    assert median_ratio([1.0, 10.0, 1.0], [5.0, 50.0, 4.0]) == pytest.approx(0.2)


def test_sides_that_were_measured_unequally_often_are_not_compared() -> None:
    """Else a sample of one round would be divided by that of another."""
    with pytest.raises(ValueError, match="2 samples cannot be compared with 1"):
        median_ratio([1.0, 2.0], [1.0])


def test_nothing_measured_has_no_median() -> None:
    """A side that did not run is not a side that took no time."""
    assert median([]) is None
    assert median_ratio([], []) is None


@pytest.mark.parametrize(
    ("value", "met", "word"),
    [(0.19, True, "met"), (0.2, True, "met"), (0.2001, False, "MISSED"), (None, None, "not measured")],
)
def test_a_goal_is_judged_by_its_value(value: float | None, met: bool | None, word: str) -> None:
    """At most the limit is met; above it is missed even where rounding shows the limit itself."""
    goal = Goal("first build", value, 0.2)
    assert goal.met is met
    assert goal.document()["met"] is met
    assert goal_table([goal]).splitlines()[-1].endswith(word)
    assert shape_problems({**dict.fromkeys(KEYS), "goals": [goal.document()]}) == []


def test_a_missed_goal_is_written_and_shown_as_missed(tmp_path: Path) -> None:
    """A benchmark reports; it neither fails nor leaves out what it missed."""
    goals = (Goal("fast", 0.5, 0.2), Goal("small", 0.7, 0.8))
    assert [
        {"name": "fast", "value": 0.5, "goal": 0.2, "met": False, "unit": "x"},
        {"name": "small", "value": 0.7, "goal": 0.8, "met": True, "unit": "x"},
    ] == written(tmp_path, *goals)["goals"]
    assert [True, False] == ["MISSED" in line for line in goal_table(goals).splitlines()[2:]]


def test_a_result_holds_the_machine_every_sample_and_the_goals(tmp_path: Path) -> None:
    """What it takes to judge the figures, or to judge them anew."""
    document = written(tmp_path, Goal("fast", 0.1, 0.2))
    assert document["machine"] == {"cores": 2}
    assert document["samples"] == [{"side": "ours", "seconds": 1.5}]
    assert shape_problems(document) == []


def test_a_result_that_claims_what_its_values_deny_is_found(tmp_path: Path) -> None:
    """The check of the kept results below does find something."""
    document = written(tmp_path, Goal("fast", 0.5, 0.2))
    document["goals"][0]["met"] = True
    assert shape_problems(document) == ["fast: 0.5 against 0.2 is not met"]
    del document["goals"][0]["value"], document["machine"]
    assert shape_problems(document) == ["no key machine", "a goal without value"]


def test_the_machine_facts_do_not_say_whose_machine_it_is() -> None:
    """Results are kept in the repository: no names of hosts or users."""
    assert {"system", "processor", "cores", "memory_gb", "load_before", "python", "uv"} == set(machine_facts(uv="0"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_a_kept_result_has_the_agreed_shape(path: Path) -> None:
    """`machine`, `samples` and `goals` with name, value, goal and met, under the benchmark's own name."""
    document = json.loads(path.read_text("utf-8"))
    assert shape_problems(document) == []
    assert document["name"] == path.stem
    assert document["goals"] != []
