"""The ARNs of what belongs to a deployment, as IAM policies name it. Nothing is asked of AWS."""

from __future__ import annotations

from dataclasses import dataclass

from deployer.config import DeploymentConfig
from deployer.config.values import Backend
from deployer.tools.aws_partition import partition_of


@dataclass(frozen=True)
class ResourceNames:
    """Of one config. `account` is the account's number, or `*` where it is not known."""

    config: DeploymentConfig
    account: str

    @property
    def region(self) -> str:
        return self.config.spec.region

    @property
    def partition(self) -> str:
        return partition_of(self.region).name

    @property
    def function(self) -> tuple[str, str]:
        """The function, and its versions and aliases."""
        function = self.regional("lambda", f"function:{self.config.name}")
        return function, f"{function}:*"

    @property
    def log_group(self) -> tuple[str, str]:
        """As most calls name it, and as those about tags do."""
        group = self.regional("logs", f"log-group:/aws/lambda/{self.config.name}")
        return f"{group}:*", group

    @property
    def repository(self) -> str:
        return self.regional("ecr", f"repository/{self.config.repository}")

    @property
    def own_role(self) -> str:
        """The execution role that the template makes."""
        return f"arn:{self.partition}:iam::{self.account}:role/{self.config.name}-{self.region}"

    @property
    def role(self) -> str:
        """The execution role that the function has."""
        return self.config.spec.role or self.own_role

    def bucket(self, backend: Backend) -> str:
        return f"arn:{self.partition}:s3:::{backend.bucket}"

    def apis(self, path: str) -> str:
        """API Gateway's own resources have no account."""
        return f"arn:{self.partition}:apigateway:{self.region}::/{path}"

    def regional(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"
