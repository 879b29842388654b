"""Metric data as CloudWatch keeps it: a statistic set for each metric and minute, of the last hours, in memory."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass

from deployer.local.statistic_set import StatisticSet, together

MINUTE = 60
RETENTION_SECONDS = 3 * 60 * MINUTE


@dataclass(frozen=True)
class Metric:
    """A metric of namespace `AWS/Lambda`: its name with exactly these dimensions is one series of its own."""

    region: str
    name: str
    dimensions: frozenset[tuple[str, str]]


class Metrics:
    """Safe for many threads. Times are epoch seconds; RETENTION_SECONDS before the newest minute all is forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minutes: dict[int, dict[Metric, StatisticSet]] = {}

    def record(self, metric: Metric, value: float, *, at: float) -> None:
        minute = int(at) // MINUTE * MINUTE
        with self._lock:
            if minute not in self._minutes:
                self._minutes[minute] = defaultdict(StatisticSet)
                self._forget()
            if minute in self._minutes:
                self._minutes[minute][metric].add(value)

    def between(self, metric: Metric, start: float, end: float) -> list[tuple[int, StatisticSet]]:
        """What was recorded in each minute that begins at or after `start` and before `end`, in order."""
        with self._lock:
            return [
                (minute, together([recorded[metric]]))
                for minute, recorded in sorted(self._minutes.items())
                if start <= minute < end and metric in recorded
            ]

    def _forget(self) -> None:
        oldest = max(self._minutes) - RETENTION_SECONDS
        for minute in [minute for minute in self._minutes if minute <= oldest]:
            del self._minutes[minute]
