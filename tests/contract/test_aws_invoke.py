"""An invocation through the AWS door: what Lambda answers, by botocore's model of it and by the local AWS."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from typing import Any, Protocol

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber
from local_aws import REGION, LocalAws

from deployer.errors import DeployerError
from deployer.models import Invoked
from deployer.targets import Environment
from deployer.tools import aws_invoke
from deployer.tools.aws import Aws

HANDLER = """
class RouteFailed(Exception):
    pass

def handle(event, context):
    print("asked for", event.get("do"))
    if event.get("do") == "fail":
        raise RouteFailed("/predict answered 400: no rows")
    return {"echo": event, "alias": context.invoked_function_arn.rpartition(":")[2]}
"""
TRACEBACK = '", line 3\n    call()\nValueError: no "rows"'
LOG = "asked for fail\n[ERROR] RouteFailed: /predict answered 400: no rows"


class Asked(Protocol):
    """The door, or the part of it behind the session."""

    def __call__(self, function: str, event: object) -> Invoked: ...


class FakeLambda:
    """Answers by botocore's description of Invoke, which checks what is asked and what is answered."""

    def __call__(self, function: str, event: object) -> Invoked:
        client = boto3.client("lambda", region_name=REGION, aws_access_key_id="k", aws_secret_access_key="s")  # noqa: S106
        payload = json.dumps(event).encode()
        asked = {"FunctionName": function, "Qualifier": "live", "Payload": payload, "LogType": "Tail"}
        with Stubber(client) as stub:
            stub.add_response("invoke", self._answer(event), asked)
            return aws_invoke.invoke(client, function, payload)

    def _answer(self, event: Any) -> dict[str, Any]:
        failed = event.get("do") == "fail"
        error = {"errorMessage": "/predict answered 400: no rows", "errorType": "RouteFailed", "requestId": "r"}
        body = json.dumps(error if failed else {"echo": event, "alias": "live"}).encode()
        return {
            "StatusCode": 200,
            "ExecutedVersion": "1",
            "LogResult": base64.b64encode((LOG if failed else f"asked for {event.get('do')}").encode()).decode(),
            "Payload": StreamingBody(io.BytesIO(body), len(body)),
            **({"FunctionError": "Unhandled"} if failed else {}),
        }


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A daemon with one function behind the alias `live`."""
    machine = LocalAws(tmp_path_factory.mktemp("invoke"))
    machine.start()
    machine.function("digits", HANDLER)
    machine.aws("lambda").create_alias(FunctionName="digits", Name="live", FunctionVersion="1")
    yield machine
    machine.stop()


def door(local: LocalAws) -> Aws:
    address = local.status().address
    keys = {"AWS_ACCESS_KEY_ID": address.access_key_id, "AWS_SECRET_ACCESS_KEY": address.secret_access_key}
    return Aws(Environment("local", REGION, {**keys, "AWS_ENDPOINT_URL": address.endpoint}), {})


@pytest.fixture(params=["local AWS", "botocore's model"])
def asked(request: pytest.FixtureRequest) -> Asked:
    if request.param == "botocore's model":
        return FakeLambda()
    aws = door(request.getfixturevalue("local"))
    return lambda function, event: aws.invoke(function, json.dumps(event).encode(), seconds=10)


def test_the_live_version_answers_and_its_log_comes_along(asked: Asked) -> None:
    """The alias is asked, the version behind it is told."""
    event = {"do": "echo", "text": "ü"}
    invoked = asked("digits", event)
    assert ({"echo": event, "alias": "live"}, "1", False) == (invoked.answer, invoked.version, invoked.failed)
    assert "asked for echo" in invoked.log


def test_a_functions_error_is_a_result_with_its_type_its_message_and_its_log(asked: Asked) -> None:
    """Not an error of the invocation: whoever asked decides what it means."""
    invoked = asked("digits", {"do": "fail"})
    assert ("RouteFailed", "/predict answered 400: no rows", None) == (
        invoked.error_type,
        invoked.error_message,
        invoked.answer,
    )
    assert any("[ERROR] RouteFailed: /predict answered 400: no rows" in line for line in invoked.log)


def test_a_function_that_is_not_there_is_named_with_its_alias(local: LocalAws) -> None:
    """As after a `terraform destroy` by hand."""
    with pytest.raises(DeployerError, match="There is no function other with an alias live in us-east-1") as caught:
        door(local).invoke("other", b"{}", seconds=10)
    assert "deployer up" in caught.value.hint


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"not json", "not json"),
        (b'{"statusCode": 200}' + b"\0" * 8 + b"1\n2\n", {"statusCode": 200, "body": "1\n2\n"}),
        (b'{"statusCode": 204}' + b"\0" * 8, {"statusCode": 204, "body": ""}),
    ],
)
def test_what_a_function_streams_is_an_answer_too(payload: bytes, answer: object) -> None:
    """Text, or an HTTP response whose status and headers come before its body."""
    assert answer == aws_invoke.invoke(_Saying(payload), "digits", b"{}").answer


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        (json.dumps("x" * 4096 + TRACEBACK).removeprefix('"') + "}", ["    call()", 'ValueError: no "rows"']),
        ("x" * 4096, []),
        ("short", ["short"]),
    ],
    ids=["record", "text", "not cut"],
)
def test_of_a_record_that_lambda_has_cut_the_end_can_be_read(cut: str, left: list[str]) -> None:
    """Its last lines are what explains a failure; half a line is left out."""
    assert (*left, "REPORT") == aws_invoke.invoke(_Saying(b"1", log=f"{cut}\nREPORT"), "digits", b"{}").log


class _Saying:
    """A client whose function answers these bytes and has this log."""

    def __init__(self, payload: bytes, *, log: str = "") -> None:
        self._payload, self._log = payload, log

    def invoke(self, **asked: object) -> dict[str, Any]:
        return {"Payload": io.BytesIO(self._payload), "LogResult": base64.b64encode(self._log.encode()).decode()}
