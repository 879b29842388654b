"""What is left of a deployment, as an account tells it that denies something or lists what is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.tools.aws_leftovers import find

LOGS, ECR = (f"arn:aws:{service}:eu-west-1:123456789012" for service in ("logs", "ecr"))
ROLE, REPOSITORY = "digits-eu-west-1", "team/digits"


@dataclass
class Account:
    """Every service's client, where there is no function. Everything is tagged for `digits`, or `refused` is the error
    code for who asks for its tags; `asked` are those questions. `listed` are the ARNs of AWS's tagging index.
    """

    groups: Sequence[str] = ()
    roles: Sequence[str] = ()
    repositories: Sequence[str] = ()
    listed: Sequence[str] = ()
    refused: str = ""
    asked: list[str] = field(default_factory=list)

    def get_paginator(self, operation: str) -> Account:
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield {
            "logGroups": [{"logGroupName": name, "arn": f"{LOGS}:log-group:{name}:*"} for name in self.groups],
            "Roles": [{"RoleName": name} for name in self.roles],
            "repositories": [self._repository(name) for name in self.repositories],
            "Items": [],
            "ResourceTagMappingList": [{"ResourceARN": arn} for arn in self.listed],
        }

    def get_function_configuration(self, **asked: str) -> None:
        raise refusal("ResourceNotFoundException")

    def get_role(self, **asked: str) -> None:
        if asked["RoleName"] not in self.roles:
            raise refusal("NoSuchEntity")

    def describe_repositories(self, **asked: Sequence[str]) -> dict[str, Any]:
        (name,) = asked["repositoryNames"]
        if name not in self.repositories:
            raise refusal("RepositoryNotFoundException")
        return {"repositories": [self._repository(name)]}

    def list_tags_for_resource(self, **asked: str) -> dict[str, Any]:
        arn, tags = asked["resourceArn"], self._tags(asked["resourceArn"])
        return {"tags": {tag["Key"]: tag["Value"] for tag in tags} if arn.startswith(LOGS) else tags}

    def list_role_tags(self, **asked: str) -> dict[str, Any]:
        return {"Tags": self._tags(asked["RoleName"])}

    def _tags(self, name: str) -> list[dict[str, str]]:
        self.asked.append(name)
        if self.refused:
            raise refusal(self.refused)
        return [{"Key": "deployer:name", "Value": "digits"}]

    def _repository(self, name: str) -> dict[str, str]:
        return {"repositoryName": name, "repositoryArn": f"{ECR}:repository/{name}"}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "Ask")


def left(account: Account) -> tuple[str, ...]:
    return find(lambda service: account, name="digits", region="eu-west-1", repository=REPOSITORY)


OTHERS = {"groups": ("/apis/digits",), "roles": (f"{ROLE}-extra",), "repositories": ("renamed",)}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_not_the_deployments_by_name_is_its_own_only_where_its_tags_may_be_read(kind: str) -> None:
    """Credentials narrowed to the deployment do not say whose it is; any other failure is one."""
    other = {kind: OTHERS[kind]}
    (line,) = left(Account(**other))
    assert OTHERS[kind][0] in line
    denied = Account(**other, refused="AccessDeniedException")
    assert () == left(denied)
    assert 1 == len(denied.asked)
    with pytest.raises(ClientError):
        left(Account(**other, refused="ThrottlingException"))


def test_whose_the_deployments_own_repository_is_must_be_known() -> None:
    """It was asked for by its name."""
    with pytest.raises(ClientError):
        left(Account(repositories=(REPOSITORY,), refused="AccessDeniedException"))


def test_what_was_just_deleted_is_not_left_although_the_tagging_index_still_has_it() -> None:
    """Its own service knows better, where that was asked for it by name; of anything else the index is believed."""
    deleted = (
        "arn:aws:lambda:eu-west-1:123456789012:function:digits",
        f"{LOGS}:log-group:/aws/lambda/digits",
        f"{LOGS}:log-group:/aws/lambda/digits:*",
        f"arn:aws:iam::123456789012:role/{ROLE}",
        f"{ECR}:repository/{REPOSITORY}",
    )
    others = (
        f"{ECR}:repository/renamed",
        "arn:aws:lambda:eu-west-1:123456789012:function:digits-2",
        f"{LOGS}:log-group:/renamed",
        "arn:aws:sns:eu-west-1:123456789012:digits",
    )
    assert tuple(sorted(others)) == left(Account(listed=(*deleted, *others)))
