"""The things in AWS that a deployment by upstream bentoctl consists of, each removed through its service's own API.

terraform is not used for it: the state wants the provider of 2022 that it was written with. No boto3 here: `client`
gives the client of a service by its name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from deployer.tools.aws_adoption import there
from deployer.tools.aws_images import Images
from deployer.tools.aws_leftovers import Clients
from deployer.tools.upstream_state import ALIAS, UpstreamDeployment

Explained = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class Part:
    """One thing: `line` is for people. `users` says who else needs it, so that it has to stay."""

    line: str
    is_there: Callable[[], bool]
    remove: Callable[[], None]
    users: Callable[[], tuple[str, ...]] = tuple


class UpstreamParts:
    """Every function of a part raises DeployerError where AWS refuses or cannot be reached."""

    def __init__(self, client: Clients, deployment: UpstreamDeployment, explained: Explained) -> None:
        self._client, self._deployment, self._explained = client, deployment, explained

    def all(self) -> tuple[Part, ...]:
        """The whole deployment, in the order in which it goes: what others need comes after them, the images last."""
        deployment = self._deployment
        groups = [self._log_group(name) for name in deployment.log_groups]
        function = [self._function()] if deployment.function else []
        return (*self._api(), *function, *groups, *self._role(), *self._repository())

    def around_the_function(self, version: str) -> tuple[Part, ...]:
        """All but the function and its own log, with the version that the old API asked; in their order."""
        deployment = self._deployment
        groups = [self._log_group(name) for name in deployment.log_groups if name != deployment.own_log_group]
        frozen = [self._alias(version), self._version(version)] if version else []
        statement = [self._statement()] if deployment.statement else []
        return (*self._api(), *frozen, *statement, *groups, *self._role(), *self._repository())

    def _part(
        self,
        line: str,
        ask: Callable[[], Any],
        remove: Callable[[], Any],
        users: Callable[[], tuple[str, ...]] = tuple,
    ) -> Part:
        """`ask` answers nothing, or AWS says that there is nothing, where the thing is gone."""

        def is_there() -> bool:
            with self._explained(f"Looking for the {line}"):
                return bool(there(ask))

        def removed() -> None:
            with self._explained(f"Deleting the {line}"):
                there(remove)

        def needed() -> tuple[str, ...]:
            with self._explained(f"Looking for what needs the {line}"):
                return users()

        return Part(line, is_there, removed, needed)

    def _api(self) -> Iterator[Part]:
        """With its stages, routes and integrations, which go with it."""
        apis, api = self._client("apigatewayv2"), self._deployment.api
        if api:
            yield self._part(f"HTTP API {api}", lambda: apis.get_api(ApiId=api), lambda: apis.delete_api(ApiId=api))

    def _function(self) -> Part:
        lambda_, named = self._client("lambda"), {"FunctionName": self._deployment.function}
        return self._part(
            f"Lambda function {self._deployment.function}",
            lambda: lambda_.get_function_configuration(**named),
            lambda: lambda_.delete_function(**named),
        )

    def _alias(self, version: str) -> Part:
        """With the policy of its own."""
        lambda_, named = self._client("lambda"), {"FunctionName": self._deployment.function, "Name": ALIAS}
        line = f"alias {ALIAS} of version {version}"
        return self._part(line, lambda: lambda_.get_alias(**named), lambda: lambda_.delete_alias(**named))

    def _version(self, version: str) -> Part:
        lambda_, function = self._client("lambda"), self._deployment.function

        def users() -> tuple[str, ...]:
            aliases = lambda_.list_aliases(FunctionName=function, FunctionVersion=version)["Aliases"]
            return tuple(f"alias {alias['Name']}" for alias in aliases)

        return self._part(
            f"version {version} of {function}",
            lambda: lambda_.get_function_configuration(FunctionName=function, Qualifier=version),
            lambda: lambda_.delete_function(FunctionName=function, Qualifier=version),
            users,
        )

    def _statement(self) -> Part:
        """What allowed the API to ask `$LATEST`."""
        lambda_, function, name = self._client("lambda"), self._deployment.function, self._deployment.statement
        return self._part(
            f"policy statement {name} of {function}",
            lambda: f'"{name}"' in lambda_.get_policy(FunctionName=function)["Policy"],
            lambda: lambda_.remove_permission(FunctionName=function, StatementId=name),
        )

    def _log_group(self, name: str) -> Part:
        logs = self._client("logs")

        def found() -> bool:
            groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
            return any(group["logGroupName"] == name for group in groups)

        return self._part(f"log group {name}", found, lambda: logs.delete_log_group(logGroupName=name))

    def _role(self) -> Iterator[Part]:
        iam, role = self._client("iam"), self._deployment.role

        def remove() -> None:
            for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
            for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                iam.delete_role_policy(RoleName=role, PolicyName=name)
            iam.delete_role(RoleName=role)

        def users() -> tuple[str, ...]:
            return self._functions(lambda found: found["Role"].rpartition("/")[2] == role)

        if role:
            yield self._part(f"IAM role {role}", lambda: iam.get_role(RoleName=role), remove, users)

    def _repository(self) -> Iterator[Part]:
        ecr, name = self._client("ecr"), self._deployment.repository

        def users() -> tuple[str, ...]:
            images = {image.digest for image in Images(ecr, name, self._explained).all()}
            return self._functions(
                lambda found: f"sha256:{found['CodeSha256']}" in images and self._is_from(name, found)
            )

        if name:
            yield self._part(
                f"ECR repository {name}",
                lambda: ecr.describe_repositories(repositoryNames=[name]),
                lambda: ecr.delete_repository(repositoryName=name, force=True),
                users,
            )

    def _is_from(self, repository: str, version: Any) -> bool:
        """The same image may be in another repository too, and a list of functions does not say which is meant."""
        asked = {"FunctionName": version["FunctionName"], "Qualifier": version["Version"]}
        found = there(lambda: self._client("lambda").get_function(**asked))
        uri = str(found["Code"].get("ImageUri", "")) if found else ""
        return re.split("[@:]", uri.partition("/")[2])[0] == repository

    def _functions(self, fits: Callable[[Any], bool]) -> tuple[str, ...]:
        """The functions of the region with a version that fits."""
        pages = self._client("lambda").get_paginator("list_functions").paginate(FunctionVersion="ALL")
        found = {version["FunctionName"] for page in pages for version in page["Functions"] if fits(version)}
        return tuple(f"function {name}" for name in sorted(found))
