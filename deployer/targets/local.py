"""The target `local`: the local AWS, started when it is not running. Nothing of it needs an account or a container."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from deployer.errors import DeployerError
from deployer.local import client
from deployer.local.address import LOOPBACK, Address, Folders
from deployer.local.interpreters import Interpreters
from deployer.targets import Environment
from deployer.tools.process import Runner

ACCOUNT = "123456789012"  # moto's own, whatever the config says
HOST_ARCHITECTURE = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
HIDDEN = frozenset(
    {
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CONFIG_FILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CA_BUNDLE",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        *(
            f"AWS_ENDPOINT_URL_{service}"
            for service in (
                *("APIGATEWAYV2", "CLOUDWATCH", "CLOUDWATCH_LOGS", "ECR", "IAM", "LAMBDA", "LOGS", "S3"),
                *("SECRETS_MANAGER", "SSM", "STS"),
            )
        ),
    }
)


class LocalTarget:
    """One local AWS per user; `variables` are the user's environment variables."""

    name = "local"

    def __init__(self, *, runner: Runner, variables: Mapping[str, str], folders: Folders | None = None) -> None:
        self._runner, self._variables = runner, variables
        self._folders = folders or Folders.of_user()

    def prepare(
        self,
        *,
        region: str,
        python_version: str | None = None,
        architecture: str = "",
        account: str = "",
        profile: str = "",
    ) -> Environment:
        """Raises DeployerError for another architecture, and without a Python of that minor version or a daemon."""
        if architecture and architecture != HOST_ARCHITECTURE:
            raise DeployerError(
                f"The local target runs images on this machine's own processor, which is {HOST_ARCHITECTURE};"
                f" `spec.architecture` says {architecture}.",
                hint="Deploy it to AWS, or leave the key out: then each target takes its own default.",
            )
        if python_version is not None:
            Interpreters(runner=self._runner, variables=self._variables).find(python_version)
        status = client.start(self._folders, runner=self._runner, variables=self._variables)
        return self._environment(status.address, region)

    def reach(self, *, region: str, account: str = "", profile: str = "") -> Environment:
        """Raises DeployerError when the daemon is not running: what was deployed on it went with it."""
        status = client.running(self._folders)
        if status is None:
            raise DeployerError(
                "The local AWS is not running, and what was deployed on it is gone.",
                hint="Run `deployer up` again: it starts the local AWS and deploys anew.",
            )
        return self._environment(status.address, region)

    def _environment(self, address: Address, region: str) -> Environment:
        return Environment(
            target=self.name,
            region=region,
            account=ACCOUNT,
            variables={
                **address.aws_variables,
                "AWS_REGION": region,
                "AWS_DEFAULT_REGION": region,
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "NO_PROXY": self._without_proxy("NO_PROXY"),
                "no_proxy": self._without_proxy("no_proxy"),
            },
            hidden=HIDDEN,
            registry_url=address.gateway,
            runs_without_base=True,
            architecture=HOST_ARCHITECTURE,
            curl_credentials='--user "$(deployer local credentials)"',
        )

    def _without_proxy(self, name: str) -> str:
        """The user's list, and the loopback address."""
        listed = self._variables.get(name) or self._variables.get("NO_PROXY") or self._variables.get("no_proxy", "")
        return ",".join([*filter(None, listed.split(",")), LOOPBACK, "localhost"])
