"""Whether a new version does worse than the one that it is to replace, by what both did in the same time. Pure.

A version is put back
- whose errors (what Lambda counts as such: exceptions, time-outs, ended processes) or throttled requests are at least
  LEAST_FAILURES, more than LEAST_SHARE of its requests, and more than TIMES the old version's share;
- whose p95 is more than TIMES the old version's and more than SLOWER_BY above it, both over LEAST_INVOCATIONS or more.

One failed request in a quiet hour is no trend; what ails the old version too is not the new one's fault; and among few
invocations are many first ones of their environments, which are slow in any version.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deployer.tools.aws_metrics import VersionMetrics

LEAST_FAILURES = 3
LEAST_SHARE = 0.01
TIMES = 2
LEAST_INVOCATIONS = 50
SLOWER_BY = 100.0  # milliseconds


@dataclass(frozen=True)
class _Failures:
    """So many of so many requests of a version. The parts of a minute may come late: `of` may be too small."""

    version: str
    count: int
    of: int

    @property
    def share(self) -> float:
        return self.count / max(self.of, self.count, 1)

    def __str__(self) -> str:
        return f"{self.count} of the {max(self.of, self.count)} requests to version {self.version}"


def problems(old: VersionMetrics, new: VersionMetrics) -> tuple[str, ...]:
    """Why the new version must not have traffic, a clause each; empty where nothing speaks against it."""
    found = (
        _more("ended in an error", _errors(old), _errors(new)),
        _more("were throttled", _throttles(old), _throttles(new)),
        _slower(old, new),
    )
    return tuple(filter(None, found))


def summary(metrics: VersionMetrics) -> str:
    """What was measured of a version, in a line."""
    slow = "" if metrics.p95 is None else f", p95 {metrics.p95:.0f} ms"
    throttled = f", {metrics.throttles} throttled" if metrics.throttles else ""
    counted = "1 invocation" if metrics.invocations == 1 else f"{metrics.invocations} invocations"
    failed = "1 error" if metrics.errors == 1 else f"{metrics.errors} errors"
    return f"version {metrics.version}: {counted}, {failed}{throttled}{slow}"


def _errors(metrics: VersionMetrics) -> _Failures:
    return _Failures(metrics.version, metrics.errors, metrics.invocations)


def _throttles(metrics: VersionMetrics) -> _Failures:
    return _Failures(metrics.version, metrics.throttles, metrics.invocations + metrics.throttles)


def _more(what: str, old: _Failures, new: _Failures) -> str:
    if new.count < LEAST_FAILURES or new.share <= max(LEAST_SHARE, TIMES * old.share):
        return ""
    return f"{new} {what} (version {old.version}: {old.count} of {max(old.of, old.count)})"


def _slower(old: VersionMetrics, new: VersionMetrics) -> str:
    if old.p95 is None or new.p95 is None or min(old.invocations, new.invocations) < LEAST_INVOCATIONS:
        return ""
    if new.p95 <= max(TIMES * old.p95, old.p95 + SLOWER_BY):
        return ""
    return f"version {new.version} takes {new.p95:.0f} ms at p95 (version {old.version}: {old.p95:.0f} ms)"
