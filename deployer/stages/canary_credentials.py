"""Whether the credentials of a run last as long as its canary: who has none cannot take the traffic back."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from deployer.errors import DeployerError
from deployer.stages.canary_steps import CanaryStep, duration
from deployer.targets import Environment

SPARE = 300.0  # seconds for a smoke test that outlasts its step, the last move, and tries to put live back


def check_credentials_last(
    steps: Sequence[CanaryStep], environment: Environment, *, now: Callable[[], float] = time.time
) -> str:
    """What the user should know where nobody knows when the credentials end; empty otherwise.

    `now` is in seconds since the epoch. Raises DeployerError where they end before the steps do, with time to spare.
    """
    whole = sum(step.seconds for step in steps)
    if environment.expires is not None:
        left = environment.expires - now()
        if left < whole + SPARE:
            raise _too_short(whole, left, environment.log_in)
    elif environment.variables.get("AWS_SESSION_TOKEN"):
        return (
            f"Nobody knows when these credentials end, and the canary takes {duration(whole)}: should they end before"
            " that, its version keeps its share of the requests until `deployer rollback`."
        )
    return ""


def _too_short(whole: float, left: float, log_in: str) -> DeployerError:
    ended = f"end in {max(left, 0) // 60:.0f} minutes"
    return DeployerError(
        f"The canary takes {duration(whole)} and up to {duration(SPARE)} more, and these credentials {ended}: without"
        " any, nobody could take the requests back from the new version. It got none.",
        hint=f"{log_in} Then run the same command again, or write shorter steps.".strip(),
    )
