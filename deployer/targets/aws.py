"""The target `aws`: the user's own account, reached with one identity that every tool gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from deployer.errors import DeployerError
from deployer.targets import Environment

if TYPE_CHECKING:
    from deployer.tools.aws_credentials import Credentials


def _nobody(question: str) -> str | None:
    """Where there is no terminal to ask on."""
    return None


class AwsTarget:
    """`variables` are the user's environment variables: profile, keys, endpoint. `ask` gets the code of an MFA device.

    An object of this is for one command: credentials are looked for once, and asked for once.
    """

    name = "aws"

    def __init__(self, *, variables: Mapping[str, str], ask: Callable[[str], str | None] = _nobody) -> None:
        self._variables, self._ask = variables, ask
        self._found: dict[tuple[str, str], tuple[Environment, str]] = {}

    def prepare(
        self,
        *,
        region: str,
        python_version: str | None = None,
        architecture: str = "",
        account: str = "",
        profile: str = "",
    ) -> Environment:
        """Raises DeployerError when there are no credentials, when AWS does not accept them, and for another account's.

        AWS is asked whose they are, and nothing else.
        """
        if (region, profile) not in self._found:
            self._found[region, profile] = self._find(region, profile)
        environment, source = self._found[region, profile]
        if account and environment.account != account:
            raise _of_another_account(environment.account, account, source)
        return environment

    def reach(self, *, region: str, account: str = "", profile: str = "") -> Environment:
        """Raises DeployerError as `prepare` does."""
        return self.prepare(region=region, account=account, profile=profile)

    def _find(self, region: str, profile: str) -> tuple[Environment, str]:
        """The environment, and in words where its credentials come from."""
        from deployer.tools.aws import Aws  # boto3 takes longer to load than `deployer --help` may take
        from deployer.tools.aws_credentials import find_credentials

        credentials = find_credentials(self._variables, region=region, profile=profile, ask=self._ask)
        environment = self._environment(region, credentials)
        account = Aws(environment, self._variables).identity().account
        return replace(environment, account=account), credentials.source

    def _environment(self, region: str, credentials: Credentials) -> Environment:
        """Both names of the region: boto3 reads one of them, terraform's provider prefers the other."""
        from deployer.tools.aws_credentials import HIDDEN

        return Environment(
            self.name,
            region,
            variables={**credentials.variables, "AWS_REGION": region, "AWS_DEFAULT_REGION": region},
            hidden=HIDDEN,
            log_in=credentials.log_in,
            expires=credentials.expires,
        )


def _of_another_account(account: str, pinned: str, source: str) -> DeployerError:
    return DeployerError(
        f"This deployment is in the AWS account {pinned}, and the credentials in use are of {account}: {source}.",
        hint=f"Nothing was done. Use credentials of {pinned}: name their profile in the config (`profile`) or in"
        f" AWS_PROFILE. To deploy to {account}, describe it as an environment of its own (`environments`, --env).",
    )
