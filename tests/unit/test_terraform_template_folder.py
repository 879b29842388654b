"""Where the template is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import BadInput, DeployerError
from deployer.templates import template_folder

FILES = ["main.tf", "outputs.tf", "role.tf", "traffic.tf", "variables.tf", "versions.tf"]


def test_the_shipped_template_is_found_in_the_source_tree() -> None:
    """The files that users read."""
    assert FILES == sorted(path.name for path in template_folder().glob("*.tf"))


def test_the_template_inside_the_package_is_used_where_there_is_one(tmp_path: Path) -> None:
    """An installed wheel carries it beside the modules."""
    shipped = tmp_path / "deployer" / "terraform_templates" / "aws_lambda"
    shipped.mkdir(parents=True)
    assert shipped == template_folder(package=tmp_path / "deployer")


def test_an_installation_without_template_says_so(tmp_path: Path) -> None:
    """Not an empty deployment."""
    with pytest.raises(DeployerError, match="template is missing"):
        template_folder(package=tmp_path / "deployer")


def test_a_users_own_template_must_hold_terraform_files(tmp_path: Path) -> None:
    """A misspelt folder is named before anything is built."""
    with pytest.raises(BadInput, match=r"no \.tf file"):
        template_folder(tmp_path)
    (tmp_path / "main.tf").touch()
    assert tmp_path == template_folder(tmp_path)
