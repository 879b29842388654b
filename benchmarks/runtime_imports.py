"""Where import time goes: what `python -X importtime` wrote, summed by package."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

LINE = re.compile(r"^import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)\s*$", re.MULTILINE)
OPTIONS = ("-X", "importtime")
STANDARD = "(standard library)"


def by_package(log: str, packages: frozenset[str]) -> dict[str, float]:
    """Milliseconds in each of the `packages` itself, the most first; everything else is the standard library's."""
    found: Counter[str] = Counter()
    for microseconds, module in LINE.findall(log):
        package = module.partition(".")[0]
        found[package if package in packages else STANDARD] += int(microseconds)
    return {package: round(spent / 1e3, 1) for package, spent in found.most_common()}


def above(ours: Mapping[str, float], floor: Mapping[str, float]) -> dict[str, float]:
    """What ours takes more, by package, the most first. Less than a millisecond is left out."""
    more = {name: round(spent - floor.get(name, 0.0), 1) for name, spent in ours.items()}
    return {name: spent for name, spent in sorted(more.items(), key=lambda item: -item[1]) if spent >= 1}


def packages_in(*folders: Path) -> frozenset[str]:
    """The names that can be imported from these folders."""
    return frozenset(path.name.partition(".")[0] for folder in folders for path in folder.iterdir())
