"""The one failure of an apply that is tried again: a role that was made a moment ago and that Lambda does not know yet.

IAM tells the other services of a role some seconds later. The provider waits for that by itself, and it happens all
the same (terraform-provider-aws, issue 29828; facts sheet, section 3, 16).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from deployer.clock import Clock
from deployer.errors import DeployerError

T = TypeVar("T")
SIGNS = ("cannot be assumed by Lambda", "InsufficientRolePermissions")  # in AWS's words
WAITS = (5.0, 10.0, 20.0)  # seconds before each further try


def until_role_is_known(attempt: Callable[[bool], T], *, clock: Clock, say: Callable[[str], None]) -> T:
    """What `attempt` returns; it is told whether it is a further one. Any other failure is raised at once."""
    for tries, seconds in enumerate(WAITS):
        try:
            return attempt(tries > 0)
        except DeployerError as error:
            if not any(sign in error.message for sign in SIGNS):
                raise
        say(f"Lambda does not know the new role yet: once more in {seconds:.0f} s")
        clock.sleep(seconds)
    return attempt(True)
