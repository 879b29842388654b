"""What a gradual release reads on the local AWS: shares of an alias, and Lambda's metrics of each version behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_aws import LocalAws, ask

HANDLER = """
import os, time

VERSION = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]

def handle(event, context):
    if event.get("fail") == VERSION:
        raise ValueError("not this version")
    if event.get("rawPath") == "/unwell":
        return {"statusCode": 503, "body": VERSION}
    time.sleep(event.get("seconds", 0))
    return {"statusCode": 200, "body": VERSION}
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    local = LocalAws(tmp_path_factory.mktemp("local"))
    local.start()
    yield local
    local.stop()


def two_versions(aws: LocalAws, name: str, *, timeout: int = 10) -> Any:
    """A function with versions 1 and 2; boto3's client of Lambda."""
    aws.function(name, HANDLER, Timeout=timeout)
    functions = aws.aws("lambda")
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {"RELEASE": "2"}})
    assert functions.publish_version(FunctionName=name)["Version"] == "2"
    return functions


def total(aws: LocalAws, metric: str, function: str, *, stat: str = "Sum", **dimensions: str) -> Sequence[float]:
    """The values of a metric in the last minutes, one for each minute in which there were some."""
    named = [{"Name": name, "Value": value} for name, value in {"FunctionName": function, **dimensions}.items()]
    what = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": named}
    now = datetime.now(timezone.utc)
    answer = aws.aws("cloudwatch").get_metric_data(
        StartTime=now - timedelta(minutes=10),
        EndTime=now + timedelta(minutes=1),
        MetricDataQueries=[{"Id": "q", "MetricStat": {"Metric": what, "Period": 60, "Stat": stat}}],
    )
    values: Sequence[float] = answer["MetricDataResults"][0]["Values"]
    return values


def test_an_alias_shares_its_invocations_and_each_version_is_counted(aws: LocalAws) -> None:
    """Through Invoke and through the function URL, whole and streamed: what ran is what CloudWatch says."""
    functions = two_versions(aws, "shared")
    url = aws.url("shared")
    half = {"AdditionalVersionWeights": {"2": 0.5}}
    functions.update_alias(FunctionName="shared", Name="live", RoutingConfig=half)
    assert half == functions.get_alias(FunctionName="shared", Name="live")["RoutingConfig"]
    invoked: Counter[str] = Counter()
    for _ in range(20):
        answer = aws.invoke("shared", Qualifier="live")
        assert answer.version == answer.result["body"]
        invoked[answer.version] += 1
    asked = Counter(ask("GET", url).data.decode() for _ in range(10))
    functions.update_function_url_config(FunctionName="shared", Qualifier="live", InvokeMode="RESPONSE_STREAM")
    asked += Counter(ask("GET", url).data.decode() for _ in range(10))
    ran = invoked + asked
    assert {"1", "2"} == set(ran)
    for version, times in ran.items():
        counted = total(aws, "Invocations", "shared", Resource="shared:live", ExecutedVersion=version)
        slow = total(aws, "Duration", "shared", stat="p95", Resource="shared:live", ExecutedVersion=version)
        assert (times, len(counted)) == (sum(counted), len(slow))
        assert all(0 < milliseconds < 10_000 for milliseconds in slow)
    sums = [sum(total(aws, "Invocations", "shared", **more)) for more in ({}, {"Resource": "shared:live"})]
    assert [40, 40] == sums
    assert [] == total(aws, "Invocations", "shared", Resource="shared:1")


def test_cleared_weights_leave_one_version(aws: LocalAws) -> None:
    """A promotion: the alias moves and its weights go, in one update."""
    functions = two_versions(aws, "promoted")
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    functions.create_alias(FunctionName="promoted", Name="live", FunctionVersion="1", RoutingConfig=weights)
    with pytest.raises(ClientError, match="already included in routing configuration"):
        functions.update_alias(FunctionName="promoted", Name="live", FunctionVersion="2")
    with pytest.raises(ClientError, match=r"aliases reference it: \[live\]"):
        functions.delete_function(FunctionName="promoted", Qualifier="2")
    functions.update_alias(
        FunctionName="promoted", Name="live", FunctionVersion="2", RoutingConfig={"AdditionalVersionWeights": {}}
    )
    assert {"2"} == {aws.invoke("promoted", Qualifier="live").version for _ in range(8)}


def test_the_errors_of_a_version_are_counted_against_it(aws: LocalAws) -> None:
    """An exception and a time-out are errors; a status that the function chose is none."""
    functions = two_versions(aws, "failing", timeout=1)
    url = aws.url("failing")
    weights = {"AdditionalVersionWeights": {"2": 1.0}}
    functions.update_alias(FunctionName="failing", Name="live", RoutingConfig=weights)
    assert [("Unhandled", "2")] * 3 == [
        (answer.error, answer.version)
        for answer in (aws.invoke("failing", {"fail": "2"}, Qualifier="live") for _ in range(3))
    ]
    assert aws.invoke("failing", {"seconds": 3}, Qualifier="live").error == "Unhandled"
    ask("GET", f"{url}unwell", status=503)
    of_the_second = {"Resource": "failing:live", "ExecutedVersion": "2"}
    errors = sum(total(aws, "Errors", "failing", **of_the_second))
    invocations = sum(total(aws, "Invocations", "failing", **of_the_second))
    slowest = max(total(aws, "Duration", "failing", stat="Maximum", **of_the_second))
    assert (4, 5) == (errors, invocations)
    assert 1000 <= slowest < 3000


def test_what_is_throttled_is_counted_apart(aws: LocalAws) -> None:
    """A function that may run nowhere: Throttles, and no Invocations."""
    functions = two_versions(aws, "busy")
    functions.put_function_concurrency(FunctionName="busy", ReservedConcurrentExecutions=0)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        functions.invoke(FunctionName="busy", Qualifier="1")
    found = [total(aws, name, "busy", Resource="busy:1") for name in ("Throttles", "Invocations", "Errors")]
    assert [[1.0], [], []] == found


def test_metrics_of_others_are_moto_s(aws: LocalAws) -> None:
    """What somebody puts into CloudWatch is found there as before."""
    cloudwatch = aws.aws("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Own", MetricData=[{"MetricName": "m", "Value": 7}])
    now = datetime.now(timezone.utc)
    answer = cloudwatch.get_metric_data(
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        MetricDataQueries=[
            {
                "Id": "q",
                "MetricStat": {"Metric": {"Namespace": "Own", "MetricName": "m"}, "Period": 60, "Stat": "Sum"},
            }
        ],
    )
    assert [7.0] == answer["MetricDataResults"][0]["Values"]
