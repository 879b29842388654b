"""What is asked of AWS about a deployment whose terraform state lacks something, and what is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from deployer.config import DeploymentConfig, Spec
from deployer.errors import DeployerError
from deployer.stages.ownership import adoptable, refuse_unknown_function
from deployer.tools.aws_adoption import FUNCTION, addresses

CONFIG = DeploymentConfig(name="digits", spec=Spec(auth="none"))
ALL = addresses(CONFIG)


@dataclass
class Terraform:
    """A state."""

    known: tuple[str, ...]

    def resources(self) -> tuple[str, ...]:
        return self.known


@dataclass
class Aws:
    """An account with a function of some owner and other things; `asked` are the questions."""

    owner: str | None = "digits"
    there: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def function_owner(self, name: str) -> str | None:
        self.asked.append("owner")
        return self.owner

    def existing(self, config: DeploymentConfig) -> dict[str, str]:
        self.asked.append("existing")
        return dict(self.there)


def found(known: tuple[str, ...], aws: Aws) -> dict[str, str]:
    return adoptable(CONFIG, terraform=Terraform(known), aws=aws)  # type: ignore[arg-type]


def test_a_whole_state_is_believed_without_a_question() -> None:
    """Every `up` that changes something comes by here."""
    aws = Aws(there={"aws_lambda_alias.live[0]": "digits/live"})
    assert {} == found(ALL, aws)
    assert [] == aws.asked


def test_what_an_older_template_made_is_not_imported_again() -> None:
    """terraform takes its `live` for `live[0]` by itself; it made no candidate."""
    known = tuple(address.replace("live[0]", "live") for address in ALL if "candidate" not in address)
    there = {FUNCTION: "digits", "aws_lambda_alias.live[0]": "digits/live"}
    assert {} == found(known, Aws(there=there))


def test_what_a_killed_apply_made_is_taken_over_alone() -> None:
    """The function is known, and so its owner is not asked for."""
    alias, log = "aws_lambda_alias.live[0]", "aws_cloudwatch_log_group.this"
    aws = Aws(there={FUNCTION: "digits", alias: "digits/live", log: "/aws/lambda/digits"})
    known = tuple(address for address in ALL if address not in (alias, log))
    assert {alias: "digits/live", log: "/aws/lambda/digits"} == found(known, aws)
    assert ["existing"] == aws.asked


@pytest.mark.parametrize(("owner", "said"), [("", "missing"), ("other", "other")])
def test_a_function_of_somebody_else_is_not_taken_over(owner: str, said: str) -> None:
    """Its tag is told."""
    with pytest.raises(DeployerError, match=rf"its tag deployer:name is {said}"):
        found((), Aws(owner))


@pytest.mark.parametrize(
    ("owner", "known", "refused"),
    [
        (None, (), False),
        (None, ("aws_iam_role.this",), False),
        ("digits", (), True),
        ("digits", ("aws_iam_role.this",), False),
        ("digits", ALL, False),
        ("", ("aws_lambda_function.model",), False),
        ("", ('module.api["a.b"].aws_lambda_function.this[0]',), False),
        ("", ("aws_lambda_function_url.live",), True),
        ("", ("my_aws_lambda_function.this",), True),
        ("other", ("aws_iam_role.this",), True),
        ("", ("aws_iam_role.this",), True),
    ],
)
def test_down_refuses_where_the_function_may_be_somebody_elses(
    owner: str | None, known: tuple[str, ...], refused: bool
) -> None:
    """A state that lacks the function alone is a killed `up`'s; one that knows nothing is lost.

    A user's own template names and tags its function as it likes.
    """
    try:
        refuse_unknown_function(CONFIG, known=known, aws=Aws(owner))  # type: ignore[arg-type]
    except DeployerError as told:
        assert "`deployer up` first" in told.hint
        assert refused
    else:
        assert not refused
