"""What a config file becomes when it is right."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from deployer.config import DeploymentConfig, SmokeTest, Spec, TerraformOptions, default_config, load_config
from deployer.errors import BadInput

MINIMAL = "api_version: v1\nname: digits\noperator:\n  name: aws-lambda\ntemplate: terraform\n"
NASTY = [
    'say "hi"',
    "it's",
    "C:\\new\\table",
    "two\nlines\n",
    "\r\n",
    "[/x] [red]markup[/red] :rocket:",
    "${var.x} %{ if } $HOME `id`",
    "grüße, 世界 🚀",
    " leading and trailing ",
    "",
    "null",
    "yes",
    "012",
    "2020-01-01",
    "{json: [1, 2]}",
    "# no comment",
    "a: b",
    "\t",
]


def write(folder: Path, text: str, *, name: str = "digits.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_that_bentoctl_wrote_works_unchanged(tmp_path: Path) -> None:
    """The keys of upstream's aws-lambda operator are taken, and what they leave out has its default."""
    upstream = {
        "api_version": "v1",
        "name": "digits",
        "operator": {"name": "aws-lambda"},
        "template": "terraform",
        "spec": {"region": "eu-west-1", "timeout": 10, "memory_size": 512},
        "env": None,
    }
    path = write(tmp_path, yaml.safe_dump(upstream, sort_keys=False))
    spec = Spec(region="eu-west-1", timeout=10, memory_size=512)
    assert DeploymentConfig(name="digits", spec=spec, path=path) == load_config(path)


@pytest.mark.parametrize("section", ["spec", "env", "bento", "target", "smoke_test", "terraform"])
def test_a_key_without_a_value_means_its_default(tmp_path: Path, section: str) -> None:
    """`env:` with nothing after it is what bentoctl writes for "none"; every other optional key is read alike."""
    path = write(tmp_path, f"{MINIMAL}{section}:\n")
    assert DeploymentConfig(name="digits", path=path) == load_config(path)


def test_a_key_without_a_value_inside_a_section_means_its_default(tmp_path: Path) -> None:
    """The keys of a section may be left empty one by one."""
    text = "spec: {timeout: , tags: }\nsmoke_test: {route: , samples: }\nterraform: {template: }\n"
    path = write(tmp_path, MINIMAL + text)
    assert DeploymentConfig(name="digits", path=path) == load_config(path)


@pytest.mark.parametrize("value", NASTY)
def test_text_arrives_as_it_was_written(tmp_path: Path, value: str) -> None:
    """No quoting, markup or interpolation touches a value on its way from YAML."""
    document = {**yaml.safe_load(MINIMAL), "env": {"VALUE": value}, "spec": {"description": value}}
    config = load_config(write(tmp_path, yaml.safe_dump(document, allow_unicode=True)))
    assert (value, value) == (config.env["VALUE"], config.spec.description)


def test_an_unquoted_date_stays_text(tmp_path: Path) -> None:
    """YAML 1.1 would make a date of it; an environment variable is what the user typed."""
    config = load_config(write(tmp_path, f"{MINIMAL}env:\n  RELEASED: 2020-01-01\n"))
    assert {"RELEASED": "2020-01-01"} == config.env


def test_a_key_that_yaml_takes_for_true_stays_a_key(tmp_path: Path) -> None:
    """YAML 1.1 reads ON, NO and YES as booleans, which are good names for environment variables."""
    config = load_config(write(tmp_path, f'{MINIMAL}env:\n  ON: "1"\n  NO: "2"\n'))
    assert {"ON": "1", "NO": "2"} == config.env


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    """Where the command is run does not matter."""
    folder = tmp_path / "deployment_configs"
    folder.mkdir()
    text = "smoke_test: {samples: ../data/x.json}\nterraform: {template: infra, provider_mirror: /mirror}\n"
    config = load_config(write(folder, MINIMAL + text))
    assert SmokeTest(samples=tmp_path / "data" / "x.json") == config.smoke_test
    assert TerraformOptions(template=folder / "infra", provider_mirror=Path("/mirror")) == config.terraform


def test_whole_numbers_are_integers_however_they_are_written(tmp_path: Path) -> None:
    """`30.0` is a whole number for JSON Schema; terraform and Lambda get 30."""
    timeout = load_config(write(tmp_path, f"{MINIMAL}spec: {{timeout: 30.0}}\nsmoke_test: {{timeout: 45.0}}\n"))
    assert ("30", "45") == (str(timeout.spec.timeout), str(timeout.smoke_test.timeout))


def test_anchors_and_merged_mappings_are_yaml_too(tmp_path: Path) -> None:
    """`<<` takes the keys of another mapping, and a key beside it wins without being a repeated key."""
    text = 'env: &env {LEVEL: info, MODE: "1"}\nspec:\n  tags:\n    <<: *env\n    LEVEL: debug\n'
    config = load_config(write(tmp_path, MINIMAL + text))
    assert {"LEVEL": "debug", "MODE": "1"} == config.spec.tags


def test_a_name_of_the_command_line_stands_in_for_the_files_own(tmp_path: Path) -> None:
    """`--name` makes a second deployment of one config, and is held to the same rules."""
    path = write(tmp_path, MINIMAL)
    assert load_config(path, name="digits-2").name == "digits-2"
    with pytest.raises(BadInput, match=r'^.*has a problem:\n  --name: "a b" is not valid'):
        load_config(path, name="a b")


def test_settings_of_the_functions_runtime_are_variables_where_they_are_not_the_default(tmp_path: Path) -> None:
    """Beside the user's own; DEPLOYER_DISPATCH is the user's to set."""
    env = "env: {DEPLOYER_DISPATCH: full}\n"
    plain = load_config(write(tmp_path, MINIMAL + env))
    told = load_config(write(tmp_path, f"{MINIMAL}{env}spec: {{event_route: /predict, documentation: no}}\n"))
    assert {"DEPLOYER_DISPATCH": "full"} == plain.variables
    assert {
        "DEPLOYER_DISPATCH": "full",
        "DEPLOYER_EVENT_ROUTE": "/predict",
        "DEPLOYER_DOCUMENTATION": "off",
    } == told.variables


def test_the_repository_is_named_like_the_deployment_unless_the_config_names_one(tmp_path: Path) -> None:
    """A repository may be nested, a deployment may not."""
    named = load_config(write(tmp_path, f"{MINIMAL}spec: {{repository: team/digits}}\n"))
    assert ("team/digits", "digits") == (named.repository, default_config("digits").repository)


def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    path = tmp_path / "digits.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_config(path).name == "digits"
