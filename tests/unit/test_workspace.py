"""The folder of a deployment: its shape, its record, its logs, its lock."""

from __future__ import annotations

import json
import os
import stat
from datetime import datetime
from pathlib import Path

import pytest

from deployer.config import DeploymentConfig, Spec
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Route, Tag
from deployer.workspace import Record, Workspace, deployments, project_log
from deployer.workspace.folder import new_log

ROUTES = (Route("predict", "/predict", {"type": "array"}, None), Route("info", "/info"))
BENTO = Bento(Tag("digits", "v1"), Path("/store"), "3.11", "1.4.39", "service:Digits", routes=ROUTES)


def test_everything_lies_under_the_name_and_the_target(tmp_path: Path) -> None:
    """Two targets of one deployment share nothing."""
    workspace = Workspace.at(tmp_path, "digits", "local")
    root = tmp_path / ".deployer" / "digits" / "local"
    expected = [root, root / "bentoctl", root / "image", root / "terraform", root / "logs", root / "image.json"]
    found = [
        *(workspace.root, workspace.bentoctl, workspace.layout),
        *(workspace.terraform, workspace.logs, workspace.image_record),
    ]
    assert expected == found


def test_the_folder_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    """Terraform's state may hold secrets: no other user reads it and no commit takes it, whatever the umask."""
    before = os.umask(0)
    try:
        Workspace.at(tmp_path, "digits", "local")
    finally:
        os.umask(before)
    folder = tmp_path / ".deployer"
    assert (0o700, "*\n") == (stat.S_IMODE(folder.stat().st_mode), (folder / ".gitignore").read_text())


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "/etc", "a\n", "a b", "x" * 65])
def test_a_name_that_is_no_plain_folder_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is written outside of the workspace, and nothing for a refused name."""
    with pytest.raises(BadInput, match="cannot name a deployment"):
        Workspace.at(tmp_path, name, "local")
    assert [] == list(tmp_path.iterdir())


def test_what_is_remembered_is_read_back(tmp_path: Path) -> None:
    """Enough to test a deployment and to take it down; the config is named relative to the folder."""
    config = DeploymentConfig(
        name="digits",
        spec=Spec(region="eu-west-1", repository="team/digits"),
        path=tmp_path / "deployment_configs" / "digits.yaml",
        account="111122223333",
    )
    Workspace.at(tmp_path, "digits", "aws", "prod").remember(config, BENTO)
    expected = Record(
        name="digits",
        target="aws",
        region="eu-west-1",
        repository="team/digits",
        bento="digits:v1",
        config="deployment_configs/digits.yaml",
        routes=ROUTES,
        environment="prod",
        account="111122223333",
    )
    again = Workspace.named(tmp_path, "digits", "aws", "prod")
    assert (expected, ROUTES) == (again.record(), again.routes())


def test_a_deployment_is_listed_from_its_record_until_it_is_deleted(tmp_path: Path) -> None:
    """The folder alone, and foreign things beside it, are no deployment."""
    workspace = Workspace.at(tmp_path, "digits", "local")
    Workspace.at(tmp_path, "begun", "local")
    (tmp_path / ".deployer" / "a b" / "local").mkdir(parents=True)
    (tmp_path / ".deployer" / "a b" / "local" / "deployment.json").write_text("{}")
    assert () == deployments(tmp_path)
    workspace.remember(DeploymentConfig(name="digits"), BENTO)
    assert (workspace,) == deployments(tmp_path)
    workspace.delete()
    assert ((), None, ()) == (deployments(tmp_path), workspace.record(), workspace.routes())


def test_looking_writes_nothing(tmp_path: Path) -> None:
    """`status` and `down` in a wrong folder leave it as it was."""
    assert () == deployments(tmp_path)
    assert Workspace.named(tmp_path, "digits", "local").record() is None
    assert [] == list(tmp_path.iterdir())


def test_deleting_keeps_the_logs_and_the_lock_that_is_held(tmp_path: Path) -> None:
    """The command that deletes is writing a log and holding the lock."""
    workspace = Workspace.at(tmp_path, "digits", "local")
    workspace.remember(DeploymentConfig(name="digits"), BENTO)
    workspace.layout.mkdir()
    workspace.image_record.write_text("{}")
    with workspace.lock("down"):
        log = workspace.new_log("down")
        workspace.delete()
        workspace.delete()
        assert ["lock", "lock.json", "logs"] == sorted(path.name for path in workspace.root.iterdir())
    assert log.exists()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 2}', '{"version": 1, "region": "x"}'])
def test_a_record_that_cannot_be_read_says_so_and_what_to_do(tmp_path: Path, text: str) -> None:
    """Never a traceback, and never a deployment that seems not to be there."""
    workspace = Workspace.at(tmp_path, "digits", "local")
    record = workspace.root / "deployment.json"
    record.write_text(text)
    assert (workspace,) == deployments(tmp_path)
    with pytest.raises(DeployerError) as told:
        workspace.record()
    assert told.value.message.startswith(f"{record} cannot be read: ")
    assert "deployer up" in told.value.hint


def test_the_newest_twenty_logs_are_kept(tmp_path: Path) -> None:
    """They are named by the time of the run and the command, so they sort by age."""
    logs = [new_log(tmp_path / "logs", "up") for _ in range(23)]
    assert logs[3:] == sorted((tmp_path / "logs").iterdir())
    time, _, command = logs[0].name.partition("-")
    assert "up.log" == command
    datetime.strptime(time, "%Y%m%dT%H%M%S.%fZ")


def test_a_run_without_a_deployment_has_a_log_too(tmp_path: Path) -> None:
    """`deployer setup` and `bentoml build` come before there is a name."""
    log = project_log(tmp_path, "setup")
    assert (True, tmp_path / ".deployer" / "logs") == (log.exists(), log.parent)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A file of that name stands in the way."""
    (tmp_path / ".deployer").write_text("")
    with pytest.raises(DeployerError) as told:
        Workspace.at(tmp_path, "digits", "local")
    assert f"{tmp_path / '.deployer'} cannot be written: File exists." == told.value.message


