"""The target `aws`: the user's own account, reached with the credentials of the shell."""

from __future__ import annotations

from collections.abc import Mapping

from deployer.targets import Environment


class AwsTarget:
    """`variables` are the user's environment variables: profile, keys, endpoint."""

    name = "aws"

    def __init__(self, *, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def prepare(self, *, region: str, python_version: str | None = None, architecture: str = "") -> Environment:
        """Raises DeployerError when there are no credentials, or when AWS does not accept them."""
        from deployer.tools.aws import Aws  # boto3 takes longer to load than `deployer --help` may take

        environment = self._environment(region)
        Aws(environment, self._variables).identity()
        return environment

    def reach(self, *, region: str) -> Environment:
        """Raises DeployerError as `prepare` does."""
        return self.prepare(region=region)

    def _environment(self, region: str) -> Environment:
        """Both names of the region: boto3 reads one of them, terraform's provider prefers the other."""
        return Environment(self.name, region, variables={"AWS_REGION": region, "AWS_DEFAULT_REGION": region})
