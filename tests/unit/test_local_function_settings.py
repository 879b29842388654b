"""Tags, aliases, permissions and URLs of a function on the local AWS follow Lambda's rules, through boto3."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from local_aws import REGION, ask
from local_endpoint import KEYS, LocalEndpoint


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    made = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield made
    made.close()


def refused(call: Callable[..., Any], **asked: Any) -> tuple[int, str]:
    """The status and the exception's name that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call(**asked)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"]


def release(functions: Any, name: str, **changed: Any) -> str:
    """Change the configuration and publish it; the version's number."""
    functions.update_function_configuration(FunctionName=name, **changed)
    return str(functions.publish_version(FunctionName=name)["Version"])


def test_tags_are_kept_with_the_function_and_are_at_most_50(aws: LocalEndpoint) -> None:
    """A tag that is there already takes no room; one too many changes nothing; they make no version."""
    functions = aws.function("tagged", Tags={"team": "digits"})
    arn = functions.get_function_configuration(FunctionName="tagged")["FunctionArn"]
    results = {f"deployer:smoke-test:{version}": "passed 2026-01-02T03:04:05Z" for version in range(1, 50)}
    functions.tag_resource(Resource=arn, Tags=results)
    functions.tag_resource(Resource=arn, Tags={"deployer:smoke-test:1": "failed 2026-01-02T03:04:05Z"})
    asked: dict[str, Any] = {"Resource": arn, "Tags": {"more": ""}}
    assert (400, "InvalidParameterValueException") == refused(functions.tag_resource, **asked)
    functions.untag_resource(Resource=arn, TagKeys=["team", "deployer:smoke-test:2"])
    tags = functions.list_tags(Resource=arn)["Tags"]
    assert (48, "failed 2026-01-02T03:04:05Z") == (len(tags), tags["deployer:smoke-test:1"])
    assert tags == functions.get_function(FunctionName="tagged", Qualifier="1")["Tags"]
    assert functions.publish_version(FunctionName="tagged")["Version"] == "1"
    for wrong in ({"aws:x": "1"}, {"a" * 129: "1"}, {"a": "b" * 257}, {"a": "{}"}):
        assert refused(functions.tag_resource, Resource=arn, Tags=wrong)[0] == 400
    assert refused(functions.tag_resource, Resource=f"{arn}:1", Tags={"a": "b"})[0] == 400
    assert refused(functions.tag_resource, Resource=f"{arn}-not", Tags={"a": "b"})[0] == 404
    assert tags == functions.list_tags(Resource=arn)["Tags"]


def test_descriptions_are_at_most_256_characters(aws: LocalEndpoint) -> None:
    """Of a function, of a version and of an alias."""
    functions = aws.function("described")
    long, fits = {"FunctionName": "described", "Description": "x" * 257}, "x" * 256
    calls = [
        (functions.update_function_configuration, long),
        (functions.publish_version, long),
        (functions.create_alias, {**long, "Name": "live", "FunctionVersion": "1"}),
    ]
    for call, asked in calls:
        assert (400, "ValidationException") == refused(call, **asked)
        call(**{**asked, "Description": fits})
    assert (400, "ValidationException") == refused(functions.update_alias, **long, Name="live")
    assert functions.get_alias(FunctionName="described", Name="live")["Description"] == fits


def test_each_qualifier_has_a_policy_of_its_own(aws: LocalEndpoint) -> None:
    """A statement's id is one statement of a policy, and removing it leaves that of another alias."""
    functions = aws.function("permitted")
    asked = {"FunctionName": "permitted", "StatementId": "Public", "Action": "lambda:InvokeFunction", "Principal": "*"}
    for alias in ("live", "candidate"):
        functions.create_alias(FunctionName="permitted", Name=alias, FunctionVersion="1")
        functions.add_permission(**asked, Qualifier=alias)
    assert (409, "ResourceConflictException") == refused(functions.add_permission, **asked, Qualifier="live")
    with pytest.raises(ClientError, match=r"The statement id \(Public\) provided already exists"):
        functions.add_permission(**asked, Qualifier="live")
    removed = {"FunctionName": "permitted", "Qualifier": "live", "StatementId": "Public"}
    functions.remove_permission(**removed)
    assert (404, "ResourceNotFoundException") == refused(functions.remove_permission, **removed)
    found = functions.get_policy(FunctionName="permitted", Qualifier="candidate")
    assert [":candidate"] == [one["Resource"][-10:] for one in json.loads(found["Policy"])["Statement"]]
    for qualifier in ({"Qualifier": "live"}, {}, {"Qualifier": "nobody"}):
        assert refused(functions.get_policy, FunctionName="permitted", **qualifier)[0] == 404


