"""Providers are hashed by `init` alone: other commands get a lock file without hashes while nothing has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from stand_in_runner import Answer, Asked, StandInRunner

from deployer.tools.process import Runner
from deployer.tools.terraform import Terraform
from deployer.tools.terraform_providers import Providers, without_hashes

PROVIDER = Path("registry.terraform.io/hashicorp/aws/5.100.0/linux_amd64/terraform-provider-aws_v5.100.0_x5")
LOCK = """# This file is maintained automatically by "terraform init".

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = ">= 5.100.0, < 7.0.0"
  hashes = [
    "h1:edXOJWE4ORX8Fm+dpVpICzMZJat4AX0VRCAy/xkcOc0=",
    "zh:0f",
  ]
}

provider "registry.terraform.io/hashicorp/null" {
  version = "3.2.0"
  hashes  = ["h1:a="]
}
"""


def installed(folder: Path) -> Path:
    return folder / ".terraform" / "providers" / PROVIDER


class Watched:
    """A terraform whose `init` installs a provider; `locks` are the lock files that its commands found."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.locks = folder, list[tuple[str, str]]()
        self.runner = StandInRunner(program=self._run)

    @property
    def terraform(self) -> Terraform:
        return terraform(self.folder, self.runner)

    def _run(self, asked: Asked) -> Answer:
        if asked.argv[1] == "init" and not installed(self.folder).exists():
            installed(self.folder).parent.mkdir(parents=True, exist_ok=True)
            installed(self.folder).write_text("the provider")
            (self.folder / ".terraform.lock.hcl").write_text(LOCK)
        lock = self.folder / ".terraform.lock.hcl"
        self.locks.append((asked.argv[1], lock.read_text() if lock.exists() else ""))
        return 0, ""


def terraform(folder: Path, runner: Runner) -> Terraform:
    return Terraform(
        folder=folder,
        binary=Path("/bin/terraform"),
        variables={},
        runner=runner,
        log=folder / "terraform.log",
        provider_mirror=None,
    )


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    found = Watched(tmp_path)
    found.terraform.init()
    return found


def test_the_versions_stay_and_the_hashes_go() -> None:
    """Of each provider, on one line or on several."""
    assert """# This file is maintained automatically by "terraform init".

provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = ">= 5.100.0, < 7.0.0"
}

provider "registry.terraform.io/hashicorp/null" {
  version = "3.2.0"
}
""" == without_hashes(LOCK)


def test_only_init_hashes_a_provider(watched: Watched) -> None:
    """Plan, apply and what else there is get the versions; afterwards the lock file is as `init` left it."""
    tool = watched.terraform
    tool.init()
    tool.apply(tool.plan())
    tool.command("show -json", "x", hint="")
    assert [
        ("init", LOCK),
        *((command, without_hashes(LOCK)) for command in ("plan", "apply", "show")),
    ] == watched.locks
    assert LOCK == (watched.folder / ".terraform.lock.hcl").read_text()


def test_a_provider_that_changed_is_verified_again(watched: Watched) -> None:
    """Same size, other content: by the next `init`, and by any command that comes before it."""
    installed(watched.folder).write_text("THE PROVIDER")
    watched.terraform.plan()
    watched.terraform.init()
    watched.terraform.plan()
    assert [("plan", LOCK), ("init", LOCK), ("plan", without_hashes(LOCK))] == watched.locks[1:]


def test_a_provider_that_came_or_went_is_a_change(watched: Watched) -> None:
    """So is a link that leads elsewhere."""
    found = installed(watched.folder)
    (found.parent / "more").touch()
    watched.terraform.init()
    elsewhere = watched.folder / "mirror"
    found.rename(elsewhere)
    found.symlink_to(elsewhere)
    watched.terraform.init()
    found.unlink()
    watched.terraform.init()
    assert ["init"] * 4 == [command for command, _ in watched.locks]


def test_a_folder_that_an_earlier_deployer_initialised_is_initialised_again(watched: Watched) -> None:
    """Its mark says nothing of providers."""
    (watched.folder / ".terraform" / "deployer-init").write_text("0" * 64)
    watched.terraform.plan()
    watched.terraform.init()
    assert [("plan", LOCK), ("init", LOCK)] == watched.locks[1:]


def test_a_killed_run_leaves_no_lock_file_without_hashes(watched: Watched) -> None:
    """Its hashes are put back before the next command looks at them."""
    providers = Providers(watched.folder)
    with pytest.raises(KeyboardInterrupt), providers.unhashed():
        kept = {file.name: file.read_text() for file in watched.folder.glob(".terraform.lock.hcl*")}
        raise KeyboardInterrupt
    assert LOCK == providers.lock.read_text()
    for name, text in kept.items():  # as the kill left them
        (watched.folder / name).write_text(text)
    assert without_hashes(LOCK) == providers.lock.read_text()
    installed(watched.folder).write_text("another")
    watched.terraform.plan()
    watched.terraform.init()
    assert [("plan", LOCK), ("init", LOCK)] == watched.locks[1:]
    assert [".terraform.lock.hcl"] == [file.name for file in watched.folder.glob(".terraform.lock.hcl*")]


def test_a_lock_file_that_was_written_since_stays(watched: Watched) -> None:
    """A user's own, copied anew from a template, or that of a `terraform init` by hand."""
    providers = Providers(watched.folder)
    (watched.folder / ".terraform.lock.hcl.full").write_text(LOCK)
    providers.lock.write_text(LOCK.replace("5.100.0", "6.1.0"))
    providers.restore_lock()
    assert LOCK.replace("5.100.0", "6.1.0") == providers.lock.read_text()
    assert not (watched.folder / ".terraform.lock.hcl.full").exists()
