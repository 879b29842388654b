"""GetMetricData as AWS's own clients write and read it, in both protocols, and what goes through to moto."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import HeadersDict
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from local_aws import REGION
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from deployer.local.cloudwatch_api import CloudWatchApi
from deployer.local.metrics import Metric, Metrics

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)
CBOR = "smithy-rpc-v2-cbor"
PROTOCOLS = ["json", "query"]
MODEL: Any = botocore.session.get_session().get_service_model("cloudwatch")
DIMENSIONS = [{"Name": "FunctionName", "Value": "digits"}, {"Name": "Resource", "Value": "digits:live"}]


def moto(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Says that it was asked, and that the request came with its body."""
    read = environ["wsgi.input"].read()
    return Response(read, status=299)(environ, start_response)


def authorization(scope: str) -> str:
    return f"AWS4-HMAC-SHA256 Credential=key/20260102/{scope}/aws4_request"


class Client:
    """A client of one protocol, without a network between it and the daemon's CloudWatch."""

    def __init__(self, protocol: str = "json", *, service: str = "monitoring", region: str = REGION) -> None:
        self.metrics = Metrics()
        self._protocol, self._scope = protocol, f"{region}/{service}"
        for minute, duration in enumerate((10, 20, 30, 40, 50)):
            at = (NOON + timedelta(minutes=minute, seconds=30)).timestamp()
            dimensions = frozenset((one["Name"], one["Value"]) for one in DIMENSIONS)
            self.metrics.record(Metric(REGION, "Duration", dimensions), duration, at=at)
            self.metrics.record(Metric(REGION, "Duration", dimensions), 2, at=at)

    def send(self, operation: str, **given: Any) -> Response | None:
        serialized = create_serializer(self._protocol).serialize_to_request(given, MODEL.operation_model(operation))
        environ = EnvironBuilder(
            path=serialized["url_path"],
            method="POST",
            headers=Headers({**serialized["headers"], "Authorization": authorization(self._scope)}),
            data=serialized["body"],
        ).get_environ()
        return CloudWatchApi(self.metrics, moto).answer(Request(environ))

    def get(self, *queries: Any, **given: Any) -> dict[str, Any]:
        """The answer as botocore reads it."""
        asked = {"StartTime": NOON, "EndTime": NOON + timedelta(hours=1), "MetricDataQueries": list(queries), **given}
        answer = self.send("GetMetricData", **asked)
        assert answer is not None
        read: dict[str, Any] = create_parser(self._protocol).parse(
            {
                "headers": HeadersDict(dict(answer.headers)),
                "status_code": answer.status_code,
                "body": answer.get_data(),
            },
            MODEL.operation_model("GetMetricData").output_shape,
        )
        return read

    def refusal(self, *queries: Any, **given: Any) -> tuple[int, str, str]:
        read = self.get(*queries, **given)
        return read["ResponseMetadata"]["HTTPStatusCode"], read["Error"]["Code"], read["Error"]["Message"]


def query(stat: str = "Sum", period: int = 60, *, name: str = "q", metric: str = "Duration", **more: Any) -> Any:
    what = {"Namespace": more.pop("namespace", "AWS/Lambda"), "MetricName": metric, "Dimensions": DIMENSIONS}
    unit = {"Unit": more.pop("unit")} if "unit" in more else {}
    return {"Id": name, "MetricStat": {"Metric": what, "Period": period, "Stat": stat, **unit}, **more}


def minutes(*numbers: int) -> list[datetime]:
    return [NOON + timedelta(minutes=number) for number in numbers]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_several_queries_are_answered_at_once(protocol: str) -> None:
    """Each by its Id, the newest first, with an own label where one is given."""
    client = Client(protocol)
    answer = client.get(query("p95", name="p"), query("SampleCount", 300, name="n", Label="how many"))
    slow, many = answer["MetricDataResults"]
    assert ("p", "Duration", "Complete") == (slow["Id"], slow["Label"], slow["StatusCode"])
    assert (minutes(4, 3, 2, 1, 0), [50, 40, 30, 20, 10]) == (slow["Timestamps"], slow["Values"])
    assert ("n", "how many", minutes(0), [10]) == (many["Id"], many["Label"], many["Timestamps"], many["Values"])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_oldest_comes_first_where_that_is_asked_for(protocol: str) -> None:
    """ScanBy, and a period that begins before the first minute asked for."""
    answer = Client(protocol).get(query("Maximum", 120), ScanBy="TimestampAscending", StartTime=minutes(1)[0])
    found = answer["MetricDataResults"][0]
    assert (minutes(0, 2, 4), [20, 40, 50]) == (found["Timestamps"], found["Values"])


