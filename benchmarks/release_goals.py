"""What the samples of benchmarks/release.py say: medians, and the goals, which are older than the code they judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import Goal, median, median_ratio, table

NOTHING, ROLLBACK, CHANGE = "nothing changed", "rollback", "code changed"
STEPS = (NOTHING, ROLLBACK, CHANGE)
OURS, BARE = "deployer", "bare"
SIDES = (OURS, BARE)
COMMANDS = {
    (NOTHING, OURS): "deployer up",
    (NOTHING, BARE): "terraform plan",
    (ROLLBACK, OURS): "deployer rollback",
    (ROLLBACK, BARE): "terraform apply of the older image",
    (CHANGE, OURS): "deployer up",
    (CHANGE, BARE): "bentoctl build, terraform apply",
}

Samples = Sequence[Mapping[str, Any]]


def goals(samples: Samples) -> list[Goal]:
    return [
        Goal("nothing changed: up, of terraform plan", _ratio(samples, NOTHING), 0.3),
        Goal("rollback, of terraform apply of the older image", _ratio(samples, ROLLBACK), 0.15),
        Goal("code changed: up, of bentoctl build and terraform apply", _ratio(samples, CHANGE), 1.15),
    ]


def medians(samples: Samples) -> dict[str, dict[str, float]]:
    """Seconds by step and side, where it was measured."""
    return {
        step: {
            side: found for side in SIDES if (found := median(list(_seconds(samples, step, side).values()))) is not None
        }
        for step in STEPS
    }


def figures(samples: Samples) -> str:
    """The medians as people read them."""
    found = medians(samples)
    rows = [
        (f"{step}: {COMMANDS[step, side]}", f"{seconds:.2f}") for step in STEPS for side, seconds in found[step].items()
    ]
    return table(("medians", "s"), rows)


def _ratio(samples: Samples, step: str) -> float | None:
    """Ours by the bare side's, of the rounds that have both."""
    ours, bare = _seconds(samples, step, OURS), _seconds(samples, step, BARE)
    both = [number for number in ours if number in bare]
    return median_ratio([ours[number] for number in both], [bare[number] for number in both])


def _seconds(samples: Samples, step: str, side: str) -> dict[int, float]:
    """By round."""
    return {
        sample["round"]: sample["seconds"] for sample in samples if (sample["step"], sample["side"]) == (step, side)
    }
