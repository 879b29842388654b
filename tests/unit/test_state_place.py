"""Whose a terraform state is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from deployer.config import DeploymentConfig
from deployer.config.values import TerraformOptions
from deployer.errors import DeployerError
from deployer.stages.state_place import refuse_another_state
from deployer.tools.terraform_backend import LOCAL, StatePlace

CONFIG = DeploymentConfig(name="digits", path=Path("digits.yaml"))
S3 = StatePlace("s3", "states", "team/digits.tfstate", "us-east-1")


@dataclass
class Terraform:
    """A state with functions of these names, and whether its folder was told to forget where it is."""

    named: tuple[str, ...]
    at: StatePlace = S3
    is_forgotten: bool = False

    def functions(self) -> tuple[str, ...]:
        return self.named

    def place(self) -> StatePlace:
        return self.at

    def forget_place(self) -> None:
        self.is_forgotten = True


@pytest.mark.parametrize("named", [(), ("digits",), ("digits", "other")])
def test_a_state_with_the_deployments_function_or_none_is_its_own(named: tuple[str, ...]) -> None:
    """One that a killed first `up` left has none yet."""
    terraform = Terraform(named)
    refuse_another_state(CONFIG, terraform)  # type: ignore[arg-type]
    assert not terraform.is_forgotten


def test_a_state_of_another_function_is_refused_with_both_names() -> None:
    """terraform would replace that function, or destroy it. The folder does not stay bound to it."""
    terraform = Terraform(("digits-prod",))
    with pytest.raises(DeployerError) as told:
        refuse_another_state(CONFIG, terraform)  # type: ignore[arg-type]
    assert told.value.message == (
        "The terraform state s3://states/team/digits.tfstate is that of the function digits-prod, and this deployment's"
        " is digits. Nothing was changed."
    )
    assert "terraform.backend.key" in told.value.hint
    assert terraform.is_forgotten


@pytest.mark.parametrize(
    ("config", "place"),
    [
        (replace(CONFIG, terraform=TerraformOptions(template=Path("own"))), S3),
        (replace(CONFIG, path=None), S3),
        (CONFIG, LOCAL),
    ],
    ids=["a template of the user's", "a lost config", "on this disk"],
)
def test_functions_of_another_name_may_be_right(config: DeploymentConfig, place: StatePlace) -> None:
    """deployer does not know what such a template calls them; the folder's own state is nobody else's."""
    terraform = Terraform(("model",), place)
    refuse_another_state(config, terraform)  # type: ignore[arg-type]
    assert not terraform.is_forgotten
