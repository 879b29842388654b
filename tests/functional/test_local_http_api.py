"""An HTTP API of the local AWS in front of a real process: over HTTP, with a stage, CORS, a time-out, logs in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from local_aws import ACCOUNT, REGION, LocalAws, ask, within

HANDLER = """
import json, time

def handle(event, context):
    path = event.get("rawPath", "")
    if path.endswith("/slow"):
        time.sleep(2)
    if path.endswith("/fail"):
        raise ValueError("not this time")
    told = {"path": path, "stage": event["requestContext"]["stage"], "body": event.get("body")}
    return {"statusCode": 201, "headers": {"X-Served": "yes"}, "cookies": ["a=1"], "body": json.dumps(told)}
"""
ORIGIN = "https://app.example.com"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One daemon with one function, `digits`, that logs in JSON and keeps snapshots."""
    local = LocalAws(tmp_path_factory.mktemp("local"))
    local.start()
    settings = {"LoggingConfig": {"LogFormat": "JSON"}, "SnapStart": {"ApplyOn": "PublishedVersions"}}
    local.function("digits", HANDLER, **settings)
    yield local
    local.stop()


@pytest.fixture(scope="module")
def endpoint(aws: LocalAws) -> str:
    """Of an API with one route to the alias `live`, in the stage v1, which gives up after a second."""
    functions, apis = aws.aws("lambda"), aws.aws("apigatewayv2")
    live = functions.create_alias(FunctionName="digits", Name="live", FunctionVersion="1")["AliasArn"]
    api: dict[str, Any] = apis.create_api(
        Name="digits", ProtocolType="HTTP", CorsConfiguration={"AllowOrigins": [ORIGIN], "AllowMethods": ["POST"]}
    )
    number = api["ApiId"]
    integration = apis.create_integration(
        ApiId=number,
        IntegrationType="AWS_PROXY",
        IntegrationUri=live,
        PayloadFormatVersion="2.0",
        TimeoutInMillis=1000,
    )
    apis.create_route(ApiId=number, RouteKey="$default", Target=f"integrations/{integration['IntegrationId']}")
    apis.create_stage(ApiId=number, StageName="v1", AutoDeploy=True)
    functions.add_permission(
        FunctionName="digits",
        Qualifier="live",
        StatementId="HttpApi",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{number}/*/*",
    )
    aws.invoke("digits", {"requestContext": {"stage": ""}}, Qualifier="live")  # started: the first request is in time
    return f"{api['ApiEndpoint']}/v1"


def test_a_request_reaches_the_function_and_its_answer_the_client(aws: LocalAws, endpoint: str) -> None:
    """The stage is the path's first part for the function too; the API's own CORS is beside its headers."""
    answer = ask("POST", f"{endpoint}/predict", body=b"[1]", headers={"Origin": ORIGIN}, status=201)
    told = json.loads(answer.data)
    assert ("/v1/predict", "v1") == (told["path"], told["stage"])
    assert ("yes", "a=1", ORIGIN) == (
        answer.headers["X-Served"],
        answer.headers["Set-Cookie"],
        answer.headers["Access-Control-Allow-Origin"],
    )
    preflight = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = ask("OPTIONS", f"{endpoint}/predict", headers=preflight, status=204)
    assert answer.headers["Access-Control-Allow-Methods"] == "POST"


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [("slow", 503, "Service Unavailable"), ("fail", 500, "Internal Server Error")],
)
def test_a_function_without_an_answer_is_the_apis_error(endpoint: str, path: str, status: int, message: str) -> None:
    """One that takes longer than the integration waits, and one that fails."""
    answer = ask("GET", f"{endpoint}/{path}", status=status)
    assert {"message": message} == json.loads(answer.data)


def test_lambdas_own_lines_are_in_json_where_the_functions_are(aws: LocalAws, endpoint: str) -> None:
    """What awslambdaric writes of a failure, and Lambda's start and report."""
    ask("GET", f"{endpoint}/fail", status=500)
    logs = aws.aws("logs")

    def records() -> list[dict[str, Any]]:
        events = logs.filter_log_events(logGroupName="/aws/lambda/digits")["events"]
        return [json.loads(event["message"]) for event in events]

    assert within(5, lambda: any(record.get("errorMessage") == "not this time" for record in records()))
    assert {"platform.start", "platform.report"} <= {record.get("type") for record in records()}


def test_a_snapshot_is_kept_of_the_labelled_image(aws: LocalAws) -> None:
    """The label is read from the image that was pushed."""
    described = aws.aws("lambda").get_function_configuration(FunctionName="digits", Qualifier="1")
    assert {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"} == described["SnapStart"]
