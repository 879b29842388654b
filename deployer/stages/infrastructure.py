"""Plan, then apply exactly the plan that was saved; and the way back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from deployer.models import Change, Outputs
from deployer.tools.terraform import Terraform

Say = Callable[[str], None]


def apply_changes(terraform: Terraform, *, imports: Mapping[str, str], say: Say) -> tuple[Outputs, tuple[Change, ...]]:
    """Bring the infrastructure to what the template says; an empty plan is not applied.

    `imports` are import ids by address, of what is taken over.
    """
    say("init")
    terraform.init()
    say("plan")
    plan = terraform.plan(imports=imports)
    if plan.changes:
        terraform.apply(plan, on_event=say)
    return terraform.output(), plan.changes


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
