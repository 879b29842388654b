"""The target `aws`: the user's own account, reached with the credentials of the shell."""

from __future__ import annotations

from collections.abc import Mapping

from deployer.errors import DeployerError
from deployer.targets import Environment


class AwsTarget:
    """`variables` are the user's environment variables: profile, keys, endpoint."""

    name = "aws"

    def __init__(self, *, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def prepare(self, *, region: str, python_version: str | None = None) -> Environment:
        """Raises DeployerError when there are no credentials, when AWS does not accept them, and for every image.

        Images have no base image yet, and Lambda cannot start one that holds neither a system nor a Python.
        """
        from deployer.tools.aws import Aws  # boto3 takes longer to load than `deployer --help` may take

        environment = self._environment(region)
        Aws(environment, self._variables).identity()
        if python_version is not None:
            raise DeployerError(
                f"The image of a Python {python_version} Bento cannot run on AWS yet: this release of deployer builds"
                " images without a base image. Nothing was sent to the account.",
                hint="Deploy to the local target: `--target local`, or no `target: aws` in the config.",
            )
        return environment

    def reach(self, *, region: str) -> Environment:
        """Raises DeployerError as `prepare` does."""
        return self.prepare(region=region)

    def _environment(self, region: str) -> Environment:
        """Both names of the region: boto3 reads one of them, terraform's provider prefers the other."""
        return Environment(self.name, region, variables={"AWS_REGION": region, "AWS_DEFAULT_REGION": region})
