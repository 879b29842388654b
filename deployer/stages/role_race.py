"""The one failure of an apply that is tried again: a role that was made a moment ago and that Lambda does not know yet.

IAM tells the other services of a role some seconds later. The provider waits for that by itself, and it happens all
the same (terraform-provider-aws, issue 29828; docs/aws-rules.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from deployer.clock import Clock
from deployer.errors import DeployerError

T = TypeVar("T")
SIGNS = ("cannot be assumed by Lambda", "InsufficientRolePermissions")  # in AWS's words
MENDING = (
    "spec.role names {role}: its trust policy has to let lambda.amazonaws.com assume it (sts:AssumeRole), and it has to"
    " allow what `deployer iam-policy --role` lists. Then run the command again: it continues from what exists."
)
WAITS = (5.0, 10.0, 20.0)  # seconds before each further try


def until_role_is_known(
    attempt: Callable[[bool], T], *, own_role: str = "", clock: Clock, say: Callable[[str], None]
) -> T:
    """What `attempt` returns; it is told whether it is a further one. Any other failure is raised at once.

    `own_role` is the ARN of a role that was there before: time does not help that one.
    """
    for tries, seconds in enumerate(WAITS):
        try:
            return attempt(tries > 0)
        except DeployerError as error:
            if not any(sign in error.message for sign in SIGNS):
                raise
            if own_role:
                raise DeployerError(error.message, hint=MENDING.format(role=own_role), log=error.log) from error
        say(f"Lambda does not know the new role yet: once more in {seconds:.0f} s")
        clock.sleep(seconds)
    return attempt(True)
