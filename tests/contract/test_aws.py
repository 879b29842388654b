"""The AWS door on a real moto server: what it finds, what it deletes, and what it leaves to others."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto_server import moto_server

from deployer.config import DeploymentConfig, Spec
from deployer.errors import DeployerError
from deployer.targets import Environment
from deployer.targets.aws import AwsTarget
from deployer.tools.aws import Aws

REGION = "eu-west-1"
OWNED = {"deployer:name": "digits"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One server for all; each test starts with an empty account."""
    with moto_server() as url:
        yield url


@pytest.fixture
def variables(server: str) -> Iterator[dict[str, str]]:
    """A shell with credentials for the server, whose account is empty."""
    import urllib3

    urllib3.request("POST", f"{server}/moto-api/reset")
    yield {"AWS_ENDPOINT_URL": server, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture
def aws(variables: dict[str, str]) -> Aws:
    return Aws(AwsTarget(variables=variables).prepare(region=REGION), variables)


def client(service: str, variables: Mapping[str, str], region: str = REGION) -> Any:
    """boto3 itself, to set up what the door is to find."""
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106
    )


def make_repository(variables: Mapping[str, str], name: str, tags: Mapping[str, str] = OWNED) -> Any:
    ecr = client("ecr", variables)
    ecr.create_repository(repositoryName=name, tags=[{"Key": key, "Value": value} for key, value in tags.items()])
    return ecr


def push(ecr: Any, repository: str, tag: str) -> str:
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": "sha256:" + "0" * 64,
                "size": 1,
            },
            "layers": [],
        }
    )
    digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    ecr.put_image(repositoryName=repository, imageManifest=manifest, imageDigest=digest, imageTag=tag)
    return digest


