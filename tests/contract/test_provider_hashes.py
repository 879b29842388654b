"""The real terraform verifies providers at `init`, also when the run before left the hashes out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.tools.process import Processes
from deployer.tools.terraform import Terraform, find_terraform
from deployer.tools.terraform_binary import platform_name
from deployer.tools.terraform_providers import Providers, without_hashes

TEMPLATE = """
terraform {
  required_providers {
    none = { source = "example.com/deployer/none" }
  }
}
resource "terraform_data" "this" { input = 1 }
"""


@pytest.fixture
def provider(tmp_path: Path) -> Path:
    """The file of a provider in a mirror; `init` does not run it."""
    folder = tmp_path / "mirror" / "example.com" / "deployer" / "none" / "1.0.0" / platform_name()
    folder.mkdir(parents=True)
    file = folder / "terraform-provider-none_v1.0.0"
    file.write_text("#!/bin/sh\nexit 1\n")
    file.chmod(0o755)
    return file


def terraform(tmp_path: Path) -> Terraform:
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    (folder / "main.tf").write_text(TEMPLATE)
    return Terraform(
        folder=folder,
        binary=find_terraform(os.environ),
        variables=os.environ,
        runner=Processes(),
        log=tmp_path / "terraform.log",
        provider_mirror=tmp_path / "mirror",
    )


@pytest.mark.parametrize("killed", [False, True])
def test_a_provider_that_is_not_the_verified_one_is_refused(tmp_path: Path, provider: Path, killed: bool) -> None:
    """As terraform itself would, whether the run before ended well or was killed with the hashes left out."""
    terraform(tmp_path).init()
    if killed:
        lock = Providers(tmp_path / "folder").lock
        lock.with_name(".terraform.lock.hcl.full").write_text(lock.read_text())
        lock.write_text(without_hashes(lock.read_text()))
    provider.write_text("#!/bin/sh\nexit 2\n")
    with pytest.raises(DeployerError, match="doesn't match any of the checksums previously recorded"):
        terraform(tmp_path).init()
