"""What a recorded request is read as, what the service models say of it, and what it asks of a policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from aws_shapes import problems
from aws_wire import Call, Sent, read
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from iam_calls import Asked, allows, asked, refused
from local_aws import ACCOUNT, REGION

from deployer.policies import Statement

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:digits"
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("lambda", "get_function_url_config", {"FunctionName": "digits", "Qualifier": "live"}),
    ("lambda", "list_functions", {"FunctionVersion": "ALL", "MaxItems": 5}),
    ("lambda", "untag_resource", {"Resource": FUNCTION, "TagKeys": ["a", "b"]}),
    ("lambda", "invoke", {"FunctionName": "digits", "Payload": b"{}", "LogType": "Tail"}),
    ("lambda", "create_alias", {"FunctionName": "digits", "Name": "live", "FunctionVersion": "1"}),
    ("ecr", "describe_images", {"repositoryName": "team/digits", "imageIds": [{"imageTag": "1"}]}),
    ("iam", "create_role", {"RoleName": "d", "AssumeRolePolicyDocument": "{}", "Tags": [{"Key": "a", "Value": "é b"}]}),
    ("iam", "list_roles", {"MaxItems": 3}),
    ("logs", "describe_log_groups", {"logGroupNamePrefix": "/aws/lambda/digits"}),
    ("apigatewayv2", "create_api", {"Name": "digits", "ProtocolType": "HTTP", "Tags": {"deployer:name": "digits"}}),
    (
        "apigatewayv2",
        "untag_resource",
        {"ResourceArn": "arn:aws:apigateway:x::/apis/a/stages/$default", "TagKeys": ["a"]},
    ),
    ("apigatewayv2", "delete_stage", {"ApiId": "abc", "StageName": "$default"}),
    ("resourcegroupstaggingapi", "get_resources", {"TagFilters": [{"Key": "a", "Values": ["b"]}]}),
    ("s3", "list_objects_v2", {"Bucket": "states", "Prefix": "a/b"}),
    ("s3", "put_object", {"Bucket": "states", "Key": "a/b c", "Body": b"state", "IfNoneMatch": "*"}),
]


SENT: list[AWSPreparedRequest] = []


@cache
def client(service: str) -> Any:
    """boto3's, which keeps its requests in SENT and hears no good answer."""

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        SENT.append(request)
        return AWSResponse(request.url, 500, {}, None)

    config = boto3.session.Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "secret"}
    made = boto3.client(service, REGION, endpoint_url="http://127.0.0.1:1", config=config, **keys)
    made.meta.events.register("before-send.*", answer)
    return made


def sent(service: str, call: str, parameters: Mapping[str, Any]) -> Sent:
    """The request that boto3 would send."""
    with suppress(Exception):  # whatever botocore makes of that answer
        getattr(client(service), call)(**parameters)
    request = SENT.pop()
    parts = urlsplit(request.url)
    headers = {
        name.lower(): value if isinstance(value, str) else value.decode() for name, value in request.headers.items()
    }
    body = request.body.read() if hasattr(request.body, "read") else request.body or b""
    uri = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return Sent(request.method, uri, headers, body.encode() if isinstance(body, str) else body, 200)


@pytest.mark.parametrize(("service", "call", "parameters"), CALLS, ids=[call for _, call, _ in CALLS])
def test_a_request_is_read_as_what_it_was_made_of(service: str, call: str, parameters: dict[str, Any]) -> None:
    """In every protocol: the operation, and each parameter by the model's name for it."""
    found = read(sent(service, call, parameters))

    assert (service, call.replace("_", "")) == (found.service, found.operation.lower())
    assert parameters == {name: found.parameters[name] for name in parameters}
    assert [] == list(problems(found))


def changed(call: Sent, *, uri: str = "", body: bytes | None = None, target: str = "") -> Sent:
    headers = {**call.headers, **({"x-amz-target": target} if target else {})}
    return Sent(call.method, uri or call.uri, headers, call.body if body is None else body, call.status)


