"""How often the old API's version was asked, as CloudWatch counts it. boto3's own client, stubbed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deployer.errors import DeployerError
from deployer.tools.aws_errors import explained
from deployer.tools.aws_upstream import UpstreamAws
from deployer.tools.upstream_state import UpstreamDeployment

DEPLOYMENT = UpstreamDeployment(Path(), "eu-west-1", "123456789012", function="iris-function")
NOW = datetime(2026, 11, 23, 4, 30, 20, tzinfo=timezone.utc)


@pytest.fixture
def client() -> Any:
    return boto3.client("cloudwatch", region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="secret")  # noqa: S106


def upstream(client: Any) -> UpstreamAws:
    return UpstreamAws(lambda service: client, DEPLOYMENT, explained, now=lambda: NOW)


def page(values: list[float], token: str = "") -> dict[str, Any]:
    times = [NOW - timedelta(minutes=number) for number in range(len(values))]
    result = {"Id": "requests", "Timestamps": times, "Values": values, "StatusCode": "Complete"}
    return {"MetricDataResults": [result], **({"NextToken": token} if token else {})}


def asked(client: Any, *, since: datetime) -> dict[str, Any]:
    """The request for the requests since then."""
    seen: dict[str, Any] = {}
    client.meta.events.register("provide-client-params.*.*", lambda params, **_: seen.update(params))
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", page([]))
        assert 0 == upstream(client).requests(since=since)
    return seen


def test_the_invocations_of_the_alias_are_asked_for(client: Any) -> None:
    """Not those of the function or of another alias."""
    (query,) = asked(client, since=NOW)["MetricDataQueries"]
    dimensions = [
        {"Name": "FunctionName", "Value": "iris-function"},
        {"Name": "Resource", "Value": "iris-function:bentoctl"},
    ]
    metric = {"Namespace": "AWS/Lambda", "MetricName": "Invocations", "Dimensions": dimensions}
    assert {"Metric": metric, "Period": 60, "Stat": "Sum"} == query["MetricStat"]


@pytest.mark.parametrize(("hours", "counted"), [(1, 1), (24, 24), (200, 24)])
def test_no_more_than_a_day_counts(client: Any, hours: int, counted: int) -> None:
    """What was asked last week is no reason to wait."""
    request = asked(client, since=NOW - timedelta(hours=hours))
    assert (NOW - timedelta(hours=counted), NOW + timedelta(minutes=1)) == (request["StartTime"], request["EndTime"])


def test_right_after_the_adoption_there_is_no_time_to_ask_about(client: Any) -> None:
    """CloudWatch refuses a time whose begin is not before its end."""
    with Stubber(client):
        assert 0 == upstream(client).requests(since=NOW + timedelta(minutes=1))


def test_all_minutes_of_all_pages_are_summed(client: Any) -> None:
    """A result may be spread."""
    with Stubber(client) as stub:
        stub.add_response("get_metric_data", page([1.0, 2.0], "more"))
        stub.add_response("get_metric_data", page([3.0]))
        assert 6 == upstream(client).requests(since=NOW - timedelta(hours=1))


def test_metrics_that_may_not_be_read_are_no_zero(client: Any) -> None:
    """Somebody may still ask."""
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_data", "AccessDenied")
        with pytest.raises(DeployerError, match="Reading the metrics of iris-function: access denied"):
            upstream(client).requests(since=NOW - timedelta(hours=1))