def test_a_permission_for_a_url_names_its_auth_type_as_a_condition(aws: LocalEndpoint) -> None:
    """terraform reads it from there; without it a permission that is taken over would be made anew."""
    functions = aws.function("conditional")
    said = functions.add_permission(
        FunctionName="conditional",
        StatementId="PublicUrl",
        Action="lambda:InvokeFunctionUrl",
        Principal="*",
        FunctionUrlAuthType="NONE",
    )
    (kept,) = json.loads(functions.get_policy(FunctionName="conditional")["Policy"])["Statement"]
    assert kept == json.loads(said["Statement"])
    assert {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}} == kept["Condition"]
    assert "FunctionUrlAuthType" not in kept


def url_of_alias(functions: Any, name: str, alias: str, auth: str) -> str:
    """Make an alias of version 1, and a URL for it."""
    functions.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
    made = functions.create_function_url_config(FunctionName=name, Qualifier=alias, AuthType=auth)
    return str(made["FunctionUrl"])


def allow(functions: Any, name: str, alias: str) -> None:
    for action in ("InvokeFunctionUrl", "InvokeFunction"):
        asked = {"FunctionName": name, "Qualifier": alias, "StatementId": action, "Principal": "*"}
        functions.add_permission(**asked, Action=f"lambda:{action}")


def signed(url: str) -> dict[str, str]:
    request = AWSRequest("GET", url)
    SigV4Auth(Credentials(KEYS.access_key_id, KEYS.secret_access_key), "lambda", REGION).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


def test_the_urls_of_two_aliases_are_opened_apart(aws: LocalEndpoint) -> None:
    """A public `live` opens no private `candidate`, and a permission of one alias none of the other's."""
    functions = aws.function("opened")
    candidate = url_of_alias(functions, "opened", "candidate", "AWS_IAM")
    live = url_of_alias(functions, "opened", "live", "NONE")
    ask("GET", live, status=403)
    allow(functions, "opened", "live")
    assert ask("GET", live).data == b"1"
    ask("GET", candidate, status=403)
    assert ask("GET", candidate, headers=signed(candidate)).data == b"1"
    functions.update_function_url_config(FunctionName="opened", Qualifier="candidate", AuthType="NONE")
    ask("GET", candidate, status=403)


def test_what_belongs_to_an_alias_goes_with_it(aws: LocalEndpoint) -> None:
    """Its URL and its policy; the alias of that name made anew has neither."""
    functions = aws.function("gone")
    url = url_of_alias(functions, "gone", "live", "NONE")
    allow(functions, "gone", "live")
    for _ in range(2):
        functions.delete_alias(FunctionName="gone", Name="live")
    ask("GET", url, status=404)
    assert url == url_of_alias(functions, "gone", "live", "NONE")
    ask("GET", url, status=403)
    asked = {"FunctionName": "gone", "Qualifier": "nobody", "AuthType": "NONE"}
    assert (404, "ResourceNotFoundException") == refused(functions.create_function_url_config, **asked)


def test_an_alias_says_what_it_was_told_last(aws: LocalEndpoint) -> None:
    """Its description is kept by an update that names none; its RevisionId is another after each update."""
    functions = aws.function("moved")
    release(functions, "moved", Timeout=4)
    made = functions.create_alias(FunctionName="moved", Name="live", FunctionVersion="1", Description="first")
    moved = functions.update_alias(
        FunctionName="moved",
        Name="live",
        FunctionVersion="2",
        RevisionId=made["RevisionId"],
        Description="1 did before.",
    )
    stale = {"FunctionName": "moved", "Name": "live", "FunctionVersion": "1", "RevisionId": made["RevisionId"]}
    assert (412, "PreconditionFailedException") == refused(functions.update_alias, **stale)
    functions.update_alias(FunctionName="moved", Name="live", RoutingConfig={"AdditionalVersionWeights": {"1": 0.1}})
    found = functions.get_alias(FunctionName="moved", Name="live")
    assert ("2", "1 did before.") == (found["FunctionVersion"], found["Description"])
    assert len({one["RevisionId"] for one in (made, moved, found)}) == 3
    assert [] == functions.list_aliases(FunctionName="moved", FunctionVersion="1")["Aliases"]
