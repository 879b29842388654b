"""Comparing and forgetting with the real terraform, on its built-in resource."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployer.drift import Drift
from deployer.errors import DeployerError
from deployer.tools.process import Processes
from deployer.tools.terraform import Terraform, find_terraform
from deployer.tools.terraform_drift import terraform_drift

TEMPLATE = """
resource "terraform_data" "first" { input = "one" }
resource "terraform_data" "second" { input = "two" }
"""


@pytest.fixture
def terraform(tmp_path: Path) -> Terraform:
    """One whose template is applied."""
    (tmp_path / "main.tf").write_text(TEMPLATE)
    made = Terraform(
        folder=tmp_path,
        binary=find_terraform(os.environ),
        variables=os.environ,
        runner=Processes(),
        log=tmp_path / "terraform.log",
        provider_mirror=None,
    )
    made.init()
    made.apply(made.plan())
    return made


def test_an_edited_template_is_drift_and_comparing_changes_nothing(terraform: Terraform, tmp_path: Path) -> None:
    """The state is the same file, byte for byte, and no plan is left behind."""
    state = tmp_path / "terraform.tfstate"
    before = state.read_bytes()
    assert () == terraform_drift(terraform)
    (tmp_path / "main.tf").write_text(TEMPLATE.replace('"two"', '"planted-secret"'))
    told = Drift("terraform_data.second", "planned", "`deployer up --refresh` would update it: input")
    assert (told,) == terraform_drift(terraform)
    assert before == state.read_bytes()
    assert [] == [*tmp_path.glob("*.tfplan"), *tmp_path.glob(".terraform.tfstate.lock.info")]
    assert "planted-secret" not in (tmp_path / "terraform.log").read_text()


def test_what_is_forgotten_is_not_destroyed(terraform: Terraform) -> None:
    """Any other command runs in the folder too, and its failure is told in terraform's words."""
    terraform.command("state rm", "terraform_data.first", hint="")
    assert ("terraform_data.second",) == terraform.resources()
    with pytest.raises(DeployerError, match=r"terraform state rm failed\. .*No matching objects found") as told:
        terraform.command("state rm", "terraform_data.nothing", hint="Look at the address.")
    assert "Look at the address." == told.value.hint
