"""The values of one metric within a time, and CloudWatch's statistics of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

PERCENTILE = re.compile(r"p(?P<percent>\d{1,2}(?:\.\d{1,10})?|100)")
DIGITS = 3  # significant ones, of the values that percentiles are made from: an error of at most 0.5 %


class NoSuchStatistic(Exception):
    """CloudWatch has no statistic of that name, or the local AWS does not know it."""


@dataclass
class StatisticSet:
    """Count, sum and extremes are exact. `values` are rounded, so that any number of them takes little room."""

    count: int = 0
    sum: float = 0.0
    minimum: float = math.inf
    maximum: float = -math.inf
    values: Counter[float] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        self.count += 1
        self.sum += value
        self.minimum, self.maximum = min(self.minimum, value), max(self.maximum, value)
        self.values[float(f"{value:.{DIGITS}g}")] += 1

    def percentile(self, percent: float) -> float:
        """The smallest value that at least so many percent of all are not above (nearest rank)."""
        rank = max(1, math.ceil(self.count * percent / 100))
        for value in sorted(self.values):
            rank -= self.values[value]
            if rank <= 0:
                return min(max(value, self.minimum), self.maximum)
        return self.maximum


SIMPLE: Mapping[str, Callable[[StatisticSet], float]] = {
    "SampleCount": lambda values: float(values.count),
    "Sum": lambda values: values.sum,
    "Average": lambda values: values.sum / values.count,
    "Minimum": lambda values: values.minimum,
    "Maximum": lambda values: values.maximum,
}


def statistic(name: str) -> Callable[[StatisticSet], float]:
    """How to compute `Sum`, `Average`, `Minimum`, `Maximum`, `SampleCount` or `p95` of a set that is not empty."""
    match = PERCENTILE.fullmatch(name)
    if match:
        percent = float(match["percent"])
        return lambda values: values.percentile(percent)
    if name not in SIMPLE:
        raise NoSuchStatistic(name)
    return SIMPLE[name]


def together(sets: Iterable[StatisticSet]) -> StatisticSet:
    """The set of all their values."""
    whole = StatisticSet()
    for part in sets:
        whole.count += part.count
        whole.sum += part.sum
        whole.minimum, whole.maximum = min(whole.minimum, part.minimum), max(whole.maximum, part.maximum)
        whole.values.update(part.values)
    return whole
