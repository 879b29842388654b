"""Metrics of the local Lambda: what is recorded of an invocation, how long it is kept, and its statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from local_aws import ACCOUNT, REGION

from deployer.local.functions import LATEST, FunctionName, FunctionVersion
from deployer.local.invocation import UNHANDLED, Answer, CannotRun, Invocation, Throttled
from deployer.local.lambda_metrics import Measured, dimension_sets
from deployer.local.metrics import RETENTION_SECONDS, Metric, Metrics
from deployer.local.statistic_set import NoSuchStatistic, StatisticSet, statistic, together

DIGITS = FunctionName(ACCOUNT, REGION, "digits")
FIRST = FunctionVersion(DIGITS, "1", "sha256:0", timeout=5, memory_size=128, ephemeral_storage=512)
NOON = 1_800_000_000  # a whole minute
FUNCTION = ("FunctionName", "digits")
LIVE = ("Resource", "digits:live")


def values(*given: float) -> StatisticSet:
    made = StatisticSet()
    for value in given:
        made.add(value)
    return made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("Sum", 5050), ("Average", 50.5), ("Minimum", 1), ("Maximum", 100), ("SampleCount", 100)),
        *(("p50", 50), ("p95", 95), ("p99.9", 100), ("p0", 1), ("p100", 100)),
    ],
)
def test_a_statistic_is_what_cloudwatch_calls_so(name: str, expected: float) -> None:
    """Of one to a hundred, in any order."""
    assert expected == statistic(name)(values(*range(100, 0, -1)))


@pytest.mark.parametrize("name", ["", "sum", "p", "p101", "p-1", "tm90", "p9x", "IQM"])
def test_an_unknown_statistic_is_an_error(name: str) -> None:
    """None is guessed."""
    with pytest.raises(NoSuchStatistic):
        statistic(name)


def test_a_percentile_is_near_and_never_outside() -> None:
    """Values are rounded to three digits, the extremes are exact."""
    many = values(*(1000.04 + number / 7 for number in range(7000)))
    assert many.percentile(50) == pytest.approx(1500, rel=0.005)
    assert (1999.897, 1000.04) == (round(many.percentile(100), 3), many.percentile(0))


def test_any_number_of_values_takes_little_room() -> None:
    """What is kept for percentiles does not grow with the number of invocations."""
    assert len(values(*(number / 100 for number in range(1, 100_000))).values) < 4000


def test_sets_together_are_the_set_of_all() -> None:
    """Periods of several minutes are made so."""
    assert values(1, 2, 3, 10) == together([values(1, 10), StatisticSet(), values(2, 3)])


def test_minutes_are_told_apart_and_forgotten_in_time() -> None:
    """The end is not included, and the newest minute decides what is old."""
    metrics, metric = Metrics(), Metric(REGION, "Invocations", frozenset())
    for at in (NOON, NOON + 59.9, NOON + 60):
        metrics.record(metric, 1, at=at)
    assert [(NOON, 2), (NOON + 60, 1)] == [(at, found.count) for at, found in metrics.between(metric, NOON, NOON + 61)]
    assert [NOON] == [at for at, _ in metrics.between(metric, NOON, NOON + 60)]
    metrics.record(metric, 1, at=NOON + RETENTION_SECONDS)
    metrics.record(metric, 1, at=NOON)  # as late as that
    remaining = [at for at, _ in metrics.between(metric, 0, NOON * 2)]
    assert [NOON + 60, NOON + RETENTION_SECONDS] == remaining


def test_what_was_asked_for_does_not_change_afterwards() -> None:
    """An invocation that ends meanwhile is in the next answer."""
    metrics, metric = Metrics(), Metric(REGION, "Invocations", frozenset())
    metrics.record(metric, 1, at=NOON)
    before = metrics.between(metric, NOON, NOON + 60)
    metrics.record(metric, 1, at=NOON)
    assert ([1], [2]) == (
        [found.count for _, found in before],
        [found.count for _, found in metrics.between(metric, NOON, NOON + 60)],
    )


@pytest.mark.parametrize(
    ("qualifier", "expected"),
    [
        ("", [set(), {FUNCTION}, {FUNCTION, ("Resource", "digits")}]),
        ("1", [set(), {FUNCTION}, {FUNCTION, ("Resource", "digits:1")}]),
        (LATEST, [set(), {FUNCTION}, {FUNCTION, ("Resource", f"digits:{LATEST}")}]),
        ("live", [set(), {FUNCTION}, {FUNCTION, LIVE}, {FUNCTION, LIVE, ("ExecutedVersion", "1")}]),
    ],
)
def test_the_executed_version_is_told_for_aliases_only(qualifier: str, expected: list[set[tuple[str, str]]]) -> None:
    """The dimension sets of Lambda's developer guide."""
    arn = f"{DIGITS.arn}:{qualifier}" if qualifier else DIGITS.arn
    assert expected == [set(found) for found in dimension_sets(FIRST, arn)]


