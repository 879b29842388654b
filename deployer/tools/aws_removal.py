"""Deleting through each service's own API what terraform does not own, or does not know of: only what is deployer's.

No boto3 here: `client` gives the client of a service by its name. Each method says whether there was something.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from deployer.tools import aws_leftovers
from deployer.tools.aws_adoption import function_owner, there
from deployer.tools.aws_leftovers import OWNER_TAG, Clients


class Removal:
    """Of the deployment `name`. Every method raises DeployerError where AWS refuses or cannot be reached."""

    def __init__(
        self, client: Clients, name: str, *, region: str, explained: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self._client, self._name, self._region, self._explained = client, name, region, explained

    def function(self) -> bool:
        """The function with its versions, aliases, URLs and policy statements; not one that is tagged for another."""
        with self._explained(f"Deleting the Lambda function {self._name}"):
            if function_owner(self._client, self._name) != self._name:
                return False
            return there(lambda: self._client("lambda").delete_function(FunctionName=self._name)) is not None

    def role(self) -> bool:
        """The function's role with the policies written into it; not one that is tagged for another, or for nobody."""
        iam, role = self._client("iam"), f"{self._name}-{self._region}"
        with self._explained(f"Deleting the IAM role {role}"):
            tags = there(lambda: iam.list_role_tags(RoleName=role)["Tags"]) or []
            if {"Key": OWNER_TAG, "Value": self._name} not in tags:
                return False
            for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
                iam.delete_role_policy(RoleName=role, PolicyName=policy)
            return there(lambda: iam.delete_role(RoleName=role)) is not None

    def log_group(self) -> bool:
        """The function's log group, which a late request may have made again without any tag."""
        group = f"/aws/lambda/{self._name}"
        with self._explained(f"Deleting the log of {self._name}"):
            return there(lambda: self._client("logs").delete_log_group(logGroupName=group)) is not None

    def repository(self, repository: str) -> bool:
        """An ECR repository with all its images.

        One without deployer's tag was made by somebody else, and one that is tagged for another deployment is in use
        there: both stay.
        """
        ecr = self._client("ecr")
        with self._explained(f"Deleting the ECR repository {repository}"):
            if aws_leftovers.repository_owner(ecr, repository) != self._name:
                return False
            return there(lambda: ecr.delete_repository(repositoryName=repository, force=True)) is not None
