"""Provisioned concurrency of `live`, which AWS makes anew for each version that live is moved to.

Until those environments are ready AWS leaves all traffic with the version before, by weights that it gives the alias
itself (hashicorp/terraform-provider-aws, pull request 48116), and for good where it cannot make them. While there are
weights, PutProvisionedConcurrencyConfig is refused (hashicorp/terraform, issue 24957).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from deployer.clock import Clock
from deployer.config import Spec
from deployer.errors import BadInput, DeployerError
from deployer.releases import LIVE, Alias, Provisioned
from deployer.stages.canary_steps import CanaryStep
from deployer.stages.release import live_description

WAIT_SECONDS = 900.0  # the environments start side by side, each with its model
EVERY = 5.0

Say = Callable[[str], None]


class Releases(Protocol):
    """`tools.aws_releases.Releases`, as far as it is needed here."""

    def alias(self, name: str) -> Alias | None: ...

    def provisioned(self, alias: str) -> Provisioned | None: ...

    def move(self, alias: Alias, version: str, *, description: str | None = None) -> Alias: ...


class NotProvisioned(DeployerError):
    """AWS gave up making the environments; who answered goes on, and the alias keeps AWS's weights."""


def refuse_canary(steps: Sequence[CanaryStep], spec: Spec) -> None:
    """Raises BadInput for a canary of an alias whose weights are AWS's own."""
    if steps and spec.provisioned_concurrency is not None:
        raise BadInput(
            "--canary does not go with spec.provisioned_concurrency: AWS sets the alias's weights itself then, until"
            " the new version's environments are ready.",
            hint="Run it without --canary: the version before answers until then. Or leave"
            " spec.provisioned_concurrency out.",
        )


def until_it_answers(moved: Alias, spec: Spec, releases: Releases, *, clock: Clock, say: Say) -> None:
    """As `until_provisioned`, after a move of live that AWS may not have ended; `moved` is what the move returned."""
    if spec.provisioned_concurrency is not None or moved.is_settling:
        until_provisioned(releases, clock=clock, say=say)


def until_provisioned(releases: Releases, *, clock: Clock, say: Say) -> None:
    """Return when the version that live points at answers everything; at once where nothing is provisioned.

    Raises NotProvisioned where AWS gave up, DeployerError after WAIT_SECONDS; both name the version that answers.
    """
    end = clock.now() + WAIT_SECONDS
    while True:
        live, made = releases.alias(LIVE), releases.provisioned(LIVE)
        if live is None or made is None or (made.is_ready and not live.weights):
            return
        if made.has_failed:
            raise _given_up(live, made)
        if clock.now() >= end:
            raise _too_long(live)
        say(f"version {live.answering} answers until the provisioned environments of version {live.version} are ready")
        clock.sleep(EVERY)


def end_shares(live: Alias, releases: Releases, *, clock: Clock, say: Say, update: Say) -> None:
    """Let one version have all the traffic, where `live` has weights that nobody watches any more.

    A killed canary's are cleared. AWS's own end by themselves; where it gave up, live goes back to the version that
    answers. `say` gets lines to keep, `update` those of the wait. Raises DeployerError.
    """
    if live.is_settling and releases.provisioned(LIVE) is not None:
        _end_of_aws(releases, clock=clock, say=say, update=update)
        return
    releases.move(live, live.version)
    say(f"Version {live.version} has all the traffic again, which a canary had begun to move")


def _end_of_aws(releases: Releases, *, clock: Clock, say: Say, update: Say) -> None:
    try:
        until_provisioned(releases, clock=clock, say=update)
        return
    except NotProvisioned as failure:
        say(failure.message)
    live = releases.alias(LIVE)
    if live is not None and live.weights:
        releases.move(live, live.answering, description=live_description(""))
        say(f"live points at version {live.answering} again")
        with suppress(NotProvisioned):  # a new version may be what corrects that
            until_provisioned(releases, clock=clock, say=update)


def _given_up(live: Alias, made: Provisioned) -> NotProvisioned:
    reason = f" ({made.reason})" if made.reason else ""
    number, answering = live.version, live.answering
    correct = "AWS's reason, and spec.provisioned_concurrency, say what to correct before the next `deployer up`."
    if number == answering:
        ways = "It answers without them, with cold starts."
    else:
        ways = (
            f"`deployer rollback --to {number}` gives version {number} the traffic without them,"
            f" `deployer rollback --to {answering}` leaves it to version {answering}."
        )
    told = f"{_who(live)}: AWS could not make the provisioned environments of version {number}{reason}."
    return NotProvisioned(told, hint=f"{ways} {correct}")


def _too_long(live: Alias) -> DeployerError:
    minutes = f"{WAIT_SECONDS / 60:.0f} minutes"
    return DeployerError(
        f"{_who(live)}: the provisioned environments of version {live.version} are not ready after {minutes}.",
        hint=f"AWS goes on making them, and `deployer up` waits for them again. `deployer rollback --to {live.version}`"
        f" gives version {live.version} the traffic without them.",
    )


def _who(live: Alias) -> str:
    still = "" if live.answering == live.version else " still"
    return f"Version {live.answering}{still} answers"
