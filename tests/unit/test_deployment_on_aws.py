"""Which deployment is meant where this folder may have no record of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployer.config import DeploymentConfig, Spec, TargetName
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Tag
from deployer.targets import Environment
from deployer.toolbox import Deployment, real_toolbox
from deployer.workflows.deployment import Selection, deployment_of, deployment_on_aws, pinned
from deployer.workspace import Workspace


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deployment_configs").mkdir()
    return tmp_path


def write_config(folder: Path, name: str, *, file: str = "", **more: Any) -> Path:
    path = folder / "deployment_configs" / (file or f"{name}.yaml")
    values = {"api_version": "v1", "name": name, "operator": {"name": "aws-lambda"}, "template": "terraform", **more}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def remember(
    folder: Path, name: str, target: TargetName = "aws", region: str = "eu-west-1", environment: str = ""
) -> None:
    bento = Bento(Tag("digits", "v1"), folder, "3.11", "1.4.0", "service:Digits")
    config = DeploymentConfig(name=name, target=target, spec=Spec(region=region))
    Workspace.at(folder, name, target, environment).remember(config, bento)


def meant(**selection: Any) -> Deployment:
    return deployment_on_aws(Selection(**selection), real_toolbox(), command="history")


def test_the_only_config_is_meant_where_nothing_was_deployed(folder: Path) -> None:
    """The reference is none; only a log is written."""
    write_config(folder, "digits", target="aws", spec={"region": "eu-west-1", "repository": "team/digits"})
    write_config(folder, "reference", file="reference.yaml")
    found = meant()
    assert ("digits", "aws", "eu-west-1", "team/digits") == (
        found.config.name,
        found.target.name,
        found.config.spec.region,
        found.config.repository,
    )
    assert ([], None) == ([*(folder / ".deployer").glob("digits*")], found.workspace.record())
    assert found.log.is_file()


@pytest.mark.parametrize(
    "selection",
    [
        {"name": "words"},
        {"config": Path("deployment_configs/words.yaml")},
        {"bento": "counted:v2"},
    ],
    ids=["name", "file", "bento"],
)
def test_one_of_several_configs_is_named(folder: Path, selection: dict[str, Any]) -> None:
    """By its name, its file or the Bento that it is for; the target may be another one."""
    write_config(folder, "digits")
    write_config(folder, "words", bento="counted")
    found = meant(**selection, target="aws")
    assert ("words", "aws") == (found.config.name, found.target.name)


def test_several_configs_are_listed(folder: Path) -> None:
    """Nobody guesses which is meant."""
    write_config(folder, "digits")
    write_config(folder, "words")
    with pytest.raises(BadInput, match=r"digits\.yaml, deployment_configs/words\.yaml"):
        meant()


def test_a_name_alone_is_enough(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With defaults, which are told."""
    found = meant(name="digits", target="aws")
    assert ("digits", "us-east-1") == (found.config.name, found.config.spec.region)
    assert "No config is named digits: defaults are used, region us-east-1." in capsys.readouterr().err


def test_a_record_counts_for_more_than_a_config(folder: Path) -> None:
    """It says where the deployment was made."""
    write_config(folder, "digits", target="aws", spec={"region": "us-west-2"})
    remember(folder, "digits")
    for selection in ({}, {"name": "digits"}, {"config": folder / "deployment_configs" / "digits.yaml"}):
        assert "eu-west-1" == meant(**selection).config.spec.region


def test_a_record_of_another_deployment_or_target_is_passed_over(folder: Path) -> None:
    """What was deployed locally from here says nothing of AWS."""
    write_config(folder, "digits", spec={"region": "us-west-2"})
    remember(folder, "digits", target="local")
    remember(folder, "other", target="local")
    assert ("aws", "us-west-2") == (
        meant(name="digits", target="aws").target.name,
        meant(target="aws").config.spec.region,
    )
    with pytest.raises(BadInput, match="Several deployments are here"):
        meant()


def test_without_anything_it_is_said_what_to_name(folder: Path) -> None:
    """Exit code 1: nothing is wrong with the command."""
    with pytest.raises(DeployerError) as caught:
        meant()
    assert (1, True) == (caught.value.exit_code, "-f FILE or --name" in caught.value.hint)


ENVIRONMENTS = {"prod": {"target": "aws", "account": "111122223333"}, "test": {"name": "digits", "target": "aws"}}


def test_an_environment_is_read_from_the_config_where_nothing_is_recorded(folder: Path) -> None:
    """As on another machine: its own name, account and workspace."""
    path = write_config(folder, "digits", environments=ENVIRONMENTS)
    for selection in ({}, {"config": path}, {"name": "digits-prod"}):
        found = meant(environment="prod", **selection)
        assert ("digits-prod", "prod", "aws", "111122223333") == (
            found.config.name,
            found.config.environment,
            found.target.name,
            found.config.account,
        )
        assert folder / ".deployer" / "digits-prod" / "aws.prod" == found.workspace.root


def test_a_record_of_another_environment_says_nothing_of_this_one(folder: Path) -> None:
    """Though both have the same name: they may be in two accounts."""
    path = write_config(folder, "digits", target="aws", spec={"region": "us-west-2"}, environments=ENVIRONMENTS)
    remember(folder, "digits", environment="test")
    assert ("us-west-2", "") == (meant(config=path).config.spec.region, meant(config=path).config.environment)
    recorded = meant(config=path, environment="test")
    assert ("eu-west-1", "test") == (recorded.config.spec.region, recorded.workspace.environment)


def test_a_name_that_no_config_has_in_that_environment_is_refused(folder: Path) -> None:
    """Defaults would be another deployment in another place."""
    write_config(folder, "digits", environments=ENVIRONMENTS)
    with pytest.raises(BadInput, match="No config here is named words in the environment prod"):
        meant(name="words", environment="prod")


def test_an_environment_on_the_local_target_has_no_account_to_keep_to(folder: Path) -> None:
    """The config's `account` is of AWS: the local AWS has one of its own, which the record has."""
    environments = {"test": {"target": "local"}}
    path = write_config(folder, "digits", target="aws", account="999900001111", environments=environments)
    bento = Bento(Tag("digits", "v1"), folder, "3.11", "1.4.0", "service:Digits")
    selection = Selection(config=path, environment="test")
    first = deployment_of(bento, selection, real_toolbox())
    there = Environment("local", first.config.spec.region, account="123456789012")
    first.workspace.remember(pinned(first, there, real_toolbox()).config, bento)
    again = deployment_of(bento, selection, real_toolbox())
    assert (first.workspace, "local.test") == (again.workspace, again.workspace.place)
    assert ("999900001111", "123456789012") == (first.config.account, again.config.account)
