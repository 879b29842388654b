"""What counts as destruction in a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.models import Change, Plan
from deployer.stages.infrastructure import keep_image_policies, keep_log_groups, refuse_destruction

PLAN = Path("apply.tfplan")
OUTPUT = Change("output.candidate_endpoint", "delete")


def test_an_output_that_goes_is_no_destruction() -> None:
    """Nothing in AWS changes with it."""
    refuse_destruction(Plan(PLAN, (OUTPUT,)), allowed=False)


@pytest.mark.parametrize("action", ["delete", "replace"])
def test_a_resource_that_goes_is_named_unless_that_is_allowed(action: str) -> None:
    """An output beside it is not named, and a module of that name is none."""
    plan = Plan(PLAN, (OUTPUT, Change("module.output.aws_iam_role.this", action), Change("a.b", "update")))
    refuse_destruction(plan, allowed=True)
    with pytest.raises(DeployerError) as told:
        refuse_destruction(plan, allowed=False)
    problem = f"The plan destroys or replaces: module.output.aws_iam_role.this ({action}). Nothing was applied."
    assert problem == told.value.message


def test_the_permission_that_is_given_anew_is_no_destruction() -> None:
    """Of an earlier deployer's public deployment; the URL's own permission beside it is one."""
    narrowed = Change("aws_lambda_permission.public_invoke[0]", "delete")
    refuse_destruction(Plan(PLAN, (narrowed,)), allowed=False)
    with pytest.raises(DeployerError, match=r"public_url\[0\] \(delete\)\. Nothing"):
        refuse_destruction(
            Plan(PLAN, (narrowed, Change("aws_lambda_permission.public_url[0]", "delete"))), allowed=False
        )


@dataclass
class Terraform:
    """A state, from which addresses can be taken out; `is_deaf` where that does nothing."""

    known: list[str]
    is_deaf: bool = False
    done: list[str] = field(default_factory=list)

    def resources(self) -> tuple[str, ...]:
        return tuple(self.known)

    def init(self) -> None:
        self.done.append("init")

    def command(self, words: str, *addresses: str, hint: str) -> str:
        self.done.append(words)
        self.known = self.known if self.is_deaf else [known for known in self.known if known not in addresses]
        return ""


LOG, FUNCTION = "aws_cloudwatch_log_group.this", "aws_lambda_function.this"
POLICIES = ("aws_ecr_repository_policy.this[0]", "module.a.aws_ecr_lifecycle_policy.this")


def test_what_is_to_outlive_the_destruction_leaves_the_state() -> None:
    """The log groups, and what lets Lambda read the images that other functions use; nothing else."""
    terraform = Terraform([LOG, FUNCTION, *POLICIES])
    keep_log_groups(terraform)  # type: ignore[arg-type]
    assert [FUNCTION, *POLICIES] == terraform.known
    keep_image_policies(terraform)  # type: ignore[arg-type]
    assert [FUNCTION] == terraform.known
    asked = list(terraform.done)
    keep_image_policies(terraform)  # type: ignore[arg-type]
    assert asked == terraform.done


def test_nothing_is_destroyed_where_it_does_not_leave_the_state() -> None:
    """It is named."""
    with pytest.raises(DeployerError, match=r"still holds aws_ecr_repository_policy\.this\[0\]") as told:
        keep_image_policies(Terraform([POLICIES[0]], is_deaf=True))  # type: ignore[arg-type]
    assert "Nothing was destroyed." in told.value.hint