def test_the_start_counts_from_its_minute_and_the_end_does_not_count() -> None:
    """As CloudWatch rounds it."""
    start, end = NOON + timedelta(minutes=1, seconds=59), NOON + timedelta(minutes=3)
    found = Client().get(query(), StartTime=start, EndTime=end)["MetricDataResults"][0]
    assert (minutes(2, 1), [32, 22]) == (found["Timestamps"], found["Values"])


def test_a_metric_without_data_has_no_points() -> None:
    """A metric that nobody recorded, other dimensions, another unit, another region, another time: no error."""
    fewer = query(name="fewer")
    fewer["MetricStat"]["Metric"] = {**fewer["MetricStat"]["Metric"], "Dimensions": DIMENSIONS[:1]}
    none = [query(metric="Errors"), fewer, query(unit="Count", name="unit")]
    found = Client().get(*none)["MetricDataResults"] + Client(region="eu-west-1").get(query())["MetricDataResults"]
    found += Client().get(query(), StartTime=NOON - timedelta(hours=1), EndTime=NOON)["MetricDataResults"]
    assert [([], "Complete")] * 5 == [(one["Values"], one["StatusCode"]) for one in found]
    assert [32.0] == Client().get(query(unit="Milliseconds"), StartTime=minutes(2)[0], EndTime=minutes(3)[0])[
        "MetricDataResults"
    ][0]["Values"]


def test_a_query_that_returns_no_data_is_left_out() -> None:
    """ReturnData."""
    answer = Client().get(query(name="a", ReturnData=False), query(name="b", ReturnData=True))
    assert ["b"] == [one["Id"] for one in answer["MetricDataResults"]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("queries", "message"),
    [
        ([query("tm90")], "statistic tm90"),
        ([query(period=90)], "multiple of 60"),
        ([query(period=1)], "multiple of 60"),
        ([query(), query()], "not unique"),
        ([query(name="Q")], "must match"),
        ([query(), {"Id": "e", "Expression": "q * 2"}], "no Expression"),
        ([query(), query(name="o", namespace="Other")], "requests apart"),
        ([query(name=f"q{number}") for number in range(501)], "1 to 500"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_answered_says_why(protocol: str, queries: list[Any], message: str) -> None:
    """As a ValidationError, in the protocol of the question."""
    status, code, said = Client(protocol).refusal(*queries)
    assert (400, "ValidationError") == (status, code)
    assert message in said


def test_times_must_be_in_order() -> None:
    """The same minute at both ends is no time."""
    assert "StartTime must be less" in Client().refusal(query(), EndTime=NOON)[2]


def test_the_third_protocol_is_refused_in_its_own_words() -> None:
    """The AWS SDKs that speak it show the text."""
    status, code, said = Client(CBOR).refusal(query())
    assert (400, "UnsupportedProtocol") == (status, code)
    assert "AWS JSON 1.0" in said


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 299), (b"nonsense", 299), (b"[]", 400), (b'{"StartTime": "x"}', 400)]
)
def test_a_body_that_is_no_request_is_no_error_of_the_daemon(body: bytes, status: int) -> None:
    """Refused where it is no input of the operation, and left to moto where it names no namespace."""
    target = "GraniteServiceVersion20100801.GetMetricData"
    headers = Headers({"X-Amz-Target": target, "Authorization": authorization(f"{REGION}/monitoring")})
    environ = EnvironBuilder(path="/", method="POST", headers=headers, data=body).get_environ()
    answer = CloudWatchApi(Metrics(), moto).answer(Request(environ))
    assert answer is not None
    assert status == answer.status_code


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_everything_else_is_moto_s(protocol: str) -> None:
    """Other namespaces and other operations, with their bodies; other services are not answered here at all."""
    client = Client(protocol)
    times = {"StartTime": NOON, "EndTime": NOON + timedelta(hours=1)}
    other = client.send("GetMetricData", MetricDataQueries=[query(namespace="Other")], **times)
    listed = client.send("ListMetrics", Namespace="AWS/Lambda")
    assert other is not None and listed is not None
    assert (299, 299) == (other.status_code, listed.status_code)
    assert b"Other" in other.get_data() and b"Lambda" in listed.get_data()
    assert Client(protocol, service="sns").send("GetMetricData", MetricDataQueries=[query()], **times) is None
