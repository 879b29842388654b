"""A deployment stays in its account: each command asks AWS whose credentials these are, and then nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from bento_samples import write_modern
from fake_identities import Identities, identities

from deployer.cli import deployer
from deployer.config import load_config
from deployer.errors import BadInput, DeployerError
from deployer.tools.bento_store import BentoStore
from deployer.workspace import Workspace

PROD, STAGING = "111122223333", "444455556666"
CONFIG = """api_version: v1
name: digits
operator: {name: aws-lambda}
template: terraform
target: aws
environments:
  prod: {name: digits, spec: {region: eu-west-1}}
  pinned: {account: "111122223333"}
"""
COMMANDS = [
    ["up", "--bento", "digits:v1"],
    ["plan", "--bento", "digits:v1"],
    ["history"],
    ["smoke-test"],
    ["invoke", "/predict"],
    ["drift"],
    ["rollback"],
    ["prune", "--keep", "1"],
    ["down"],
]


@dataclass
class Project:
    """A project folder, and a shell with credentials of the account STAGING."""

    folder: Path
    aws: Identities

    @property
    def config(self) -> Path:
        return self.folder / "digits.yaml"

    def deploy(self, environment: str, account: str) -> Workspace:
        """What an `up` to that account leaves here."""
        config = load_config(self.config, environment=environment)
        workspace = Workspace.at(self.folder, config.name, "aws", environment)
        bento = BentoStore(self.folder / "bentoml").get("digits:v1")
        workspace.remember(replace(config, account=account), bento)
        return workspace

    def run(self, *arguments: str) -> DeployerError:
        """What the command refuses with."""
        with pytest.raises(DeployerError) as refused:
            deployer.main(args=[*arguments, "-f", str(self.config), "--yes"], standalone_mode=False)
        return refused.value


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with identities(AKIASHELL=STAGING) as aws:
        shell = {
            "HOME": str(tmp_path),
            "BENTOML_HOME": str(tmp_path / "bentoml"),
            "AWS_ACCESS_KEY_ID": "AKIASHELL",
            "AWS_SECRET_ACCESS_KEY": "planted secret",
            "AWS_ENDPOINT_URL": aws.url,
        }
        for name, value in shell.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        write_modern(tmp_path / "bentoml", "digits:v1")
        there = Project(tmp_path, aws)
        there.config.write_text(CONFIG, encoding="utf-8")
        yield there


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_another_accounts_credentials_are_refused_before_anything_happens(project: Project, command: list[str]) -> None:
    """Both accounts are named, and AWS was asked one question."""
    workspace = project.deploy("prod", PROD)
    told = project.run(*command, "--env", "prod")
    assert (
        f"This deployment is in the AWS account {PROD}, and the credentials in use are of {STAGING}:"
        " the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
    ) == told.message
    assert (1, ["GetCallerIdentity"]) == (told.exit_code, project.aws.actions)
    record = workspace.record()
    assert record is not None
    assert (PROD, "digits:v1") == (record.account, record.bento)


@pytest.mark.parametrize("command", [["up", "--bento", "digits:v1"], ["history"]], ids=lambda command: command[0])
def test_an_account_of_the_config_counts_from_the_first_command_on(project: Project, command: list[str]) -> None:
    """Before there is a record, and on a machine that has none."""
    told = project.run(*command, "--env", "pinned")
    assert f"This deployment is in the AWS account {PROD}, and the credentials" in told.message
    assert ["GetCallerIdentity"] == project.aws.actions


def test_a_config_that_names_another_account_than_the_record_is_refused_by_up(project: Project) -> None:
    """Without asking AWS: terraform would make everything anew there and forget what is here."""
    project.deploy("pinned", STAGING)
    told = project.run("up", "--bento", "digits:v1", "--env", "pinned")
    assert isinstance(told, BadInput)
    expected = f"digits-pinned is deployed in account {STAGING}, and its config now says {PROD}."
    assert expected == told.message
    assert "Run `deployer down --name digits-pinned --env pinned` first" in told.hint
    assert [] == project.aws.actions


def test_a_config_that_names_another_region_than_the_record_is_refused_by_up(project: Project) -> None:
    """As another account is."""
    project.deploy("prod", STAGING)
    project.config.write_text(CONFIG.replace("eu-west-1", "eu-west-2"), encoding="utf-8")
    told = project.run("up", "--bento", "digits:v1", "--env", "prod")
    assert "digits is deployed in eu-west-1, and its config now says eu-west-2." == told.message
    assert (2, []) == (told.exit_code, project.aws.actions)


def test_an_environment_with_the_function_of_another_is_refused_by_up(project: Project) -> None:
    """One name in one account and region is one function: the two would take turns at it."""
    project.config.write_text(CONFIG.replace("eu-west-1", "us-east-1"), encoding="utf-8")
    project.deploy("prod", STAGING)
    told = project.run("up", "--bento", "digits:v1")
    twin = "digits (aws) would be the function of digits (aws, environment prod)"
    assert f"{twin}, in account {STAGING} and us-east-1 too." == told.message
    assert ["GetCallerIdentity"] == project.aws.actions


def test_no_file_here_knows_a_key(project: Project) -> None:
    """Credentials are in the environment of children, and nowhere else."""
    project.deploy("prod", PROD)
    for command in COMMANDS:
        project.run(*command, "--env", "prod")
    files = [path for path in (project.folder / ".deployer").rglob("*") if path.is_file()]
    assert len(files) > len(COMMANDS)
    assert [] == [path for path in files if b"planted secret" in path.read_bytes()]
