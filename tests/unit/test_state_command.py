"""What `deployer state` says of a state, and what it wants of the config."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from idle_toolbox import idle_toolbox

from deployer import ui_state
from deployer.config import DeploymentConfig
from deployer.errors import BadInput
from deployer.models import Bento, Tag
from deployer.results import StateBucketResult, StateResult
from deployer.tools.state_lock import StateLock
from deployer.tools.terraform_backend import LOCAL, StatePlace
from deployer.workflows.deployment import Selection
from deployer.workflows.state import make_bucket, show_state
from deployer.workspace import Workspace

BENTO = Bento(Tag("digits", "v1"), Path(), "3.11", "1.4.0", "service:Digits")
S3 = StatePlace("s3", "states", "digits.tfstate", "us-east-1")
LOCK = StateLock(held=True, identity="1b1e", who="ann@desk", created="2026-11-23T04:17:19Z", operation="Apply")
HOLDER = "terraform of ann@desk since 2026-11-23T04:17:19Z (Apply)"


@dataclass
class Terraform:
    """A state with one resource."""

    at: StatePlace = LOCAL
    locked: StateLock | None = None

    def place(self) -> StatePlace:
        return self.at

    def lock(self) -> StateLock | None:
        return self.locked

    def keeps_own_place(self) -> bool:
        return False

    def resources(self) -> tuple[str, ...]:
        return ("a.b",)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.at(tmp_path, "digits", "aws")
    made.remember(DeploymentConfig(name="digits", target="aws"), BENTO)
    return made


def shown(workspace: Workspace, terraform: Terraform) -> StateResult:
    return show_state(Selection(), idle_toolbox(workspace.folder, variables={}, aws=None, terraform=terraform))


def test_a_state_on_this_disk_is_a_file(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody holds its lock, and it stays where it is."""
    found, file = shown(workspace, Terraform()), workspace.terraform / "terraform.tfstate"
    assert StateResult("digits", str(file), ("a.b",)) == found
    assert {"name": "digits", "place": str(file), "resources": ["a.b"], "lock": None, "moves_to": None} == (
        ui_state.state_as_json(found)
    )
    ui_state.print_state(found)
    assert f"{file}: 1 resources\nnobody holds its lock\n" == capsys.readouterr().out


def test_a_state_in_s3_is_told_with_its_lock_and_where_it_goes(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """The config of this folder names no backend any more."""
    found = shown(workspace, Terraform(S3, LOCK))
    assert (str(S3), HOLDER, "1b1e", "this disk") == (found.place, found.lock, found.lock_id, found.moves_to)
    assert {"id": "1b1e", "holder": HOLDER} == ui_state.state_as_json(found)["lock"]
    ui_state.print_state(found)
    assert [
        "s3://states/digits.tfstate: 1 resources",
        f"locked by {HOLDER} (ID 1b1e)",
        "the config wants it elsewhere: the next `deployer up` moves it to this disk",
    ] == capsys.readouterr().out.splitlines()


def test_a_bucket_that_no_config_names_cannot_be_made(workspace: Workspace) -> None:
    """What to write is in the hint."""
    tools = idle_toolbox(workspace.folder, variables={}, aws=None, terraform=None)
    with pytest.raises(BadInput, match="The config of digits names no bucket") as told:
        make_bucket(Selection(), tools)
    assert "terraform: {backend: {type: s3, bucket: NAME}}" in told.value.hint


@pytest.mark.parametrize(
    ("done", "said"), [((), "bucket b is as it should be already\n"), (("made", "tagged"), "made\ntagged\n")]
)
def test_what_was_done_to_a_bucket_is_said_line_by_line(
    done: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing to do is said too."""
    made = StateBucketResult("b", "us-east-1", done)
    ui_state.print_bucket(made)
    assert said == capsys.readouterr().out
    assert {"bucket": "b", "region": "us-east-1", "done": list(done)} == ui_state.bucket_as_json(made)
