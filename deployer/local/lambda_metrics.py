"""Lambda's own metrics of each invocation: Invocations, Errors, Throttles and Duration in namespace `AWS/Lambda`.

What counts is said by Lambda's developer guide, "Types of metrics for Lambda functions": an error is what the caller
gets as a function error, time-outs and ended processes among them, and not a status that the function chose; what was
throttled, or could not be run at all, is no invocation; a data point bears the time of the invocation's begin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from deployer.local.functions import LATEST, FunctionVersion
from deployer.local.invocation import Answer, Invocation, Throttled
from deployer.local.metrics import Metric, Metrics

NAMESPACE = "AWS/Lambda"
UNITS = {"Invocations": "Count", "Errors": "Count", "Throttles": "Count", "Duration": "Milliseconds"}

Dimensions = frozenset[tuple[str, str]]


class Invoker(Protocol):
    """`data_plane.DataPlane`, or what stands around it."""

    def invoke(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool = False) -> Answer:
        """Run an invocation to its end. Raises Throttled or CannotRun; the function's own errors are in the answer."""
        ...


class Measured:
    """An Invoker that records the metrics of what it lets another one do. `clock` gives epoch seconds."""

    def __init__(self, invoker: Invoker, metrics: Metrics, *, clock: Callable[[], float]) -> None:
        self._invoker, self._metrics, self._clock = invoker, metrics, clock

    def invoke(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool = False) -> Answer:
        begun = self._clock()
        try:
            answer = self._invoker.invoke(version, invocation, want_log=want_log)
        except Throttled:
            self._record(version, invocation, {"Throttles": 1}, at=begun)
            raise
        failed = 1 if answer.error else 0
        values = {"Invocations": 1, "Errors": failed, "Throttles": 0, "Duration": answer.milliseconds}
        self._record(version, invocation, values, at=begun)
        return answer

    def _record(
        self, version: FunctionVersion, invocation: Invocation, values: Mapping[str, float], *, at: float
    ) -> None:
        for dimensions in dimension_sets(version, invocation.arn):
            for name, value in values.items():
                self._metrics.record(Metric(version.function.region, name, dimensions), value, at=at)


def dimension_sets(version: FunctionVersion, arn: str) -> Iterator[Dimensions]:
    """For all functions, for the function, for the ARN as it was invoked, and for an alias by the version that ran."""
    resource = arn.partition(":function:")[2]
    function, invoked = ("FunctionName", version.function.name), ("Resource", resource)
    yield frozenset()
    yield frozenset({function})
    yield frozenset({function, invoked})
    if _is_alias(resource.partition(":")[2]):
        yield frozenset({function, invoked, ("ExecutedVersion", version.version)})


def _is_alias(qualifier: str) -> bool:
    return bool(qualifier) and qualifier != LATEST and not qualifier.isdigit()
