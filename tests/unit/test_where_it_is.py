"""Which account and region a deployment keeps to where its record does not say: `up` makes nothing anew elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from deployer.config import DeploymentConfig, TargetName
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Tag
from deployer.targets import Environment
from deployer.toolbox import Deployment, real_toolbox
from deployer.workflows.deployment import Selection, deployment_of, pinned
from deployer.workspace import Workspace

ACCOUNT, OTHER = "111122223333", "444455556666"
CONFIG = "api_version: v1\nname: digits\noperator: {name: aws-lambda}\ntemplate: terraform\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def meant(folder: Path, text: str, environment: str = "") -> Deployment:
    """What `up` would deploy with this config."""
    (folder / "digits.yaml").write_text(CONFIG + text, encoding="utf-8")
    selection = Selection(config=folder / "digits.yaml", environment=environment or None)
    return deployment_of(bento(folder), selection, real_toolbox())


def bento(folder: Path) -> Bento:
    return Bento(Tag("digits", "v1"), folder, "3.11", "1.4.0", "service:Digits")


def deployed(folder: Path, *, values: str = "", target: TargetName = "aws", state: str = "terraform.tfstate") -> Path:
    """What an `up` left in the workspace: a record without an account, terraform's values and a state."""
    workspace = Workspace.at(folder, "digits", target)
    workspace.remember(DeploymentConfig(name="digits", target=target), bento(folder))
    (workspace.terraform / state).parent.mkdir(exist_ok=True)
    (workspace.terraform / state).write_text('{"version": 4}', encoding="utf-8")
    (workspace.terraform / "terraform.tfvars.json").write_text(values, encoding="utf-8")
    return workspace.root / "deployment.json"


def values(account: str, region: str = "us-east-1", host: str = "amazonaws.com") -> str:
    return json.dumps({"image_tag": f"{account}.dkr.ecr.{region}.{host}/digits:v1"})


def test_a_damaged_record_does_not_let_a_deployment_go(folder: Path) -> None:
    """terraform's values say where its images are: in its account and region."""
    deployed(folder, values=values(ACCOUNT)).write_text('{"version": 1, "regio', encoding="utf-8")
    assert ACCOUNT == meant(folder, "target: aws\n").config.account
    with pytest.raises(BadInput, match=f"digits is deployed in account {ACCOUNT}, and its config now says {OTHER}"):
        meant(folder, f"target: aws\naccount: '{OTHER}'\n")
    with pytest.raises(BadInput, match="digits is deployed in us-east-1, and its config now says eu-west-1"):
        meant(folder, "target: aws\nspec: {region: eu-west-1}\n")


@pytest.mark.parametrize("said", ["", "[]", '{"image_tag": 5}', '{"image_tag": "docker.io/digits:v1"}'])
@pytest.mark.parametrize("state", ["terraform.tfstate", ".terraform/terraform.tfstate"])
def test_where_nothing_says_where_a_state_belongs_up_makes_nothing(folder: Path, said: str, state: str) -> None:
    """Neither for a state of this disk nor for one in S3; the record is left as it is."""
    record = deployed(folder, values=said, state=state)
    record.write_text("{", encoding="utf-8")
    with pytest.raises(DeployerError) as refused:
        meant(folder, "target: aws\n")
    assert (1, True) == (refused.value.exit_code, refused.value.message.startswith(f"{record} cannot be read: "))
    assert "delete the file where the config names its account and region" in refused.value.hint
    assert "{" == record.read_text(encoding="utf-8")
    record.unlink()
    assert "" == meant(folder, "target: aws\n").config.account


def test_a_damaged_record_of_nothing_is_written_anew(folder: Path) -> None:
    """A first `up` that was cut short has made nothing that could be lost; the local AWS has one account."""
    record = deployed(folder)
    (record.parent / "terraform" / "terraform.tfstate").write_text("", encoding="utf-8")
    record.write_text("{", encoding="utf-8")
    assert "" == meant(folder, "target: aws\n").config.account
    deployed(folder, target="local").write_text("{", encoding="utf-8")
    assert "local" == meant(folder, "target: local\n").config.target


@pytest.mark.parametrize(
    ("known", "account", "refused"),
    [("", ACCOUNT, False), (values(ACCOUNT), OTHER, False), (values(ACCOUNT), ACCOUNT, True)],
    ids=["nowhere", "elsewhere", "there"],
)
def test_an_old_record_without_an_account_speaks_for_no_account(
    folder: Path, known: str, account: str, *, refused: bool
) -> None:
    """One name in two accounts is two functions; where the images are says more than nothing."""
    deployed(folder, values=known)
    deployment = meant(folder, "environments: {prod: {name: digits, target: aws}}\n", "prod")
    there = Environment("aws", "us-east-1", account=account)
    if refused:
        with pytest.raises(BadInput, match="would be the function of digits"):
            pinned(deployment, there, real_toolbox())
        return
    config = pinned(deployment, there, real_toolbox()).config
    assert replace(deployment.config, account=account) == config


def test_images_in_china_are_in_a_region_too(folder: Path) -> None:
    """Registries there have another domain."""
    deployed(folder, values=values(ACCOUNT, "cn-north-1", "amazonaws.com.cn")).write_text("{", encoding="utf-8")
    assert ACCOUNT == meant(folder, "target: aws\nspec: {region: cn-north-1}\n").config.account
