"""What every benchmark shares: facts of the machine, medians of ratios, goals, `results/NAME.json` and its table.

A goal is "at most": a value above it is missed and said to be. A value that could not be measured is neither.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deployer.files import replace_file

RESULTS = Path(__file__).parent / "results"
GOAL_KEYS = ("name", "value", "goal", "met")
KEYS = ("name", "when", "machine", "samples", "goals")
WORDS = {True: "met", False: "MISSED", None: "not measured"}


@dataclass(frozen=True)
class Goal:
    """`value` is to be at most `goal`, both in `unit` (`x` for a ratio); None where it could not be measured."""

    name: str
    value: float | None
    goal: float
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        """Judged by the value as it is written, not by the three digits that are shown."""
        return _judged(_written(self.value), self.goal)

    def document(self) -> dict[str, Any]:
        return {"name": self.name, "value": _written(self.value), "goal": self.goal, "met": self.met, "unit": self.unit}


@dataclass(frozen=True)
class Report:
    """`samples` are all that was measured, one mapping each. `medians` and `apart` (what the goals leave out) are free
    in shape; `notes` are sentences about what this run could not do or did otherwise."""

    name: str
    samples: Sequence[Mapping[str, Any]]
    goals: Sequence[Goal]
    settings: Mapping[str, Any] = field(default_factory=dict)
    medians: Mapping[str, Any] = field(default_factory=dict)
    apart: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def document(self, machine: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": self.name,
            "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": dict(machine),
            "settings": dict(self.settings),
            "samples": [dict(sample) for sample in self.samples],
            "medians": dict(self.medians),
            "apart": dict(self.apart),
            "notes": list(self.notes),
            "goals": [goal.document() for goal in self.goals],
        }

    def write(self, machine: Mapping[str, Any], *, folder: Path = RESULTS) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        replace_file(path, json.dumps(self.document(machine), indent=1, ensure_ascii=False) + "\n")
        return path


def machine_facts(**more: str | None) -> dict[str, Any]:
    """What a reader needs to judge the figures, and nothing that tells whose machine it is."""
    load = os.getloadavg()
    return {
        "system": f"{platform.system()} {re.match('[0-9.]*', platform.release())[0]}",  # type: ignore[index]
        "processor": _field(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load_before": round(load[0], 2),
        "python": platform.python_version(),
        **more,
    }


def median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    """The median of the ratios of each round: what slows a whole round down slows both sides of its ratio."""
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} samples cannot be compared with {len(theirs)}")
    return median([one / other for one, other in zip(ours, theirs, strict=True)])


def median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def goal_table(goals: Sequence[Goal]) -> str:
    rows = [
        (goal.name, _shown(goal.value, goal.unit), f"≤ {_shown(goal.goal, goal.unit)}", WORDS[goal.met])
        for goal in goals
    ]
    return table(("goal", "value", "at most", ""), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell; the first is left-aligned, figures are right-aligned."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = []
    for row in (head, *rows):
        first, *others = (
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join((first, *others)).rstrip())
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def shape_problems(document: Mapping[str, Any]) -> list[str]:
    """What a results file lacks of the agreed shape, in words; empty when it is as agreed."""
    problems = [f"no key {key}" for key in KEYS if key not in document]
    for goal in document.get("goals", []):
        problems += [f"a goal without {key}" for key in GOAL_KEYS if key not in goal]
        if not problems and goal["met"] is not _judged(goal["value"], goal["goal"]):
            problems.append(f"{goal['name']}: {goal['value']} against {goal['goal']} is not {WORDS[goal['met']]}")
    return problems


def _judged(value: float | None, goal: float) -> bool | None:
    return None if value is None else value <= goal


def _shown(value: float | None, unit: str) -> str:
    """Three digits: more are noise."""
    return "-" if value is None else f"{value:.3g} {unit}" if value < 1000 else f"{value:.0f} {unit}"


def _written(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def _field(path: Path, name: str) -> str:
    try:
        found = re.search(rf"^{name}\s*:\s*(.+)$", path.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return ""
    return found[1].strip() if found else ""
