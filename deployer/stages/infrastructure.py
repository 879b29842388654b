"""Plan, then apply exactly the plan that was saved; and the way back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from deployer.errors import DeployerError
from deployer.models import Change, Plan
from deployer.stages.provider_fit import fit_template, importable
from deployer.tools.aws_adoption import STATEMENTS
from deployer.tools.terraform import Terraform

Say = Callable[[str], None]
DESTROYING = frozenset({"delete", "replace"})
GIVEN_ANEW = frozenset({STATEMENTS["PublicInvoke"]})  # an earlier deployer's, too wide: a narrow one is there by then
_LOG_GROUP = re.compile(r"(.+\.)?aws_cloudwatch_log_group\.")
_IMAGE_POLICY = re.compile(r"(.+\.)?aws_ecr_(repository|lifecycle)_policy\.")


def plan_changes(
    terraform: Terraform,
    *,
    imports: Mapping[str, str] | None = None,
    image_exists: bool = True,
    refresh: bool = True,
    say: Say,
) -> Plan:
    """What would bring the infrastructure to what the template says, saved.

    `imports` are import ids by address, of what is taken over. Without `refresh` the state is believed.
    """
    say("init")
    terraform.init()
    fit_template(terraform)
    say("plan")
    there = importable(imports or {}, terraform)
    return terraform.plan(imports=there, image_exists=image_exists, refresh=refresh)


def refuse_destruction(plan: Plan, *, allowed: bool) -> None:
    """Raises DeployerError for a plan that destroys or replaces a resource, unless that is allowed."""
    resources = (change for change in plan.changes if not change.address.startswith("output."))
    lost = [
        f"{change.address} ({change.action})"
        for change in resources
        if change.action in DESTROYING and change.address not in GIVEN_ANEW
    ]
    if lost and not allowed:
        raise DeployerError(
            f"The plan destroys or replaces: {', '.join(lost)}. Nothing was applied.",
            hint="Read it with `deployer plan`, and run the command again with --allow-destroy if that is wanted.",
        )


@dataclass(frozen=True)
class Consent:
    """What may be applied: what `approve` says yes to when it is shown it, and that destroys where that is allowed."""

    approve: Callable[[Sequence[Change]], bool] = lambda changes: True
    destroy: bool = False


@contextmanager
def approved(plan: Plan, consent: Consent) -> Iterator[None]:
    """The block may apply the plan: it was shown and agreed to where it changes anything. Afterwards its file is gone.

    Raises DeployerError for a plan that destroys or replaces unless that is allowed, and for one that is not wanted.
    """
    try:
        refuse_destruction(plan, allowed=consent.destroy)
        if plan.changes and not consent.approve(plan.changes):
            raise DeployerError("Nothing was applied.", hint="Answer with y, or pass --yes, to apply the plan.")
        yield
    finally:
        plan.path.unlink(missing_ok=True)  # it holds every variable in clear


def destroy_all(terraform: Terraform, *, say: Say) -> tuple[str, ...]:
    """Destroy what the state holds and say what that was; without a state there is nothing to do."""
    if not terraform.resources():
        return ()
    say("init")
    terraform.init()
    say("plan")
    plan = terraform.plan(destroy=True)
    terraform.apply(plan, on_event=say)
    return tuple(change.address for change in plan.changes)


def keep_log_groups(terraform: Terraform) -> None:
    """Take the log groups out of the state: what is destroyed afterwards leaves them alone. Raises as `_leave`."""
    _leave(terraform, _LOG_GROUP, way_out="Nothing was destroyed. Run the command again, or without --keep-logs.")


def keep_image_policies(terraform: Terraform) -> None:
    """Likewise what lets Lambda read the images of the repository, for the other functions that use them."""
    _leave(terraform, _IMAGE_POLICY, way_out="Nothing was destroyed. Run the command again.")


def _leave(terraform: Terraform, kind: re.Pattern[str], *, way_out: str) -> None:
    """Raises DeployerError where the state still knows one afterwards: it would be destroyed."""
    known = [address for address in terraform.resources() if kind.match(address)]
    if not known:
        return
    terraform.init()
    terraform.command("state rm", *known, hint=way_out)
    if left := [address for address in terraform.resources() if kind.match(address)]:
        raise DeployerError(f"The terraform state still holds {', '.join(left)}.", hint=way_out)
