"""Which lock `force-unlock` takes away: of a state on this disk, of one that a backend keeps, of the workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from idle_toolbox import idle_toolbox

from deployer.config import DeploymentConfig
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Tag
from deployer.tools.state_lock import StateLock
from deployer.tools.terraform_backend import StatePlace
from deployer.workflows.deployment import Selection
from deployer.workflows.force_unlock import force_unlock
from deployer.workspace import Workspace

BENTO = Bento(Tag("digits", "v1"), Path(), "3.11", "1.4.0", "service:Digits")


LOCK = StateLock(held=True, identity="abc", who="ann@desk", created="2026-11-23T04:17:19Z", operation="Apply")
GCS = StatePlace("gcs")
S3 = StatePlace("s3", "states", "digits.tfstate", "us-east-1")


@dataclass
class Terraform:
    """Notes what it is asked to do; the state is at `at`, and `locked` says by whom."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    at: StatePlace = GCS
    locked: StateLock | None = None

    def init(self) -> None:
        self.asked.append(("init",))

    def unlock(self, identity: str) -> None:
        self.asked.append(("unlock", identity))

    def place(self) -> StatePlace:
        return self.at

    def keeps_own_place(self) -> bool:
        return self.at.kind != "s3"

    def lock(self) -> StateLock | None:
        return self.locked


@dataclass
class Desk:
    """A workspace with a record; `terraform` is what deals with a backend."""

    workspace: Workspace
    terraform: Terraform = field(default_factory=Terraform)
    questions: list[str] = field(default_factory=list)

    def unlock(self, identity: str | None = None, *, answer: bool = True) -> str:
        def confirm(question: str) -> bool:
            self.questions.append(question)
            return answer

        tools = idle_toolbox(self.workspace.folder, variables={}, aws=None, terraform=self.terraform)
        return force_unlock(Selection(), tools, identity=identity, confirm=confirm)

    def keep_state_elsewhere(self) -> None:
        known = self.workspace.terraform / ".terraform" / "terraform.tfstate"
        known.parent.mkdir()
        known.write_text('{"backend": {"type": "gcs", "config": {}}}')


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    workspace = Workspace.at(tmp_path, "digits", "aws")
    workspace.remember(DeploymentConfig(name="digits", target="aws"), BENTO)
    return Desk(workspace)


def test_nothing_locked_is_no_error_and_asks_nobody(desk: Desk) -> None:
    """No question, no terraform."""
    assert ("", []) == (desk.unlock(answer=False), desk.terraform.asked)


def test_what_a_dead_owner_left_is_removed(desk: Desk) -> None:
    """terraform itself would only pass it over."""
    note = desk.workspace.terraform / ".terraform.tfstate.lock.info"
    note.write_text('{"Who": "ann@desk"}')
    assert "Removed a lock whose owner is dead: terraform of ann@desk." == desk.unlock()
    assert not note.exists()


def test_a_command_that_is_at_work_here_is_never_unlocked(desk: Desk) -> None:
    """The workspace's lock ends with its process."""
    with desk.workspace.lock("up"), pytest.raises(DeployerError, match=r"`deployer up` \(process \d+, since "):
        desk.unlock()


def test_a_backend_is_told_which_lock_after_a_question(desk: Desk) -> None:
    """Nobody here can see whether its owner lives."""
    desk.keep_state_elsewhere()
    assert "Unlocked terraform's backend gcs: lock abc." == desk.unlock("abc")
    assert [("init",), ("unlock", "abc")] == desk.terraform.asked


def test_the_id_of_a_lock_in_s3_is_found(desk: Desk) -> None:
    """Whose it is stands in the question and in the answer."""
    desk.keep_state_elsewhere()
    desk.terraform.at, desk.terraform.locked = S3, LOCK
    holder = "terraform of ann@desk since 2026-11-23T04:17:19Z (Apply)"
    assert f"Unlocked {S3}: lock abc, held by {holder}." == desk.unlock()
    assert [f"Unlock the state {S3}, held by {holder}? Only do so when the command that locked it has ended"] == (
        desk.questions
    )
    assert ("unlock", "abc") == desk.terraform.asked[-1]


def test_a_state_in_s3_that_nobody_has_locked_is_no_error(desk: Desk) -> None:
    """As on this disk."""
    desk.keep_state_elsewhere()
    desk.terraform.at = S3
    assert ("", []) == (desk.unlock(), desk.terraform.asked)


@pytest.mark.parametrize(("identity", "answer", "said"), [(None, True, "wants the ID"), ("abc", False, "Nothing was")])
def test_a_backend_is_asked_nothing_without_an_id_and_a_yes(
    desk: Desk, identity: str | None, answer: bool, said: str
) -> None:
    """What to do is in the hint."""
    desk.keep_state_elsewhere()
    with pytest.raises(DeployerError, match=said) as told:
        desk.unlock(identity, answer=answer)
    assert told.value.hint
    assert [] == desk.terraform.asked


def test_an_id_for_a_state_on_this_disk_is_a_mistake(desk: Desk) -> None:
    """terraform cannot unlock such a state either."""
    with pytest.raises(BadInput, match="is on this disk"):
        desk.unlock("abc")