def make_function(variables: Mapping[str, str], name: str, tags: Mapping[str, str] = OWNED) -> None:
    role = client("iam", variables).create_role(RoleName=f"{name}-role", AssumeRolePolicyDocument=TRUST)
    client("lambda", variables).create_function(
        FunctionName=name,
        Role=role["Role"]["Arn"],
        PackageType="Image",
        Code={"ImageUri": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/digits@sha256:{'0' * 64}"},
        Tags=dict(tags),
    )


def release(variables: Mapping[str, str], name: str, *aliases: str) -> None:
    """A function with version 1 behind each of these aliases and its public URL, as the template makes them."""
    make_function(variables, name)
    lambda_ = client("lambda", variables)
    version = lambda_.publish_version(FunctionName=name)["Version"]
    for alias in aliases:
        lambda_.create_alias(FunctionName=name, Name=alias, FunctionVersion=version)
        lambda_.create_function_url_config(FunctionName=name, Qualifier=alias, AuthType="NONE")
        lambda_.add_permission(
            FunctionName=name,
            Qualifier=alias,
            StatementId="PublicUrl",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
        )


def test_the_target_says_whose_account_it_is_and_sets_both_names_of_the_region(variables: dict[str, str]) -> None:
    """boto3 and terraform's provider read different variables."""
    environment = AwsTarget(variables=variables).prepare(region=REGION)
    keys = {name: variables[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    assert {**keys, "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION} == environment.variables
    assert environment.registry_url is None
    assert ("x86_64", False) == (environment.architecture, environment.runs_without_base)
    assert ["123456789012"] * 2 == [environment.account, Aws(environment, variables).identity().account]


def test_an_image_is_found_by_tag_and_its_absence_is_no_error(aws: Aws, variables: dict[str, str]) -> None:
    """Neither a missing tag nor a missing repository fails."""
    digest = push(make_repository(variables, "team/digits"), "team/digits", "v1")
    assert [digest, None, None] == [
        aws.image_digest("team/digits", "v1"),
        aws.image_digest("team/digits", "v2"),
        aws.image_digest("nothing", "v1"),
    ]


def test_the_registrys_credentials_are_a_user_and_a_password(aws: Aws) -> None:
    """ECR's user is always AWS."""
    user, password = aws.registry_credentials()
    assert ("AWS", True) == (user, len(password) > 0)


def test_a_repository_of_the_deployment_is_deleted_with_its_images_once(aws: Aws, variables: dict[str, str]) -> None:
    """The second time there is nothing."""
    push(make_repository(variables, "digits"), "digits", "v1")
    assert [True, False] == [
        aws.removal("digits").repository("digits"),
        aws.removal("digits").repository("digits"),
    ]


@pytest.mark.parametrize("tags", [{}, {"team": "ml"}, {"deployer:name": "other"}])
def test_a_repository_of_somebody_else_stays(aws: Aws, variables: dict[str, str], tags: dict[str, str]) -> None:
    """One that deployer did not make, or that another deployment uses, keeps its images and is no leftover."""
    digest = push(make_repository(variables, "digits", tags), "digits", "v1")
    assert not aws.removal("digits").repository("digits")
    assert digest == aws.image_digest("digits", "v1")
    assert () == aws.leftovers("digits", repository="digits")


def test_a_function_and_a_role_are_deleted_once_with_what_hangs_on_them(aws: Aws, variables: dict[str, str]) -> None:
    """Aliases, URLs and policy statements go with the function, the policies written into it with the role."""
    release(variables, "digits", "candidate", "live")
    iam, role = client("iam", variables), f"digits-{REGION}"
    tags = [{"Key": "deployer:name", "Value": "digits"}]
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST, Tags=tags)
    iam.put_role_policy(RoleName=role, PolicyName="log", PolicyDocument=POLICY)
    removal = aws.removal("digits")
    assert [True, False, True, False] == [
        removal.function(),
        removal.function(),
        removal.role(),
        removal.role(),
    ]
    assert () == aws.leftovers("digits", repository="digits")


@pytest.mark.parametrize("tags", [{}, {"deployer:name": "other"}])
def test_a_function_and_a_role_of_somebody_else_stay(aws: Aws, variables: dict[str, str], tags: dict[str, str]) -> None:
    """Whatever their names."""
    make_function(variables, "digits", tags)
    named = [{"Key": key, "Value": value} for key, value in tags.items()]
    client("iam", variables).create_role(RoleName=f"digits-{REGION}", AssumeRolePolicyDocument=TRUST, Tags=named)
    assert [False, False] == [aws.removal("digits").function(), aws.removal("digits").role()]
    assert tags.get("deployer:name", "") == aws.function_owner("digits")


def test_whatever_is_left_is_found_by_name_and_by_tag(aws: Aws, variables: dict[str, str]) -> None:
    """By tag under any name, by name without any tag, each thing once; a neighbour's things are not ours."""
    make_function(variables, "digits")
    make_repository(variables, "renamed/digits")
    make_repository(variables, "digits-2", {"deployer:name": "digits-2"})
    logs, iam = client("logs", variables), client("iam", variables)
    logs.create_log_group(logGroupName="/aws/lambda/digits")
    logs.create_log_group(logGroupName="/aws/lambda/digits-2")
    logs.create_log_group(logGroupName="/apis/digits", tags=OWNED)
    logs.create_log_group(logGroupName="/renamed", tags=OWNED)
    iam.create_role(RoleName=f"digits-{REGION}", AssumeRolePolicyDocument=TRUST)
    tags = [{"Key": "deployer:name", "Value": "digits"}]
    iam.create_role(RoleName=f"digits-{REGION}-extra", AssumeRolePolicyDocument=TRUST, Tags=tags)
    iam.create_role(RoleName="digits-us-east-1", AssumeRolePolicyDocument=TRUST, Tags=tags)
    assert (
        "ECR repository renamed/digits",
        f"IAM role digits-{REGION}",
        f"IAM role digits-{REGION}-extra",
        "Lambda function digits",
        f"arn:aws:logs:{REGION}:123456789012:log-group:/renamed",
        "log group /apis/digits",
        "log group /aws/lambda/digits",
    ) == aws.leftovers("digits", repository="digits")


def test_a_function_that_is_left_is_told_with_what_belongs_to_it(aws: Aws, variables: dict[str, str]) -> None:
    """Its aliases, versions, URLs and policy statements; moto shows those of one qualifier at the others too."""
    release(variables, "digits", "candidate", "live")
    (told,) = aws.leftovers("digits", repository="digits")
    assert told.startswith("Lambda function digits (aliases candidate, live; versions 1; Function URLs of ")
    assert "candidate, live; policy statements " in told
    assert "live/PublicUrl" in told


def test_an_http_api_is_found_by_tag_and_by_the_function_that_it_asks(aws: Aws, variables: dict[str, str]) -> None:
    """One of the same name that asks another function is somebody's, and so is one that is tagged for another."""
    apis, arn = client("apigatewayv2", variables), f"arn:aws:lambda:{REGION}:123456789012:function"
    made = {}
    for name, tags, function in (
        ("renamed", OWNED, ""),
        ("digits", {}, "digits:live"),
        ("digits", {}, "digits-2"),
        ("digits", {"deployer:name": "digits-2"}, "digits"),
    ):
        made[name, function] = api = apis.create_api(Name=name, ProtocolType="HTTP", Tags=dict(tags))["ApiId"]
        if function:
            apis.create_integration(ApiId=api, IntegrationType="AWS_PROXY", IntegrationUri=f"{arn}:{function}")
    expected = [f"HTTP API digits ({made['digits', 'digits:live']})", f"HTTP API renamed ({made['renamed', '']})"]
    assert expected == list(aws.leftovers("digits", repository="digits"))


def test_an_empty_account_has_no_leftovers(aws: Aws) -> None:
    """And asking for them is no error."""
    assert () == aws.leftovers("digits", repository="digits")


PRIVATE = DeploymentConfig("digits", spec=Spec(region=REGION))
PUBLIC = DeploymentConfig("digits", spec=Spec(region=REGION, auth="none"))


def test_what_is_there_can_be_imported_and_a_strangers_role_is_not(aws: Aws, variables: dict[str, str]) -> None:
    """Import ids by the template's addresses, permissions only where the config has a public URL."""
    release(variables, "digits", "candidate", "live")
    client("logs", variables).create_log_group(logGroupName="/aws/lambda/digits")
    client("iam", variables).create_role(RoleName=f"digits-{REGION}", AssumeRolePolicyDocument=TRUST)

    private, public = aws.existing(PRIVATE), aws.existing(PUBLIC)

    assert {
        "aws_cloudwatch_log_group.this": "/aws/lambda/digits",
        "aws_lambda_function.this": "digits",
        "aws_lambda_alias.candidate": "digits/candidate",
        "aws_lambda_function_url.candidate": "digits/candidate",
        "aws_lambda_alias.live[0]": "digits/live",
        "aws_lambda_function_url.live[0]": "digits/live",
    } == private
    assert {**private, "aws_lambda_permission.public_url[0]": "digits:live/PublicUrl"} == public
    assert {} == aws.existing(DeploymentConfig("other"))


def test_what_was_never_released_has_nothing_of_live_to_import(aws: Aws, variables: dict[str, str]) -> None:
    """The template makes the alias, its URL and its permissions only when a first version has passed its test."""
    release(variables, "digits", "candidate")
    assert {
        "aws_lambda_function.this": "digits",
        "aws_lambda_alias.candidate": "digits/candidate",
        "aws_lambda_function_url.candidate": "digits/candidate",
    } == aws.existing(PUBLIC)


@pytest.mark.parametrize(("tags", "owner"), [(OWNED, "digits"), ({}, ""), ({"deployer:name": "b"}, "b")])
def test_a_functions_owner_is_its_tag(aws: Aws, variables: dict[str, str], tags: dict[str, str], owner: str) -> None:
    """No tag is nobody of ours; no function is None."""
    make_function(variables, "digits", tags)
    assert [owner, None] == [aws.function_owner("digits"), aws.function_owner("other")]


def test_a_log_is_read_from_its_newest_lines_and_deleted_once(aws: Aws, variables: dict[str, str]) -> None:
    """Lines of several execution environments are put in order of time; without a log there are none."""
    assert () == aws.recent_logs("digits")
    logs, group = client("logs", variables), "/aws/lambda/digits"
    logs.create_log_group(logGroupName=group)
    now = int(time.time() * 1000) - 1000
    for stream, times in (("one", (0, 20)), ("two", (10, 30))):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": now + at, "message": f"at {at}\n"} for at in times]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
    assert ("at 10", "at 20", "at 30") == aws.recent_logs("digits", limit=3)
    assert [True, False] == [aws.removal("digits").log_group(), aws.removal("digits").log_group()]


def test_the_log_of_one_version_is_not_that_of_the_traffic(aws: Aws, variables: dict[str, str]) -> None:
    """Lambda names streams YYYY/MM/DD/[VERSION]HASH: those of version 2 are found behind the many newer ones of 1."""
    logs, group = client("logs", variables), "/aws/lambda/digits"
    logs.create_log_group(logGroupName=group)
    now = int(time.time() * 1000) - 100_000
    streams = [("2", f"{at:02}") for at in range(6)] + [("1", f"{at:02}") for at in range(10)] + [("12", "0")]
    for at, (version, name) in enumerate(streams):
        stream = f"2026/01/02/[{version}]{name}"
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        events = [{"timestamp": now + at, "message": f"{version} at {name}\n"}]
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    assert tuple(f"2 at 0{at}" for at in range(1, 6)) == aws.recent_logs("digits", version="2")
    assert ("12 at 0",) == aws.recent_logs("digits", version="12")
    assert () == aws.recent_logs("digits", version="3")


def test_a_request_is_signed_for_lambda_in_the_deployments_region(aws: Aws) -> None:
    """The signature is the one that AWS computes from the same request, body and query string included."""
    url, body = "https://id.lambda-url.eu-west-1.on.aws/predict?a=b%20c", b'{"rows": [1]}'
    headers = aws.sign(method="POST", url=url, headers={"Content-Type": "application/json"}, body=body)
    check = AWSRequest("POST", url, headers={"Content-Type": "application/json"}, data=body)
    check.context["timestamp"] = headers["X-Amz-Date"]
    check.headers["X-Amz-Date"] = headers["X-Amz-Date"]
    signer = SigV4Auth(Credentials("key", "secret"), "lambda", REGION)
    expected = signer.signature(signer.string_to_sign(check, signer.canonical_request(check)), check)
    assert headers["Authorization"].endswith(f"Signature={expected}")
    assert "application/json" == headers["Content-Type"]


def test_credentials_come_from_the_mapping_alone(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's own profile and keys are neither used nor a hindrance."""
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    aws = Aws(Environment("aws", REGION), variables)
    headers = aws.sign(method="GET", url="https://example.com/", headers={}, body=b"")
    assert "Credential=key/" in headers["Authorization"]
    with pytest.raises(DeployerError, match="Unable to locate credentials"):
        Aws(Environment("aws", REGION), {"AWS_ENDPOINT_URL": variables["AWS_ENDPOINT_URL"]}).identity()


def test_a_session_token_is_signed_with(variables: dict[str, str]) -> None:
    """Credentials of an assumed role are three values."""
    aws = Aws(Environment("aws", REGION), {**variables, "AWS_SESSION_TOKEN": "token"})
    headers = aws.sign(method="GET", url="https://example.com/", headers={}, body=b"")
    assert "token" == headers["X-Amz-Security-Token"]


def test_an_endpoint_that_refuses_connections_is_named(variables: dict[str, str]) -> None:
    """With the setting it came from."""
    with pytest.raises(DeployerError) as caught:
        AwsTarget(variables={**variables, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}).prepare(region=REGION)
    assert "AWS_ENDPOINT_URL (http://127.0.0.1:9)" in caught.value.hint
