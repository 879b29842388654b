"""Which folder terraform's providers are taken from."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.errors import BadInput
from deployer.tools.provider_mirror import VARIABLE, find_mirror
from deployer.tools.terraform_binary import platform_name


def mirror(folder: Path, *, platform: str | None = None, packed: bool = False) -> Path:
    provider = folder / "registry.terraform.io/hashicorp/aws"
    platform = platform or platform_name()
    if packed:
        provider.mkdir(parents=True)
        (provider / f"terraform-provider-aws_5.100.0_{platform}.zip").touch()
    else:
        (provider / "5.100.0" / platform).mkdir(parents=True)
        (provider / "5.100.0" / platform / "terraform-provider-aws_v5.100.0_x5").touch()
    return folder


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """A home without any setting of terraform's."""
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "XDG_DATA_DIRS": str(tmp_path / "share")}


@pytest.mark.parametrize("packed", [False, True])
def test_a_mirror_among_optional_software_is_found(tmp_path: Path, variables: dict[str, str], packed: bool) -> None:
    """Unpacked and packed layouts; other folders beside it and roots that are not there do no harm."""
    (tmp_path / "opt" / "another").mkdir(parents=True)
    found = mirror(tmp_path / "opt" / "plugins", packed=packed)
    assert found == find_mirror(None, variables, roots=[tmp_path / "nowhere", tmp_path / "opt"])


def test_a_mirror_for_another_platform_is_passed_over(tmp_path: Path, variables: dict[str, str]) -> None:
    """Its provider would not run here."""
    mirror(tmp_path / "opt" / "plugins", platform="plan9_mips")
    assert find_mirror(None, variables, roots=[tmp_path / "opt"]) is None


def test_the_config_key_outranks_the_variable_and_both_the_search(tmp_path: Path, variables: dict[str, str]) -> None:
    """The user's word comes first."""
    key, variable = mirror(tmp_path / "key"), mirror(tmp_path / "variable")
    mirror(tmp_path / "opt" / "plugins")
    roots = [tmp_path / "opt"]
    assert key == find_mirror(key, {**variables, VARIABLE: str(variable)}, roots=roots)
    assert variable == find_mirror(None, {**variables, VARIABLE: str(variable)}, roots=roots)


def test_an_empty_variable_leaves_it_to_terraform(tmp_path: Path, variables: dict[str, str]) -> None:
    """A way to use the network although a mirror lies around."""
    mirror(tmp_path / "opt" / "plugins")
    assert find_mirror(None, {**variables, VARIABLE: ""}, roots=[tmp_path / "opt"]) is None


def test_a_named_folder_that_is_no_mirror_is_refused(tmp_path: Path, variables: dict[str, str]) -> None:
    """The message names the setting, the hint the layout that is expected."""
    with pytest.raises(BadInput) as caught:
        find_mirror(tmp_path, variables)
    assert "terraform.provider_mirror names" in caught.value.message
    assert f"registry.terraform.io/hashicorp/aws/VERSION/{platform_name()}/" in caught.value.hint


@pytest.mark.parametrize(
    "place", [".terraformrc", ".terraform.d/plugins", "elsewhere.tfrc", ".local/share/terraform/plugins"]
)
def test_what_terraform_finds_by_itself_is_left_to_it(tmp_path: Path, variables: dict[str, str], place: str) -> None:
    """The user's own configuration of providers and terraform's implied mirrors outrank the search."""
    mirror(tmp_path / "opt" / "plugins")
    target = tmp_path / "home" / place
    if place.endswith("plugins"):
        mirror(target)
    else:
        target.write_text("provider_installation {\n  direct {}\n}\n")
    named = {**variables, "TF_CLI_CONFIG_FILE": str(target)} if place == "elsewhere.tfrc" else variables
    assert find_mirror(None, named, roots=[tmp_path / "opt"]) is None


@pytest.mark.parametrize("content", ["", "# provider_installation {}\n", 'plugin_cache_dir = "/cache"\n'])
def test_a_cli_config_about_other_things_does_not_stop_the_search(
    tmp_path: Path, variables: dict[str, str], content: str
) -> None:
    """Only a configured provider installation is the user's decision."""
    (tmp_path / "home" / ".terraformrc").write_text(content)
    found = mirror(tmp_path / "opt" / "plugins")
    assert found == find_mirror(None, variables, roots=[tmp_path / "opt"])


def test_a_cli_config_that_is_not_there_does_not_stop_the_search(tmp_path: Path, variables: dict[str, str]) -> None:
    """TF_CLI_CONFIG_FILE may name a missing file."""
    found = mirror(tmp_path / "opt" / "plugins")
    missing = {**variables, "TF_CLI_CONFIG_FILE": str(tmp_path / "missing")}
    assert found == find_mirror(None, missing, roots=[tmp_path / "opt"])
