"""What the samples of benchmarks/runtime.py say: medians, and the goals, which are older than the code they judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import Goal, median, median_ratio, table
from benchmarks.runtime_sides import FLOOR, OURS, SIDES, UPSTREAM

MODES = ("process", "docker")
FIGURES = ("cold_s", "init_s", "first_ms", "p50_ms", "p95_ms", "p99_ms", "rps_1", "rps_4", "peak_mb", "pss_mb")
HEAD = ("cold s", "init s", "first ms", "p50 ms", "p95 ms", "p99 ms", "1/s", "1/s of 4", "peak MB", "PSS MB")
STRETCH = 1.15

Samples = Sequence[Mapping[str, Any]]


def goals(samples: Samples) -> list[Goal]:
    """Of each mode that ran."""
    found: list[Goal] = []
    for mode in _modes(samples):
        found += [
            Goal(f"{mode}: cold start, of the floor's", _ratio(samples, mode, "cold_s", FLOOR), 1.3),
            Goal(f"{mode}: cold start, of upstream's", _ratio(samples, mode, "cold_s", UPSTREAM), 0.8),
            Goal(f"{mode}: warm median, of upstream's", _ratio(samples, mode, "p50_ms", UPSTREAM), 0.35),
            Goal(f"{mode}: peak memory, of upstream's", _ratio(samples, mode, "peak_mb", UPSTREAM), 1.0),
        ]
    return found


def stretch(samples: Samples) -> list[Goal]:
    """Reported, and not asked for."""
    modes = _modes(samples)
    return [
        Goal(f"{mode}: cold start, of the floor's", _ratio(samples, mode, "cold_s", FLOOR), STRETCH) for mode in modes
    ]


def ratios(samples: Samples) -> dict[str, dict[str, dict[str, float]]]:
    """By mode, other side and figure: the median of ours by theirs in each round."""
    others = [side for side in SIDES if side != OURS]
    return {
        mode: {
            other: {figure: round(found, 4) for figure in FIGURES if (found := _ratio(samples, mode, figure, other))}
            for other in others
        }
        for mode in _modes(samples)
    }


def medians(samples: Samples) -> dict[str, dict[str, dict[str, float]]]:
    """By mode and side: the median of each figure that was measured."""
    return {
        mode: {
            side: {
                figure: found
                for figure in FIGURES
                if (found := median(list(_column(samples, mode, side, figure).values()))) is not None
            }
            for side in SIDES
        }
        for mode in _modes(samples)
    }


def figures(samples: Samples) -> str:
    """The medians as people read them."""
    rows = [
        (f"{mode}, {side}", *(f"{found[figure]:.4g}" if figure in found else "" for figure in FIGURES))
        for mode, sides in medians(samples).items()
        for side, found in sides.items()
    ]
    return table(("medians", *HEAD), rows)


def _modes(samples: Samples) -> list[str]:
    return [mode for mode in MODES if any(sample["mode"] == mode for sample in samples)]


def _ratio(samples: Samples, mode: str, figure: str, other: str) -> float | None:
    """Ours by the other's, of the rounds that have both."""
    ours, theirs = _column(samples, mode, OURS, figure), _column(samples, mode, other, figure)
    both = [number for number in ours if number in theirs]
    return median_ratio([ours[number] for number in both], [theirs[number] for number in both])


def _column(samples: Samples, mode: str, side: str, figure: str) -> dict[int, float]:
    """One figure by round, where it was measured."""
    asked = [sample for sample in samples if (sample["mode"], sample["side"]) == (mode, side)]
    return {sample["round"]: sample[figure] for sample in asked if sample.get(figure) is not None}
