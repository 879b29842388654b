"""What counts as destruction in a plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.models import Change, Plan
from deployer.stages.infrastructure import refuse_destruction

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