def test_what_the_models_do_not_know_is_named() -> None:
    """A member too many or too few, another type, a text that is none of the words, one that is too long."""
    create = sent("lambda", "create_alias", {"FunctionName": "digits", "Name": "live", "FunctionVersion": "1"})
    said = {
        why: " ".join(problems(read(changed(create, body=json.dumps(body).encode()))))
        for why, body in {
            "unknown": {"Name": "live", "FunctionVersion": "1", "Colour": "red"},
            "missing": {"Name": "live"},
            "type": {"Name": "live", "FunctionVersion": 1},
            "length": {"Name": "l" * 200, "FunctionVersion": "1"},
        }.items()
    }
    assert 'Unknown parameter in input: "Colour"' in said["unknown"]
    assert 'Missing required parameter in input: "FunctionVersion"' in said["missing"]
    assert "Invalid type for parameter FunctionVersion" in said["type"]
    assert "CreateAlias.Name has 200 of at most 128" == said["length"]

    listing = sent("lambda", "list_functions", {"FunctionVersion": "ALL"})
    worded = changed(listing, uri=listing.uri.replace("ALL", "MOST"))
    assert ["ListFunctions.FunctionVersion is 'MOST', none of ALL"] == list(problems(read(worded)))
    asking = changed(listing, uri=f"{listing.uri}&Colour=red")
    assert 'Unknown parameter in input: "Colour"' in " ".join(problems(read(asking)))
    role = sent("iam", "list_roles", {"MaxItems": 3})
    form = urlencode({"Action": "ListRoles", "MaxItems": "many", "Colour": "red"}).encode()
    told = " ".join(problems(read(changed(role, body=form))))
    assert "Invalid type for parameter MaxItems" in told
    assert 'Unknown parameter in input: "Colour"' in told


def test_what_is_no_call_is_refused() -> None:
    """An address that no operation has, an operation that no service has, a request without a signature."""
    listing = sent("lambda", "list_functions", {})
    with pytest.raises(ValueError, match="lambda has no operation GET /2015-03-31/colours"):
        read(changed(listing, uri="/2015-03-31/colours"))
    with pytest.raises(Exception, match="DescribeColours"):
        read(changed(sent("ecr", "describe_images", {"repositoryName": "d0"}), target="E.DescribeColours"))
    with pytest.raises(ValueError, match="is not signed"):
        read(Sent("GET", "/", {}, b"", 200))


def call(service: str, operation: str, **parameters: Any) -> Call:
    return Call(service, operation, parameters, 200)


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (call("sts", "GetCallerIdentity"), []),
        (call("lambda", "Invoke", FunctionName="digits"), [("lambda:InvokeFunction", FUNCTION)]),
        (call("lambda", "GetAlias", FunctionName=FUNCTION, Qualifier="1"), [("lambda:GetAlias", f"{FUNCTION}:1")]),
        (call("lambda", "ListFunctions"), [("lambda:ListFunctions", "*")]),
        (
            call("ecr", "CreateRepository", repositoryName="d", tags=[{"Key": "a"}]),
            [
                ("ecr:CreateRepository", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/d"),
                ("ecr:TagResource", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/d"),
            ],
        ),
        (
            call("ecr", "DescribeRepositories"),
            [("ecr:DescribeRepositories", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*")],
        ),
        (call("iam", "GetRole", RoleName="d"), [("iam:GetRole", f"arn:aws:iam::{ACCOUNT}:role/d")]),
        (
            call("apigatewayv2", "GetRoute", ApiId="a", RouteId="r"),
            [("apigateway:GET", f"arn:aws:apigateway:{REGION}::/apis/a/routes/r")],
        ),
        (call("s3", "ListObjectsV2", Bucket="b", Prefix="k"), [("s3:ListBucket", "arn:aws:s3:::b")]),
        (call("s3", "PutObject", Bucket="b", Key="k/s"), [("s3:PutObject", "arn:aws:s3:::b/k/s")]),
    ],
    ids=lambda value: str(value) if isinstance(value, Call) else "",
)
def test_what_a_call_asks_for(made: Call, wanted: list[tuple[str, str]]) -> None:
    """The action by IAM's name for it, on the ARN of what the call is about."""
    assert wanted == [(one.action, one.resource) for one in asked(made)]


def test_a_statement_allows_its_actions_on_its_resources_under_its_conditions() -> None:
    """What a request does not tell is not decided; what it tells otherwise refuses."""
    there = {"StringEquals": {"lambda:Principal": ["*", "a"], "aws:ResourceTag/x": "y"}}
    one = Statement("One", ("lambda:AddPermission",), (f"{FUNCTION}:*",), "", there)

    assert allows(one, Asked("lambda:AddPermission", f"{FUNCTION}:live", {"lambda:Principal": "*"}))
    assert not allows(one, Asked("lambda:AddPermission", f"{FUNCTION}:live", {"lambda:Principal": "b"}))
    assert not allows(one, Asked("lambda:AddPermission", FUNCTION, {"lambda:Principal": "*"}))
    assert not allows(one, Asked("lambda:RemovePermission", f"{FUNCTION}:live", {}))
    assert [f"lambda:AddPermission on {FUNCTION}"] == refused(
        [one], [call("lambda", "AddPermission", FunctionName="digits", Principal="*")]
    )
    unbounded = call("iam", "CreateRole", RoleName="d")
    bounded = Statement("Two", ("iam:CreateRole",), ("*",), "", {"StringEquals": {"iam:PermissionsBoundary": "arn"}})
    assert [f"iam:CreateRole on arn:aws:iam::{ACCOUNT}:role/d"] == refused([bounded], [unbounded])
