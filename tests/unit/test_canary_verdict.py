"""When a new version does worse than the old one, by the metrics of both."""

from __future__ import annotations

import pytest

from deployer.stages.canary_verdict import problems, summary
from deployer.tools.aws_metrics import VersionMetrics


def old(invocations: int = 270, **more: float | None) -> VersionMetrics:
    return VersionMetrics("6", invocations, **more)  # type: ignore[arg-type]


def new(invocations: int = 30, **more: float | None) -> VersionMetrics:
    return VersionMetrics("7", invocations, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (old(), new(errors=3), "3 of the 30 requests to version 7 ended in an error (version 6: 0 of 270)"),
        (old(0), new(3, errors=3), "3 of the 3 requests to version 7 ended in an error (version 6: 0 of 0)"),
        (old(100, errors=5), new(100, errors=11), "11 of the 100 requests to version 7 ended in an error"),
        (old(), new(0, errors=3), "3 of the 3 requests to version 7 ended in an error"),  # counted, but not yet as run
        (old(), new(27, throttles=3), "3 of the 30 requests to version 7 were throttled (version 6: 0 of 270)"),
        (old(p95=100.0), new(50, p95=201.0), "version 7 takes 201 ms at p95 (version 6: 100 ms)"),
        (old(p95=10.0), new(50, p95=111.0), "version 7 takes 111 ms at p95 (version 6: 10 ms)"),
    ],
)
def test_what_speaks_against_a_version(before: VersionMetrics, after: VersionMetrics, said: str) -> None:
    """The figures of both are said."""
    (problem,) = problems(before, after)
    assert said in problem


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (old(), new()),
        (old(0), new(0)),
        (old(), new(2, errors=2)),  # too few to be a trend
        (old(), new(300, errors=3)),  # one in a hundred
        (old(100, errors=5), new(100, errors=10)),  # the old version ails as well
        (old(100, throttles=50), new(10, throttles=6)),  # the whole function is throttled
        (old(p95=100.0), new(50, p95=200.0)),
        (old(p95=10.0), new(50, p95=110.0)),  # ten times nothing
        (old(p95=100.0), new(49, p95=900.0)),  # first requests of their environments
        (old(49, p95=100.0), new(50, p95=900.0)),
        (old(0), new(500, p95=900.0)),  # nothing to compare with
    ],
)
def test_what_does_not(before: VersionMetrics, after: VersionMetrics) -> None:
    """Each is next to a limit of the case above."""
    assert () == problems(before, after)


def test_every_problem_is_said() -> None:
    """A version may fail, be throttled and be slow at once."""
    assert 3 == len(problems(old(p95=10.0), new(100, errors=50, throttles=50, p95=1000.0)))


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        (new(31, p95=120.4), "version 7: 31 invocations, 0 errors, p95 120 ms"),
        (new(1, errors=1), "version 7: 1 invocation, 1 error"),
        (new(0, throttles=4), "version 7: 0 invocations, 0 errors, 4 throttled"),
    ],
)
def test_what_was_measured_is_one_line(metrics: VersionMetrics, said: str) -> None:
    """Without what is not there."""
    assert said == summary(metrics)
