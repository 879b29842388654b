"""Which deployment of a folder a command means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deployer.config import DeploymentConfig, Spec, TargetName, load_config
from deployer.errors import BadInput
from deployer.models import Bento, Tag
from deployer.workspace import Workspace
from deployer.workspace.selection import select

CONFIG = "api_version: v1\nname: digits\noperator: {name: aws-lambda}\ntemplate: terraform\n"


def deploy(
    folder: Path,
    name: str,
    *,
    target: TargetName = "local",
    bento: str = "digits:v1",
    config: DeploymentConfig | None = None,
    environment: str = "",
) -> Workspace:
    """What `up` leaves behind."""
    workspace = Workspace.at(folder, name, target, environment)
    tag = Tag(*bento.split(":"))
    workspace.remember(config or DeploymentConfig(name=name), Bento(tag, folder, "3.11", "1.4.39", "service:S"))
    return workspace


def write(folder: Path, text: str = CONFIG) -> Path:
    path = folder / "digits.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def chosen(folder: Path, **options: Any) -> Workspace | None:
    deployed = select(folder, **options)
    return deployed.workspace if deployed else None


def test_the_only_deployment_needs_no_naming(tmp_path: Path) -> None:
    """`deployer smoke-test` and `deployer down` as README shows them."""
    workspace = deploy(tmp_path, "digits")
    assert workspace == chosen(tmp_path)


def test_several_deployments_are_listed(tmp_path: Path) -> None:
    """None is guessed, and the options that choose are named."""
    deploy(tmp_path, "digits", target="aws")
    deploy(tmp_path, "digits")
    deploy(tmp_path, "iris")
    with pytest.raises(BadInput) as refused:
        select(tmp_path)
    assert refused.value.message == "Several deployments are here: digits (local), digits (aws), iris (local)."
    assert refused.value.hint == "Choose one with --name, and with --target or --env where several have that name."


def test_name_target_bento_and_config_choose(tmp_path: Path) -> None:
    """Each alone where it suffices, together where it does not."""
    config = write(tmp_path)
    local = deploy(tmp_path, "digits", bento="digits:v1")
    aws = deploy(tmp_path, "digits", target="aws", bento="digits:v2")
    iris = deploy(tmp_path, "iris", bento="iris:v1")
    assert iris == chosen(tmp_path, name="iris")
    assert iris == chosen(tmp_path, bento="iris")
    assert iris == chosen(tmp_path, bento="Iris:latest")
    assert aws == chosen(tmp_path, target="aws")
    assert aws == chosen(tmp_path, bento="digits:v2")
    assert local == chosen(tmp_path, name="digits", target="local")
    assert local == chosen(tmp_path, config=config)
    assert aws == chosen(tmp_path, config=config, target="aws")
    assert iris == chosen(tmp_path, config=config, name="iris")


@pytest.mark.parametrize("options", [{}, {"name": "digits"}, {"bento": "digits"}, {"target": "aws"}])
def test_where_nothing_is_deployed_there_is_nothing(tmp_path: Path, options: dict[str, Any]) -> None:
    """That is no error: the second `down` exits 0."""
    assert select(tmp_path, **options) is None


def test_what_was_taken_down_is_not_there_though_another_is(tmp_path: Path) -> None:
    """The second `down --name digits` exits 0 beside another deployment."""
    config = write(tmp_path)
    deploy(tmp_path, "iris")
    deploy(tmp_path, "digits").delete()
    assert [None, None] == [select(tmp_path, name="digits"), select(tmp_path, config=config)]


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"name": "digitz"}, "--name digitz"),
        ({"bento": "digits:v9"}, "--bento digits:v9"),
        ({"name": "digits", "target": "aws"}, "--name digits --target aws"),
    ],
)
def test_a_deployment_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, options: dict[str, Any], asked: str
) -> None:
    """A slip of the pen must not look like "already removed"."""
    deploy(tmp_path, "digits")
    with pytest.raises(BadInput) as refused:
        select(tmp_path, **options)
    assert f"No deployment here fits {asked}; there are: digits (local)." == refused.value.message


def test_where_it_was_deployed_counts_and_not_what_the_file_says_now(tmp_path: Path) -> None:
    """A config whose region was changed since must not send `down` to the wrong region; the rest is read anew."""
    path = write(tmp_path, f"{CONFIG}spec: {{region: eu-west-1, repository: team/digits, timeout: 5}}\n")
    deploy(tmp_path, "digits", config=load_config(path))
    write(tmp_path, f"{CONFIG}spec: {{region: us-west-2, timeout: 9}}\n")
    deployed = select(tmp_path)
    assert deployed is not None
    expected = Spec(region="eu-west-1", repository="team/digits", timeout=9)
    assert (expected, "digits:v1", None) == (deployed.config.spec, deployed.config.bento, deployed.problem)


@pytest.mark.parametrize(
    ("text", "problem"), [(None, "cannot be read"), (f"{CONFIG}spec: {{timeout: 0}}\n", "timeout")]
)
def test_a_lost_or_broken_config_still_lets_the_deployment_be_found(
    tmp_path: Path, text: str | None, problem: str
) -> None:
    """Enough is recorded to take it down; what is wrong is handed on for commands that need the config."""
    path = write(tmp_path, f"{CONFIG}spec: {{region: eu-west-1}}\n")
    deploy(tmp_path, "digits", config=load_config(path))
    path.unlink()
    if text is not None:
        write(tmp_path, text)
    deployed = select(tmp_path)
    assert deployed is not None
    assert ("digits", "local", "eu-west-1") == (
        deployed.config.name,
        deployed.config.target,
        deployed.config.spec.region,
    )
    assert deployed.problem is not None
    assert problem in deployed.problem.message


def test_a_deployment_under_another_name_finds_its_config_again(tmp_path: Path) -> None:
    """`up --name digits-2 -f digits.yaml`, then `smoke-test --name digits-2`."""
    config = load_config(write(tmp_path, f"{CONFIG}smoke_test: {{route: /predict}}\n"), name="digits-2")
    deploy(tmp_path, "digits-2", config=config)
    deployed = select(tmp_path, name="digits-2")
    assert deployed is not None
    assert ("digits-2", "/predict") == (deployed.config.name, deployed.config.smoke_test.route)


ENVIRONMENTS = """environments:
  prod: {name: digits, target: aws, account: "111122223333", profile: prod, spec: {timeout: 9}}
  test: {target: aws}
