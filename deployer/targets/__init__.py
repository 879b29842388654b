"""What a target is: an environment that every later stage uses without asking which one it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Environment:
    """Where AWS is for this run.

    `variables` are what AWS's own tools read (`AWS_ENDPOINT_URL`, `AWS_REGION`, credentials of the local AWS).
    `hidden` are variables of the user's shell that must not reach a child here, such as `AWS_PROFILE` on `local`.
    `registry_url` is the base URL that stands for the ECR registry host when images are pushed; None means the
    registry host itself, over HTTPS. `runs_without_base`: images need no system of their own there. `architecture` is
    Lambda's word for what functions run on where the config names nothing. `curl_credentials` are curl's options for
    them, written so that the user's shell fills them in. `account` is the AWS account's id; `log_in` says how the
    user gets new credentials when these have run out, empty where they come from the shell's own variables;
    `expires` when that is, in seconds since the epoch, None for never and where nobody knows.
    """

    target: str
    region: str
    variables: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    registry_url: str | None = None
    runs_without_base: bool = False
    architecture: str = "x86_64"
    curl_credentials: str = (
        '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"'
        ' ${AWS_SESSION_TOKEN:+-H "x-amz-security-token: $AWS_SESSION_TOKEN"}'
    )
    account: str = ""
    log_in: str = ""
    expires: float | None = None

    def process_variables(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """The full environment of a child process: what it inherits, less the hidden, plus ours."""
        kept = {name: value for name, value in inherited.items() if name not in self.hidden}
        return {**kept, **self.variables}


class Target(Protocol):
    """Prepares an environment: `aws` checks credentials, `local` starts its daemon when it is not running.

    `account` is the AWS account that it has to be, empty for any; `profile` that of AWS's settings to take credentials
    from, empty for the shell's. Both mean nothing on `local`. Nothing else is asked of AWS before the account is known.
    """

    name: str

    def prepare(
        self,
        *,
        region: str,
        python_version: str | None = None,
        architecture: str = "",
        account: str = "",
        profile: str = "",
    ) -> Environment:
        """Make the target ready to use, and for functions of this Python minor version and architecture where named.

        Raises DeployerError naming what is missing: credentials of that account, or (local) a host interpreter of
        `python_version` on a host of `architecture`.
        """
        ...

    def reach(self, *, region: str, account: str = "", profile: str = "") -> Environment:
        """The environment as it is, nothing is started. Raises DeployerError where it cannot be reached."""
        ...
