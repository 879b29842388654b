"""A role that Lambda does not know yet is waited for, within a bound, and nothing else is."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from deployer.clock import Clock
from deployer.errors import DeployerError
from deployer.stages.role_race import SIGNS, WAITS, until_role_is_known


@dataclass
class Apply:
    """An apply that fails with these messages, one after the other, and then returns how often it was run."""

    failures: list[str]
    told: list[bool] = field(default_factory=list)

    def __call__(self, again: bool) -> int:
        self.told.append(again)
        if self.failures:
            raise DeployerError(f"terraform apply failed. aws_lambda_function.this: {self.failures.pop(0)}")
        return len(self.told)


@pytest.mark.parametrize("sign", SIGNS)
def test_a_role_that_is_not_known_yet_is_waited_for(sign: str) -> None:
    """Longer each time, and said each time."""
    slept: list[float] = []
    said: list[str] = []
    apply = Apply([sign, sign])
    assert 3 == until_role_is_known(apply, clock=Clock(sleep=slept.append), say=said.append)
    assert [False, True, True] == apply.told
    assert list(WAITS[:2]) == slept
    assert ["once more in 5 s", "once more in 10 s"] == [line.partition(": ")[2] for line in said]


def test_the_patience_has_an_end() -> None:
    """A role that may not be assumed at all fails as it is."""
    slept: list[float] = []
    with pytest.raises(DeployerError, match="cannot be assumed by Lambda"):
        until_role_is_known(Apply([SIGNS[0]] * 9), clock=Clock(sleep=slept.append), say=lambda line: None)
    assert list(WAITS) == slept


def test_nothing_else_is_tried_again() -> None:
    """Not even another failure of the same resource."""
    apply = Apply(["ResourceConflictException: an update is in progress"])
    with pytest.raises(DeployerError, match="ResourceConflictException"):
        until_role_is_known(apply, clock=Clock(sleep=pytest.fail), say=pytest.fail)
    assert [False] == apply.told


def test_a_role_of_the_users_own_is_not_waited_for() -> None:
    """It was there before; what has to be mended in it is told."""
    role = "arn:aws:iam::123456789012:role/digits"
    with pytest.raises(DeployerError, match="cannot be assumed") as told:
        until_role_is_known(Apply([SIGNS[0]]), own_role=role, clock=Clock(sleep=pytest.fail), say=pytest.fail)
    assert f"spec.role names {role}: its trust policy has to let lambda.amazonaws.com" in told.value.hint
