"""Which lock `force-unlock` takes away: of a state on this disk, of one that a backend keeps, of the workspace."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from idle_toolbox import idle_toolbox

from deployer.config import DeploymentConfig
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Tag
from deployer.workflows.deployment import Selection
from deployer.workflows.force_unlock import force_unlock
from deployer.workspace import Workspace

BENTO = Bento(Tag("digits", "v1"), Path(), "3.11", "1.4.0", "service:Digits")


@dataclass
class Terraform:
    """Notes what it is asked to do."""

    asked: list[tuple[str, ...]] = field(default_factory=list)

    def init(self) -> None:
        self.asked.append(("init",))

    def command(self, words: str, *arguments: str, hint: str) -> str:
        self.asked.append((words, *arguments))
        return ""


@dataclass
class Desk:
    """A workspace with a record; `terraform` is what deals with a backend."""

    workspace: Workspace
    terraform: Terraform = field(default_factory=Terraform)

    def unlock(self, identity: str | None = None, *, answer: bool = True) -> str:
        tools = idle_toolbox(self.workspace.folder, variables={}, aws=None, terraform=self.terraform)
        return force_unlock(Selection(), tools, identity=identity, confirm=lambda question: answer)

    def keep_state_elsewhere(self) -> None:
        known = self.workspace.terraform / ".terraform" / "terraform.tfstate"
        known.parent.mkdir()
        known.write_text("{}")


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
    assert "Unlocked the state of digits in terraform's backend: lock abc." == desk.unlock("abc")
    assert [("init",), ("force-unlock -force", "abc")] == desk.terraform.asked


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