@dataclass
class Played:
    """An Invoker that does as the test says, while its clock goes on by a minute and a half."""

    outcome: Callable[[Invocation], Answer]
    now: float = NOON

    def clock(self) -> float:
        return self.now

    def invoke(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool = False) -> Answer:
        self.now += 90
        return self.outcome(invocation)


def answered(error: str = "") -> Callable[[Invocation], Answer]:
    return lambda invocation: Answer(b'{"statusCode": 503}', "1", invocation.request_id, error, milliseconds=40.5)


def raising(problem: Exception) -> Callable[[Invocation], Answer]:
    def outcome(invocation: Invocation) -> Answer:
        raise problem

    return outcome


def recorded(*outcomes: Callable[[Invocation], Answer]) -> dict[str, tuple[int, float]]:
    """Count and sum of each metric that there is in the minute in which all invocations began."""
    metrics = Metrics()
    for outcome in outcomes:
        played = Played(outcome)
        invocation = Invocation(b"{}", f"{DIGITS.arn}:live")
        try:
            Measured(played, metrics, clock=played.clock).invoke(FIRST, invocation)
        except (Throttled, CannotRun):
            continue
    found = {}
    for name in ("Invocations", "Errors", "Throttles", "Duration"):
        series = Metric(REGION, name, frozenset({FUNCTION, LIVE, ("ExecutedVersion", "1")}))
        for _, kept in metrics.between(series, NOON, NOON + 60):
            found[name] = (kept.count, kept.sum)
    return found


def test_an_invocation_counts_where_it_began() -> None:
    """A status that the function chose is no error; a metric that could be more is there as 0."""
    assert {"Invocations": (1, 1), "Errors": (1, 0), "Throttles": (1, 0), "Duration": (1, 40.5)} == recorded(answered())


def test_an_error_of_the_function_is_an_invocation_and_an_error() -> None:
    """Their quotient is the error rate."""
    both = recorded(answered(UNHANDLED), answered())
    assert {"Invocations": (2, 2), "Errors": (2, 1), "Throttles": (2, 0), "Duration": (2, 81)} == both


def test_what_was_throttled_is_no_invocation() -> None:
    """Nor an error."""
    assert {"Throttles": (1, 1)} == recorded(raising(Throttled()))


def test_what_this_machine_cannot_run_is_no_invocation() -> None:
    """Lambda's own failures (5xx of Invoke) are in none of these metrics."""
    assert {} == recorded(raising(CannotRun("no such interpreter")))


def test_the_caller_gets_what_it_would_have_got() -> None:
    """The answer, and the exceptions."""
    invocation = Invocation(b"{}", DIGITS.arn)
    played = Played(answered())
    assert answered()(invocation) == Measured(played, Metrics(), clock=played.clock).invoke(FIRST, invocation)
    played.outcome = raising(Throttled())
    with pytest.raises(Throttled):
        Measured(played, Metrics(), clock=played.clock).invoke(FIRST, invocation)


def test_regions_are_told_apart() -> None:
    """The same function's name in another region is another metric."""
    metrics, played = Metrics(), Played(answered())
    elsewhere = replace(FIRST, function=replace(DIGITS, region="eu-west-1"))
    Measured(played, metrics, clock=played.clock).invoke(elsewhere, Invocation(b"{}", elsewhere.function.arn))
    found = [metrics.between(Metric(region, "Errors", frozenset()), 0, NOON * 2) for region in (REGION, "eu-west-1")]
    assert [0, 1] == [len(minutes) for minutes in found]
