"""HTTP to a version that no alias stands for, by Invoke: on the local AWS, and by botocore's model of Invoke."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from local_aws import REGION, LocalAws

from deployer.errors import DeployerError
from deployer.stages.smoke import PASSING
from deployer.targets import Environment
from deployer.tools.aws import Aws
from deployer.tools.aws_http import VersionHttp
from deployer.tools.http import Response, Unreachable
from deployer.tools.http_integration import DELIMITER

HANDLER = """
import base64, json, os, time

def handle(event, context):
    print("asked by", event["requestContext"]["http"]["method"])
    if event["rawPath"] == "/fail":
        raise ValueError("not this time")
    if event["rawPath"] == "/slow":
        time.sleep(5)
    told = {
        "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "path": event["rawPath"],
        "query": event["rawQueryString"],
        "type": event["headers"].get("content-type"),
        "body": event.get("body"),
    }
    return {"statusCode": 201, "headers": {"X-Told": "yes"}, "body": json.dumps(told)}
"""
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A daemon with a function of two versions and no alias."""
    machine = LocalAws(tmp_path_factory.mktemp("versions"))
    machine.start()
    machine.function("digits", HANDLER)
    functions = machine.aws("lambda")
    functions.update_function_configuration(FunctionName="digits", Environment={"Variables": {"RELEASE": "2"}})
    functions.publish_version(FunctionName="digits")
    yield machine
    machine.stop()


def door(local: LocalAws, version: str) -> VersionHttp:
    address = local.status().address
    return Aws(Environment("local", REGION, address.aws_variables), {}).version_http("digits", version)


def ask(http: VersionHttp, path: str, *, method: str = "POST", body: bytes = b"[1]", timeout: float = 20) -> Response:
    return http.send(method, f"{http.base}{path}", headers=JSON, body=body, timeout=timeout)


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_version_gets_the_request_as_its_url_would_send_it(local: LocalAws, version: str) -> None:
    """Path and query as they were written; the answer's status, headers and body come back, and its log."""
    http = door(local, version)
    answer = ask(http, "predict/%C3%BC?a=b%20c")
    told = {
        "version": version,
        "path": "/predict/%C3%BC",
        "query": "a=b%20c",
        "type": "application/json",
        "body": "[1]",
    }
    assert (201, "yes", told) == (answer.status, answer.headers["x-told"], json.loads(answer.body))
    assert "asked by POST" in http.log
    assert answer.milliseconds > 0


def test_a_request_without_a_body_has_none(local: LocalAws) -> None:
    """As a GET of /readyz."""
    told = json.loads(ask(door(local, "1"), "readyz", method="GET", body=b"").body)
    assert ("/readyz", None) == (told["path"], told["body"])


def test_a_function_that_fails_is_a_502_with_its_log(local: LocalAws) -> None:
    """Its message is in the log alone, as behind a URL."""
    http = door(local, "1")
    answer = ask(http, "fail")
    assert (502, False) == (answer.status, b"not this time" in answer.body)
    assert any("not this time" in line for line in http.log)


def test_an_answer_that_does_not_come_in_time_is_unreachable(local: LocalAws) -> None:
    """Which the smoke test waits out."""
    with pytest.raises(Unreachable, match=r"lambda://digits:1/slow gave no answer: Read timeout"):
        ask(door(local, "1"), "slow", timeout=1)


def test_a_version_that_is_not_there_is_an_error(local: LocalAws) -> None:
    """Nothing to wait for."""
    with pytest.raises(DeployerError, match="Invoking version 9 of digits"):
        ask(door(local, "9"), "predict")


def answered(payload: bytes, **more: Any) -> Response:
    """The response to an Invoke that answers this payload, held against botocore's model of both."""
    client = boto3.client("lambda", region_name=REGION, aws_access_key_id="k", aws_secret_access_key="s")  # noqa: S106
    with Stubber(client) as stub:
        log = base64.b64encode(b"a line").decode()
        body = StreamingBody(io.BytesIO(payload), len(payload))
        stub.add_response("invoke", {"StatusCode": 200, "LogResult": log, "Payload": body, **more})
        return ask(version_http(client), "predict")


def version_http(client: Any) -> VersionHttp:
    return VersionHttp(lambda seconds: client, "digits", "3", region=REGION, explained=lambda doing: nullcontext())


@pytest.mark.parametrize(
    ("prelude", "status", "kind"),
    [
        (b'{"statusCode": 203, "headers": {"Content-Type": "text/event-stream"}}', 203, "text/event-stream"),
        (b"no prelude", 502, "application/json"),
    ],
)
def test_a_streamed_response_comes_whole(prelude: bytes, status: int, kind: str) -> None:
    """Status and headers stand before eight NULs and the body, which Invoke collects."""
    answer = answered(prelude + DELIMITER + b"1\n2\n")
    assert (status, kind) == (answer.status, answer.content_type)
    assert (status == 203) == (answer.body == b"1\n2\n")


def test_a_failed_function_is_a_502_whatever_it_answered() -> None:
    """`FunctionError` is what counts."""
    assert 502 == answered(b'{"statusCode": 200}', FunctionError="Unhandled").status


class Refusing:
    """A client whose Invoke raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def invoke(self, **asked: Mapping[str, object]) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("TooManyRequestsException", 429),
        ("ResourceConflictException", 503),
        ("ResourceNotReadyException", 503),
        ("ServiceException", 503),
        ("InvalidRuntimeException", 502),
    ],
)
def test_what_passes_by_itself_is_a_status_that_the_smoke_test_waits_for(kind: str, status: int) -> None:
    """An image that was set aside is made ready by the first request, which Lambda refuses."""
    error = ClientError({"Error": {"Code": kind, "Message": "Function is Pending"}}, "Invoke")
    answer = ask(version_http(Refusing(error)), "predict")
    assert (status, {"Message": "Function is Pending"}) == (answer.status, json.loads(answer.body))
    assert status in PASSING


def test_other_refusals_are_not_hidden() -> None:
    """Credentials that may not invoke, for one."""
    error = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")
    with pytest.raises(ClientError):
        ask(version_http(Refusing(error)), "predict")


def test_a_broken_connection_is_unreachable() -> None:
    """Whatever botocore calls it."""
    with pytest.raises(Unreachable, match="Read timeout on endpoint URL"):
        ask(version_http(Refusing(ReadTimeoutError(endpoint_url="x"))), "predict")
