"""What CloudWatch has measured of each version behind the alias `live`. No boto3 here: `cloudwatch` is its client.

Lambda sends its metrics once a minute, a minute or more late, and by the version that ran only for an alias (its
developer guide, "Types of metrics for Lambda functions"). What is not there yet comes in a later answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from deployer.errors import DeployerError
from deployer.releases import LIVE

MINUTE = 60  # seconds
STATISTICS = {"Invocations": "Sum", "Errors": "Sum", "Throttles": "Sum", "Duration": "p95"}
_UNREADABLE = frozenset(
    {"InternalError", "Forbidden"}
)  # of StatusCode; after the last page PartialData is all there is

Minutes = Mapping[datetime, float]


@dataclass(frozen=True)
class VersionMetrics:
    """What one version did for `live`. Throttled requests are no invocations; errors are.

    `p95` is in milliseconds: the p95 of its median minute, each minute counted by its invocations, since percentiles
    of minutes cannot be added up, and the slow first requests of new environments fill the first minute only.
    """

    version: str
    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    p95: float | None = None


class ReleaseMetrics:
    """Raises DeployerError where AWS refuses (`cloudwatch:GetMetricData`) or cannot be reached."""

    def __init__(
        self,
        cloudwatch: Any,
        function: str,
        explained: Callable[[str], AbstractContextManager[None]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._cloudwatch, self._function, self._explained, self._now = cloudwatch, function, explained, now

    def of(self, versions: Sequence[str], *, seconds: float) -> tuple[VersionMetrics, ...]:
        """The metrics of the last seconds, in the order of `versions`.

        CloudWatch counts from the begin of the first minute on: what a version did for `live` earlier in it is in.
        """
        queries = [_query(self._function, version, metric) for version in versions for metric in STATISTICS]
        now = self._now()
        found = self._values(queries, start=now - timedelta(seconds=seconds), end=now + timedelta(seconds=MINUTE))
        return tuple(_metrics(version, found) for version in versions)

    def _values(self, queries: Sequence[Mapping[str, Any]], *, start: datetime, end: datetime) -> Mapping[str, Minutes]:
        """The values of each query's Id. A result may be spread over pages."""
        found: dict[str, dict[datetime, float]] = defaultdict(dict)
        pages = self._cloudwatch.get_paginator("get_metric_data")
        with self._explained(f"Reading the metrics of {self._function}"):
            for page in pages.paginate(MetricDataQueries=queries, StartTime=start, EndTime=end):
                for result in page["MetricDataResults"]:
                    self._require_read(result)
                    found[result["Id"]].update(zip(result["Timestamps"], result["Values"], strict=True))
        return found

    def _require_read(self, result: Mapping[str, Any]) -> None:
        if result.get("StatusCode") in _UNREADABLE:
            said = "; ".join(str(message.get("Value")) for message in result.get("Messages", ()))
            problem = f"Reading the metrics of {self._function}: CloudWatch answered {result['StatusCode']}. {said}"
            raise DeployerError(problem.strip(), hint="Run the command again later.")


def _query(function: str, version: str, metric: str) -> dict[str, Any]:
    dimensions = {"FunctionName": function, "Resource": f"{function}:{LIVE}", "ExecutedVersion": version}
    named = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    what = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": named}
    return {
        "Id": _id(version, metric),
        "MetricStat": {"Metric": what, "Period": MINUTE, "Stat": STATISTICS[metric]},
    }


def _id(version: str, metric: str) -> str:
    return f"{metric.lower()}_{version}"


def _metrics(version: str, found: Mapping[str, Minutes]) -> VersionMetrics:
    minutes = {metric: found.get(_id(version, metric), {}) for metric in STATISTICS}
    return VersionMetrics(
        version,
        invocations=_sum(minutes["Invocations"]),
        errors=_sum(minutes["Errors"]),
        throttles=_sum(minutes["Throttles"]),
        p95=_median_minute(minutes["Duration"], minutes["Invocations"]),
    )


def _sum(minutes: Minutes) -> int:
    return round(sum(minutes.values()))


def _median_minute(slow: Minutes, invocations: Minutes) -> float | None:
    """The value of the minute in which half of the invocations are reached; None without one."""
    minutes = sorted((value, invocations.get(minute, 1.0)) for minute, value in slow.items())
    half, reached = sum(weight for _, weight in minutes) / 2, 0.0
    for value, weight in minutes:
        reached += weight
        if reached >= half:
            return value
    return None
