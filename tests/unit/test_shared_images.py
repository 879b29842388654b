"""What `down` leaves of a repository that other functions use, without a terraform or an AWS."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from idle_toolbox import idle_toolbox

from deployer.config import DeploymentConfig, Spec
from deployer.errors import DeployerError
from deployer.models import Bento, Change, Plan, Tag
from deployer.results import DownResult
from deployer.tools.aws_images import StoredImage
from deployer.tools.terraform_backend import LOCAL, StatePlace
from deployer.workflows.deployment import Selection
from deployer.workflows.down import Keep, down
from deployer.workspace import Workspace

BENTO = Bento(Tag("digits", "v1"), Path(), "3.11", "1.4.0", "service:Digits")
CONFIG = DeploymentConfig(name="digits", target="aws", spec=Spec(repository="team/digits"))
IMAGES = "ECR repository team/digits"
FUNCTION, POLICY = "aws_lambda_function.this", "aws_ecr_repository_policy.this[0]"


@dataclass
class Terraform:
    """A state on this disk."""

    known: list[str] = field(default_factory=lambda: [FUNCTION, POLICY])

    def place(self) -> StatePlace:
        return LOCAL

    def lock(self) -> None:
        return None

    def functions(self) -> tuple[str, ...]:
        return ("digits",)

    def resources(self) -> tuple[str, ...]:
        return tuple(self.known)

    def init(self) -> None: ...

    def plan(self, *, destroy: bool) -> Plan:
        return Plan(Path(), tuple(Change(address, "delete") for address in self.known))

    def apply(self, plan: Plan, *, on_event: object) -> None:
        self.known = []

    def command(self, words: str, *addresses: str, hint: str) -> str:
        self.known = [known for known in self.known if known not in addresses]
        return ""


@dataclass
class Aws:
    """An account with the repository, of this owner, and with functions that use images of it.

    It stands for the doors to the images, the releases and the removal too.
    """

    users: dict[str, frozenset[str]]
    owner: str = "digits"
    others: tuple[str, ...] = ()
    has_repository: bool = True

    def images(self, repository: str) -> Any:
        return Images(self.owner)

    def releases(self, name: str) -> Any:
        return self

    def images_of_others(self) -> dict[str, frozenset[str]]:
        return self.users

    def removal(self, name: str) -> Any:
        return self

    def function_owner(self, name: str) -> None:
        return None

    def function(self) -> bool:
        return False

    role = log_group = function

    def repository(self, repository: str) -> bool:
        was_there, self.has_repository = self.has_repository, self.owner != "digits"
        return was_there and not self.has_repository

    def leftovers(self, name: str, *, repository: str) -> tuple[str, ...]:
        return (*((IMAGES,) if self.has_repository and self.owner == name else ()), *self.others)


@dataclass(frozen=True)
class Images:
    """The repository's images."""

    repository_owner: str

    def owner(self) -> str:
        return self.repository_owner

    def all(self) -> tuple[StoredImage, ...]:
        return (StoredImage("sha256:1", "2026-11-23T00:00:00Z"),)


def removed(folder: Path, aws: Aws, keep: Keep | None = None) -> DownResult:
    Workspace.at(folder, "digits", "aws").remember(CONFIG, BENTO)
    tools = idle_toolbox(folder, variables={}, aws=aws, terraform=Terraform())
    return down(Selection(), tools, confirm=lambda question: True, keep=keep)


def test_images_that_nobody_else_uses_go(tmp_path: Path) -> None:
    """A function with other images is no user."""
    result = removed(tmp_path, Aws({"words": frozenset({"sha256:9"})}))
    assert ((FUNCTION, POLICY, IMAGES), ()) == (result.removed, result.kept)


def test_images_that_another_environment_uses_stay_with_what_lets_lambda_read_them(tmp_path: Path) -> None:
    """They have one repository, which the first of them made."""
    result = removed(tmp_path, Aws({"digits-prod": frozenset({"sha256:1"})}))
    kept = f"{IMAGES}: its images are used by digits-prod, whose `deployer down` does not delete it"
    assert ((FUNCTION,), (kept,)) == (result.removed, result.kept)


def test_a_repository_of_somebody_else_needs_no_users_to_stay(tmp_path: Path) -> None:
    """It is no leftover either; what the state has of it goes."""
    result = removed(tmp_path, Aws({"digits-prod": frozenset({"sha256:1"})}, owner="digits-prod"))
    assert ((FUNCTION, POLICY), ()) == (result.removed, result.kept)


def test_images_that_are_to_be_kept_are_named_with_their_users_too(tmp_path: Path) -> None:
    """With --keep-images; without users the line alone."""
    used = removed(tmp_path, Aws({"words": frozenset({"sha256:1"})}), Keep(images=True))
    assert used.kept[0].startswith(f"{IMAGES}: its images are used by words,")
    assert (IMAGES,) == removed(tmp_path, Aws({}), Keep(images=True)).kept


def test_users_of_one_repository_excuse_no_other_leftover(tmp_path: Path) -> None:
    """Another repository with the deployment's tag was to go."""
    with pytest.raises(DeployerError, match="this is still there: ECR repository old"):
        removed(tmp_path, Aws({"words": frozenset({"sha256:1"})}, others=("ECR repository old",)))
