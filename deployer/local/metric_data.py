"""GetMetricData over the metrics of `AWS/Lambda`: queries in, results out. No HTTP here.

The rules are those of CloudWatch's API reference (GetMetricData, MetricDataQuery, MetricStat), for metrics that come
once a minute. Metric math, searches and pages are left out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from deployer.local.lambda_metrics import UNITS
from deployer.local.metrics import MINUTE, Metric, Metrics
from deployer.local.statistic_set import NoSuchStatistic, StatisticSet, statistic, together

ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
QUERIES = 500  # in one request
ASCENDING = "TimestampAscending"


class InvalidQuery(Exception):
    """The text says what is wrong with the request; CloudWatch answers a ValidationError."""


def metric_data(asked: Mapping[str, Any], metrics: Metrics, *, region: str) -> dict[str, Any]:
    """The answer to a request whose times are aware, or naive in UTC. Raises InvalidQuery.

    A result has a data point for each period in which there was something; its time is the period's begin, a multiple
    of the period. `StartTime` counts from its minute on, `EndTime` is not included.
    """
    queries = asked.get("MetricDataQueries") or ()
    start, end = _epoch(asked, "StartTime") // MINUTE * MINUTE, _epoch(asked, "EndTime")
    if not start < end:
        raise InvalidQuery("The parameter StartTime must be less than the parameter EndTime.")
    if not 0 < len(queries) <= QUERIES:
        raise InvalidQuery(f"The parameter MetricDataQueries must hold 1 to {QUERIES} queries.")
    _require_ids([str(query.get("Id", "")) for query in queries])
    ascending = asked.get("ScanBy") == ASCENDING
    results = [_result(query, metrics, region=region, start=start, end=end, ascending=ascending) for query in queries]
    return {"MetricDataResults": [found for query, found in zip(queries, results, strict=True) if _returned(query)]}


def _result(
    query: Mapping[str, Any], metrics: Metrics, *, region: str, start: float, end: float, ascending: bool
) -> dict[str, Any]:
    stat = query.get("MetricStat")
    if stat is None or "Expression" in query:
        raise InvalidQuery("The local AWS answers MetricDataQueries with a MetricStat only: no Expression.")
    period = stat.get("Period", 0)
    if period < MINUTE or period % MINUTE:
        raise InvalidQuery(f"The parameter Period must be a multiple of {MINUTE}: Lambda's metrics come once a minute.")
    metric = _metric(stat["Metric"], region=region)
    try:
        compute = statistic(str(stat.get("Stat", "")))
    except NoSuchStatistic as unknown:
        known = "Sum, Average, Minimum, Maximum, SampleCount and pNN"
        raise InvalidQuery(f"The local AWS does not know the statistic {unknown}: it knows {known}.") from unknown
    known_unit = stat.get("Unit") in (None, UNITS.get(metric.name))
    minutes = metrics.between(metric, start, end) if known_unit else []
    points = sorted(_by_period(minutes, period).items(), reverse=not ascending)
    return {
        "Id": query["Id"],
        "Label": query.get("Label") or metric.name,
        "Timestamps": [datetime.fromtimestamp(begin, timezone.utc) for begin, _ in points],
        "Values": [compute(values) for _, values in points],
        "StatusCode": "Complete",
    }


def _metric(named: Mapping[str, Any], *, region: str) -> Metric:
    dimensions = frozenset(
        (str(one.get("Name", "")), str(one.get("Value", ""))) for one in named.get("Dimensions") or ()
    )
    return Metric(region, str(named.get("MetricName", "")), dimensions)


def _by_period(minutes: Sequence[tuple[int, StatisticSet]], period: int) -> dict[int, StatisticSet]:
    parts: dict[int, list[StatisticSet]] = defaultdict(list)
    for minute, values in minutes:
        parts[minute // period * period].append(values)
    return {begin: together(sets) for begin, sets in parts.items()}


def _require_ids(ids: Sequence[str]) -> None:
    for one in ids:
        if not ID.fullmatch(one):
            raise InvalidQuery(f"The value {one!r} of parameter Id must match ^[a-z][a-zA-Z0-9_]*$.")
    if len(set(ids)) < len(ids):
        raise InvalidQuery("The values for parameter Id in MetricDataQueries are not unique.")


def _returned(query: Mapping[str, Any]) -> bool:
    return query.get("ReturnData") is not False


def _epoch(asked: Mapping[str, Any], name: str) -> float:
    when = asked.get(name)
    if not isinstance(when, datetime):
        raise InvalidQuery(f"The parameter {name} is required.")
    return (when if when.tzinfo else when.replace(tzinfo=timezone.utc)).timestamp()