"""


def test_an_environment_is_chosen_by_its_name(tmp_path: Path) -> None:
    """With --env; a config that is named alone means its own values, and a name alone whatever has it."""
    path = write(tmp_path, CONFIG + ENVIRONMENTS)
    plain = deploy(tmp_path, "digits")
    prod = deploy(tmp_path, "digits", target="aws", environment="prod")
    test = deploy(tmp_path, "digits-test", target="aws", environment="test")
    assert prod == chosen(tmp_path, environment="prod")
    assert prod == chosen(tmp_path, config=path, environment="prod")
    assert test == chosen(tmp_path, config=path, environment="test")
    assert test == chosen(tmp_path, name="digits-test")
    assert plain == chosen(tmp_path, config=path)
    with pytest.raises(BadInput) as refused:
        select(tmp_path, name="digits")
    assert "Several deployments are here: digits (local), digits (aws, environment prod)." == refused.value.message


def test_an_environment_that_is_not_deployed_is_told_with_what_is(tmp_path: Path) -> None:
    """Another environment of the same name is not taken for it, neither by `down` nor by anything else."""
    path = write(tmp_path, CONFIG + ENVIRONMENTS)
    deploy(tmp_path, "digits", target="aws", environment="prod")
    with pytest.raises(BadInput) as refused:
        select(tmp_path, config=path)
    assert "No deployment here fits --name digits; there are: digits (aws, environment prod)." == refused.value.message
    with pytest.raises(BadInput) as refused:
        select(tmp_path, environment="test")
    assert "No deployment here fits --env test;" in refused.value.message


def test_an_environment_that_was_taken_down_is_no_error(tmp_path: Path) -> None:
    """Its logs are left, and those of another environment say nothing of it."""
    path = write(tmp_path, CONFIG + ENVIRONMENTS)
    deploy(tmp_path, "iris")
    deploy(tmp_path, "digits", target="aws", environment="prod").delete()
    assert None is select(tmp_path, config=path, environment="prod")
    assert None is select(tmp_path, name="digits", environment="prod")
    with pytest.raises(BadInput):
        select(tmp_path, name="digits", environment="test")
    with pytest.raises(BadInput):
        select(tmp_path, config=path)


def test_a_deployment_finds_its_environment_again(tmp_path: Path) -> None:
    """The file is read with the environment that was recorded; the recorded account is the one that counts."""
    path = write(tmp_path, CONFIG + ENVIRONMENTS)
    config = replace(load_config(path, environment="prod"), account="999900001111")
    deploy(tmp_path, "digits", target="aws", config=config, environment="prod")
    deployed = select(tmp_path)
    assert deployed is not None
    found = deployed.config
    assert ("prod", "999900001111", "prod", 9) == (found.environment, found.account, found.profile, found.spec.timeout)
    write(tmp_path, CONFIG)
    lost = select(tmp_path)
    assert lost is not None and lost.problem is not None
    assert ("prod", "999900001111") == (lost.config.environment, lost.config.account)
    assert "has no environments" in lost.problem.message