def test_a_second_command_is_told_who_is_at_work(tmp_path: Path) -> None:
    """It does not wait: it names the process, the command and since when."""
    workspace = Workspace.at(tmp_path, "digits", "local")
    with workspace.lock("up"), pytest.raises(DeployerError) as told, workspace.lock("down"):
        pass
    message = told.value.message
    assert message.startswith(f"`deployer up` (process {os.getpid()}, since {datetime.now():%Y-%m-%d} ")
    assert message.endswith(" is at work on deployment digits on target local.")
    with workspace.lock("down"):
        pass


def test_deployments_do_not_lock_each_other(tmp_path: Path) -> None:
    """One lock for each name and target."""
    first = Workspace.at(tmp_path, "digits", "local")
    second = Workspace.at(tmp_path, "digits", "aws")
    with first.lock("up"), second.lock("up"):
        assert (first.root / "lock.json").exists()


def test_a_lock_without_a_holders_file_is_still_a_lock(tmp_path: Path) -> None:
    """In the instant between taking the lock and saying so, nobody can be named."""
    workspace = Workspace.at(tmp_path, "digits", "local")
    with workspace.lock("up"):
        (workspace.root / "lock.json").unlink()
        with pytest.raises(DeployerError, match=r"^Another deployer command is at work on"), workspace.lock("down"):
            pass


def test_a_record_of_before_there_were_environments_is_read(tmp_path: Path) -> None:
    """What was deployed then is taken down now; its account is not known."""
    workspace = Workspace.at(tmp_path, "digits", "aws")
    old = {"version": 1, "name": "digits", "target": "aws", "region": "eu-west-1", "repository": "digits"}
    text = json.dumps({**old, "bento": "digits:v1", "config": "", "routes": []})
    (workspace.root / "deployment.json").write_text(text, encoding="utf-8")
    record = workspace.record()
    assert record is not None
    assert ("eu-west-1", "", "") == (record.region, record.environment, record.account)


def test_each_environment_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """Beside the one without, whose place has not changed; a lock of one does not hold up another."""
    plain = Workspace.at(tmp_path, "digits", "aws")
    prod = Workspace.at(tmp_path, "digits", "aws", "prod")
    assert (".deployer/digits/aws", ".deployer/digits/aws.prod") == (
        str(plain.root.relative_to(tmp_path)),
        str(prod.root.relative_to(tmp_path)),
    )
    with plain.lock("up"), prod.lock("up"):
        pass
    for workspace in (prod, plain):
        workspace.remember(DeploymentConfig(name="digits", target="aws"), BENTO)
    assert (plain, prod) == deployments(tmp_path)
    prod.delete()
    assert (plain,) == deployments(tmp_path)
    assert ("digits (aws)", "digits (aws, environment prod)") == (str(plain), str(prod))


@pytest.mark.parametrize("environment", ["../x", "Prod", "a/b", ".", "x" * 32])
def test_an_environment_that_is_no_name_makes_no_folder(tmp_path: Path, environment: str) -> None:
    """It would lead elsewhere."""
    with pytest.raises(BadInput, match="cannot name an environment"):
        Workspace.at(tmp_path, "digits", "aws", environment)
    assert [] == list(tmp_path.iterdir())
