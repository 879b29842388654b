"""A canary: the new version gets more and more of `live`'s traffic, as long as nothing speaks against it.

In each step its smoke test is repeated and Lambda's metrics of both versions are read and compared, every EVERY
seconds, and twice at least. `canary_verdict` says what counts against a version. Metrics are those since the canary's
begin, so that what CloudWatch tells a minute or more late counts in the next step; the last minutes of the last step
are the smoke test's alone. The smoke test goes to the candidate's own URL and is in no metric of `live`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from deployer.clock import Clock
from deployer.errors import DeployerError, Interrupted, Unhealthy
from deployer.models import SmokeReport
from deployer.releases import Alias
from deployer.stages.canary_steps import CanaryStep, duration, parse_steps, percent
from deployer.stages.canary_traffic import MovedElsewhere, Releases, Traffic
from deployer.stages.canary_verdict import problems, summary

if TYPE_CHECKING:
    from deployer.tools.aws_metrics import VersionMetrics

# Seconds. CloudWatch has something new once a minute; the smoke test sees at once what fails, and it is an invocation
# that somebody pays for.
EVERY = 15.0

Say = Callable[[str], None]


class Metrics(Protocol):
    """`tools.aws_metrics.ReleaseMetrics`."""

    def of(self, versions: Sequence[str], *, seconds: float) -> tuple[VersionMetrics, ...]: ...


class CanaryFailed(Unhealthy):
    """The new version did worse, and has no traffic any more. `report` is the smoke test's, where that failed."""

    def __init__(self, message: str, *, report: SmokeReport | None) -> None:
        super().__init__(message, hint="See the function's log for the cause, correct it and run `deployer up` again.")
        self.report = report


@dataclass(frozen=True)
class Doors:
    """What a canary watches and moves. `smoke_test` asks the candidate; `say` gets lines to keep, `update` the rest."""

    releases: Releases
    metrics: Metrics
    smoke_test: Callable[[], SmokeReport]
    clock: Clock
    say: Say
    update: Say = lambda line: None


class _Trouble(Exception):
    """What speaks against the new version."""

    def __init__(self, why: str, report: SmokeReport | None = None) -> None:
        super().__init__(why)
        self.why, self.report = why, report


def shift(
    live: Alias,
    candidate: str,
    steps: Sequence[CanaryStep],
    doors: Doors,
    *,
    promote: Callable[[Alias], Alias] = lambda alias: alias,
) -> Alias:
    """Go through the steps, then `promote` the alias that they leave: one move, of `live` to `candidate` alone.

    However it ends otherwise, in `promote` too and at Ctrl-C, `live` is put back to the version that it pointed at,
    without weights, unless somebody else moved it: then nothing is touched. Raises CanaryFailed, MovedElsewhere (an
    AliasMoved), whatever a door raised, and DeployerError where `live` could not be put back.
    """
    canary = _Canary(live.version, candidate, doors, began=doors.clock.now())
    canary.measure()  # who cannot read metrics is told so before anybody gets the new version
    traffic = Traffic(live, candidate, doors.releases)
    try:
        for step in steps:
            doors.say(f"Version {candidate} gets {percent(step.weight)} of the requests for {duration(step.seconds)}")
            traffic.share(step.weight)
            canary.watch(step, traffic)
        traffic.check()
        return promote(traffic.alias)
    except MovedElsewhere:
        raise
    except BaseException as error:
        _end(error, traffic, candidate, doors)


class _Canary:
    """Both versions, and since when they are compared."""

    def __init__(self, live: str, candidate: str, doors: Doors, *, began: float) -> None:
        self._live, self._candidate, self._doors, self._began = live, candidate, doors, began

    def measure(self) -> tuple[VersionMetrics, VersionMetrics]:
        """The old version's metrics and the new one's."""
        seconds = self._doors.clock.now() - self._began
        old, new = self._doors.metrics.of((self._live, self._candidate), seconds=seconds)
        return old, new

    def watch(self, step: CanaryStep, traffic: Traffic) -> None:
        """Until the step's time is over. Raises _Trouble and MovedElsewhere."""
        clock, pause, probes = self._doors.clock, _pause(step), 0
        end = clock.now() + step.seconds
        while probes < 2 or clock.now() < end:
            clock.sleep(max(min(pause, end - clock.now()), 0.0))
            old, new = self._probe(traffic)
            probes += 1
            left = max(end - clock.now(), 0.0)
            self._doors.update(f"{percent(step.weight)}, {left:.0f} s left; {summary(new)}")
        self._doors.say(f"Version {self._candidate} holds at {percent(step.weight)}: {_compared(old, new)}")

    def _probe(self, traffic: Traffic) -> tuple[VersionMetrics, VersionMetrics]:
        traffic.check()
        old, new = self.measure()
        if found := problems(old, new):
            raise _Trouble("; ".join(found))
        report = self._doors.smoke_test()
        if not report.healthy:
            raise _Trouble(f"its smoke test failed: {report.failures}", report)
        return old, new


def _pause(step: CanaryStep) -> float:
    return min(EVERY, step.seconds / 2)


def _compared(old: VersionMetrics, new: VersionMetrics) -> str:
    if new.invocations:
        return f"{summary(new)}; {summary(old)}"
    return "no request to it is measured yet, its smoke tests alone decide"


def _end(error: BaseException, traffic: Traffic, candidate: str, doors: Doors) -> NoReturn:
    """Put live back, and tell both what went wrong and what answers now."""
    live = traffic.alias.version
    try:
        traffic.put_back(doors.clock)
        now = f"Version {live} alone answers again."
    except MovedElsewhere as moved:
        now = moved.message
    except BaseException as failure:
        raise _stuck(error, failure, live=live, candidate=candidate) from error
    if isinstance(error, _Trouble):
        raise CanaryFailed(f"{_why(error, candidate)} {now}", report=error.report) from None
    with suppress(OSError):  # a terminal that is gone
        doors.say(now)
    raise error


def _stuck(error: BaseException, failure: BaseException, *, live: str, candidate: str) -> DeployerError:
    """live could not be put back; with the exit code of the error before."""
    kind = {_Trouble: Unhealthy, KeyboardInterrupt: Interrupted}.get(type(error), DeployerError)
    return kind(
        f"{_why(error, candidate)} And live could not be put back: version {candidate} may still get a share of the"
        f" requests. {_why(failure, candidate)}",
        hint=f"Get new credentials first where these have run out: `deployer rollback --to {live}` then gives all"
        f" requests to version {live}.",
    )


def _why(error: BaseException, candidate: str) -> str:
    if isinstance(error, _Trouble):
        return f"Version {candidate} is not good enough: {error.why}."
    if isinstance(error, KeyboardInterrupt):
        return "Interrupted."
    return error.message if isinstance(error, DeployerError) else f"{type(error).__name__}: {error}."


__all__ = ["CanaryFailed", "CanaryStep", "Doors", "Metrics", "MovedElsewhere", "parse_steps", "shift"]
