"""HTTP APIs on the local AWS, made through boto3 and asked over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from local_aws import ACCOUNT, REGION, ask
from local_endpoint import LocalEndpoint

INVOKE = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    made = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield made
    made.close()


def made(aws: LocalEndpoint, name: str, *, stage: str = "$default") -> tuple[Any, str, str]:
    """An API in front of the alias `live` of a function of its name: the client, the API's id and its endpoint."""
    functions, apis = aws.function(name), aws.aws("apigatewayv2")
    live = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")["AliasArn"]
    api = apis.create_api(Name=name, ProtocolType="HTTP")
    number = api["ApiId"]
    integration = apis.create_integration(
        ApiId=number,
        IntegrationType="AWS_PROXY",
        IntegrationUri=f"{INVOKE}/{live}/invocations",
        PayloadFormatVersion="2.0",
    )
    apis.create_route(ApiId=number, RouteKey="$default", Target=f"integrations/{integration['IntegrationId']}")
    apis.create_stage(ApiId=number, StageName=stage, AutoDeploy=True)
    functions.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="HttpApi",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{number}/*/$default",
    )
    return apis, number, api["ApiEndpoint"]


def test_an_api_says_where_it_answers(aws: LocalEndpoint) -> None:
    """At its creation, when it is changed, alone and among others: an address that a client of this machine reaches."""
    apis, number, endpoint = made(aws, "found")
    assert f"{aws.gateway}/http-api/{number}" == endpoint
    changed = apis.update_api(ApiId=number, Description="digits")
    listed = {one["ApiId"]: one["ApiEndpoint"] for one in apis.get_apis()["Items"]}
    assert [endpoint] * 3 == [changed["ApiEndpoint"], apis.get_api(ApiId=number)["ApiEndpoint"], listed[number]]
    assert ask("GET", f"{endpoint}/predict").data == b"1"
    apis.delete_api(ApiId=number)
    ask("GET", f"{endpoint}/predict", status=404)
    with pytest.raises(ClientError, match="NotFoundException"):
        apis.get_api(ApiId=number)


def test_the_alias_is_read_at_each_request(aws: LocalEndpoint) -> None:
    """A release moves it, and nothing of the API changes."""
    _, _, endpoint = made(aws, "released")
    functions = aws.aws("lambda")
    functions.update_function_configuration(FunctionName="released", Timeout=9)
    functions.publish_version(FunctionName="released")
    functions.update_alias(FunctionName="released", Name="live", FunctionVersion="2")
    assert ask("POST", endpoint).data == b"2"
    functions.remove_permission(FunctionName="released", Qualifier="live", StatementId="HttpApi")
    assert ask("POST", endpoint, status=500).data == b'{"message":"Internal Server Error"}'


def test_a_stage_can_be_changed(aws: LocalEndpoint) -> None:
    """What the update does not name stays."""
    apis, number, endpoint = made(aws, "staged", stage="v1")
    updated = apis.update_stage(ApiId=number, StageName="v1", Description="first", StageVariables={"a": "b"})
    again = apis.update_stage(ApiId=number, StageName="v1", AutoDeploy=False)
    assert ("first", True, False) == (updated["Description"], updated["AutoDeploy"], again["AutoDeploy"])
    found = apis.get_stage(ApiId=number, StageName="v1")
    assert ({"a": "b"}, "first") == (found["StageVariables"], found["Description"])
    assert ask("GET", f"{endpoint}/v1/predict").data == b"1"
    ask("GET", f"{endpoint}/predict", status=404)
    for api, stage in ((number, "v2"), ("other", "v1")):
        with pytest.raises(ClientError, match="NotFoundException"):
            apis.update_stage(ApiId=api, StageName=stage, AutoDeploy=True)


def test_the_configured_cors_is_the_apis(aws: LocalEndpoint) -> None:
    """Set, changed and taken back through the API."""
    apis, number, endpoint = made(aws, "shared")
    origin = "https://app.example.com"
    apis.update_api(ApiId=number, CorsConfiguration={"AllowOrigins": [origin], "AllowMethods": ["*"]})
    preflight = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    answer = ask("OPTIONS", f"{endpoint}/predict", headers=preflight, status=204)
    assert (origin, "*") == (
        answer.headers["Access-Control-Allow-Origin"],
        answer.headers["Access-Control-Allow-Methods"],
    )
    apis.delete_cors_configuration(ApiId=number)
    answer = ask("OPTIONS", f"{endpoint}/predict", headers=preflight)
    assert (b"1", False) == (answer.data, "Access-Control-Allow-Origin" in answer.headers)


def test_a_stage_has_tags_of_its_own(aws: LocalEndpoint) -> None:
    """Given, taken away and read as those of an API are; a new Bento changes one of them."""
    apis, number, _ = made(aws, "tagged")
    arn = f"arn:aws:apigateway:{REGION}::/apis/{number}/stages/$default"

    apis.tag_resource(ResourceArn=arn, Tags={"team": "ml", "deployer:bento": "digits:2"})
    apis.untag_resource(ResourceArn=arn, TagKeys=["team", "never"])
    assert {"deployer:bento": "digits:2"} == apis.get_tags(ResourceArn=arn)["Tags"]
    assert {"deployer:bento": "digits:2"} == apis.get_stage(ApiId=number, StageName="$default")["Tags"]
    with pytest.raises(ClientError, match="NotFoundException"):
        apis.tag_resource(ResourceArn=f"{arn}x", Tags={"a": "b"})
