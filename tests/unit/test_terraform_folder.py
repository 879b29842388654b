"""What lies in terraform's working folder: whether its last apply ended well, and the values of its variables."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.tools.terraform_folder import TerraformFolder
from deployer.tools.terraform_values import VALUES_FILE, update_values, values_kept


def test_a_folder_is_settled_by_a_state_and_applies_that_ended_well(tmp_path: Path) -> None:
    """An apply that fails, or whose process is gone, leaves it unsettled until one ends well."""
    folder = TerraformFolder(tmp_path)
    assert folder.is_settled is False
    (tmp_path / "terraform.tfstate").write_text("{}")
    assert folder.is_settled is True

    with pytest.raises(DeployerError), folder.applying():
        assert folder.is_settled is False
        raise DeployerError("the function could not be made")
    assert folder.is_settled is False

    with folder.applying():
        pass
    assert folder.is_settled is True


def test_values_are_changed_one_by_one_and_are_their_owners_alone(tmp_path: Path) -> None:
    """They hold the function's environment."""
    (tmp_path / VALUES_FILE).write_text('{"environment": {"KEY": "é"}, "released": false}')

    update_values(tmp_path, released=True, image_tag="r:1")

    file = tmp_path / VALUES_FILE
    assert {"environment": {"KEY": "é"}, "released": True, "image_tag": "r:1"} == json.loads(file.read_text("utf-8"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", [None, "{"])
def test_values_that_nobody_wrote_are_an_error_with_a_way_out(tmp_path: Path, text: str | None) -> None:
    """bentoctl's operator writes them first."""
    if text is not None:
        (tmp_path / VALUES_FILE).write_text(text)

    with pytest.raises(DeployerError, match=f"{VALUES_FILE} cannot be read") as caught:
        update_values(tmp_path, released=True)
    assert "deployer up" in caught.value.hint


@pytest.mark.parametrize("before", [None, '{"a": 1}'])
def test_a_plan_leaves_the_values_as_they_were(tmp_path: Path, before: str | None) -> None:
    """Also where it fails, and where there were none."""
    file = tmp_path / VALUES_FILE
    if before is not None:
        file.write_text(before)

    with pytest.raises(DeployerError), values_kept(tmp_path):
        file.write_text('{"a": 2}')
        raise DeployerError("no plan")

    assert (file.read_text() if file.exists() else None) == before
