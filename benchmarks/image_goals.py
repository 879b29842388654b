"""What the samples of benchmarks/image.py say: medians, and the goals, which are older than the code they judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.report import Goal, median, median_ratio, table

STEPS = ("first", "model", "code", "nothing")
OURS, UPSTREAM, GOOD = "docker-free", "upstream", "good"
SIDES = (OURS, UPSTREAM, GOOD)
FIGURES = ("build_s", "push_s", "total_s", "pushed", "stored", "peak_mb", "image_size")

Samples = Sequence[Mapping[str, Any]]


def goals(samples: Samples, apart: Mapping[str, Any]) -> list[Goal]:
    large = apart.get("large_model") or {}
    peaks = [large[key] for key in ("build_peak_mb", "push_peak_mb") if large.get(key) is not None]
    return [
        Goal("first build and push, of upstream's steps", _seconds(samples, "first", UPSTREAM), 0.2),
        Goal("first build and push, of a good Dockerfile", _seconds(samples, "first", GOOD), 0.6),
        Goal("model changed, of upstream's steps", _seconds(samples, "model", UPSTREAM), 0.02),
        Goal("code changed, of upstream's steps", _seconds(samples, "code", UPSTREAM), 0.02),
        Goal("model changed, bytes pushed of what changed", _pushed(samples, "model"), 1.1),
        Goal("code changed, bytes pushed of what changed", _pushed(samples, "code"), 1.1),
        Goal("image size, of upstream's steps", _size(samples), 0.8),
        Goal("peak memory with a large model", max(peaks) if len(peaks) == 2 else None, 200.0, unit="MB"),
    ]


def medians(samples: Samples) -> dict[str, dict[str, dict[str, float]]]:
    """By side and step: the median of each figure that was measured."""
    return {
        side: {
            step: {
                figure: found
                for figure in FIGURES
                if (found := median(_column(samples, side, step, figure))) is not None
            }
            for step in STEPS
        }
        for side in SIDES
        if any(sample["side"] == side for sample in samples)
    }


def figures(samples: Samples) -> str:
    """The medians as people read them."""
    rows = []
    for side, steps in medians(samples).items():
        for step, found in steps.items():
            size = f"{found['image_size'] / 1e6:.0f}" if "image_size" in found else ""
            peak = f"{found['peak_mb']:.0f}" if "peak_mb" in found else ""
            seconds = [f"{found[figure]:.2f}" for figure in ("build_s", "push_s", "total_s")]
            rows.append((f"{side}, {step}", *seconds, f"{found['pushed'] / 1e6:.3f}", peak, size))
    return table(("medians", "build s", "push s", "both s", "pushed MB", "peak MB", "image MB"), rows)


def _seconds(samples: Samples, step: str, other: str) -> float | None:
    theirs = _column(samples, other, step, "total_s")
    return median_ratio(_column(samples, OURS, step, "total_s"), theirs) if theirs else None


def _pushed(samples: Samples, step: str) -> float | None:
    pushed, changed = _column(samples, OURS, step, "pushed"), _column(samples, OURS, step, "changed")
    return median_ratio(pushed, changed)


def _size(samples: Samples) -> float | None:
    ours, theirs = (_column(samples, side, STEPS[-1], "image_size") for side in (OURS, UPSTREAM))
    return median_ratio(ours, theirs)


def _column(samples: Samples, side: str, step: str, figure: str) -> list[float]:
    """One figure of every round in which it was measured."""
    asked = [sample for sample in samples if (sample["side"], sample["step"]) == (side, step)]
    return [sample[figure] for sample in asked if sample.get(figure) is not None]
