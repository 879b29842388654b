"""What CloudWatch is asked for, and how its answers become the metrics of a version. boto3's own client, stubbed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from deployer.errors import DeployerError
from deployer.tools.aws_errors import explained
from deployer.tools.aws_metrics import ReleaseMetrics, VersionMetrics

NOW = datetime(2026, 11, 23, 4, 30, 20, tzinfo=timezone.utc)
FIRST, SECOND, THIRD = (NOW.replace(second=0) + timedelta(minutes=minute) for minute in range(3))


@pytest.fixture
def client() -> Any:
    return boto3.client("cloudwatch", region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret")  # noqa: S106


def metrics_of(client: Any) -> ReleaseMetrics:
    return ReleaseMetrics(client, "digits", explained, now=lambda: NOW)


def result(name: str, values: Mapping[datetime, float], status: str = "Complete") -> dict[str, Any]:
    return {"Id": name, "Timestamps": list(values), "Values": list(values.values()), "StatusCode": status}


def answer(results: Sequence[Mapping[str, Any]], token: str = "") -> dict[str, Any]:
    return {"MetricDataResults": list(results), **({"NextToken": token} if token else {})}


def test_one_request_asks_for_both_versions_of_live(client: Any) -> None:
    """Eight metrics, from the canary's begin to the minute that is not over."""
    asked: dict[str, Any] = {}
    client.meta.events.register("provide-client-params.*.*", lambda params, **_: asked.update(params))
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", answer([]))
        found = metrics_of(client).of(("6", "7"), seconds=90)
    assert (VersionMetrics("6"), VersionMetrics("7")) == found
    assert (NOW - timedelta(seconds=90), NOW + timedelta(seconds=60)) == (asked["StartTime"], asked["EndTime"])
    queries = {query["Id"]: query["MetricStat"] for query in asked["MetricDataQueries"]}
    names = ("invocations", "errors", "throttles", "duration")
    assert {f"{name}_{version}" for name in names for version in "67"} == set(queries)
    assert queries["duration_7"] == {
        "Metric": {
            "Namespace": "AWS/Lambda",
            "MetricName": "Duration",
            "Dimensions": [
                {"Name": "FunctionName", "Value": "digits"},
                {"Name": "Resource", "Value": "digits:live"},
                {"Name": "ExecutedVersion", "Value": "7"},
            ],
        },
        "Period": 60,
        "Stat": "p95",
    }
    assert {"Sum"} == {stat["Stat"] for name, stat in queries.items() if not name.startswith("duration")}


def test_the_pages_of_an_answer_are_one(client: Any) -> None:
    """A metric may go on in the next page."""
    pages = [
        answer([result("invocations_7", {FIRST: 10.0}, "PartialData"), result("errors_7", {FIRST: 1.0})], "more"),
        answer([result("invocations_7", {SECOND: 5.0}), result("throttles_7", {SECOND: 2.0})]),
    ]
    with Stubber(client) as stub:
        for number, page in enumerate(pages):
            more = {"NextToken": "more"} if number else {}
            stub.add_response(
                "get_metric_data", page, {"MetricDataQueries": ANY, "StartTime": ANY, "EndTime": ANY, **more}
            )
        (found,) = metrics_of(client).of(("7",), seconds=90)
    assert VersionMetrics("7", invocations=15, errors=1, throttles=2) == found


@pytest.mark.parametrize(
    ("slow", "invocations", "p95"),
    [
        ({}, {}, None),
        ({FIRST: 80.0}, {FIRST: 10.0}, 80.0),
        ({FIRST: 9000.0, SECOND: 80.0, THIRD: 90.0}, {FIRST: 9.0, SECOND: 10.0, THIRD: 10.0}, 90.0),
        ({FIRST: 9000.0, SECOND: 80.0}, {FIRST: 5.0, SECOND: 50.0}, 80.0),  # the first requests of new environments
        ({FIRST: 80.0, SECOND: 9000.0}, {FIRST: 5.0, SECOND: 50.0}, 9000.0),
        ({FIRST: 80.0, SECOND: 90.0}, {FIRST: 10.0, SECOND: 10.0}, 80.0),
        ({FIRST: 80.0, SECOND: 90.0}, {FIRST: 5.0}, 80.0),  # the other minute is not counted yet
    ],
)
def test_p95_is_that_of_the_median_minute(
    client: Any, slow: Mapping[datetime, float], invocations: Mapping[datetime, float], p95: float | None
) -> None:
    """Each minute counts by its invocations."""
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", answer([result("duration_7", slow), result("invocations_7", invocations)]))
        (found,) = metrics_of(client).of(("7",), seconds=90)
    assert p95 == found.p95


def test_who_may_not_read_metrics_is_told_so(client: Any) -> None:
    """No data and no right to see it are not the same."""
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_data", "AccessDenied", "not authorized: cloudwatch:GetMetricData", 403)
        with pytest.raises(DeployerError, match=r"Reading the metrics of digits: access denied\. not authorized"):
            metrics_of(client).of(("7",), seconds=90)


@pytest.mark.parametrize("status", ["InternalError", "Forbidden"])
def test_a_metric_without_an_answer_is_an_error(client: Any, status: str) -> None:
    """Such a result has no values, as one of a version that nobody asked."""
    refused = {**result("errors_7", {}, status), "Messages": [{"Code": "x", "Value": "Try again"}]}
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", answer([refused]))
        with pytest.raises(DeployerError, match=rf"CloudWatch answered {status}\. Try again"):
            metrics_of(client).of(("7",), seconds=90)
