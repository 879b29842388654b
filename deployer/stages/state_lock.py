"""The lock of a deployment's terraform state: refused while its owner lives, taken away when that one is dead."""

from __future__ import annotations

from deployer.errors import DeployerError
from deployer.tools.state_lock import note_of, state_lock
from deployer.tools.terraform_folder import TerraformFolder


def refuse_living_owner(folder: TerraformFolder) -> None:
    """Raises DeployerError where a terraform is at work on the state: one that outlived a killed `up`, for example."""
    lock = None if folder.state_is_elsewhere else state_lock(folder.state)
    if lock is not None and lock.held:
        stop = f" or stop it with `kill {lock.process}`: it then writes down what it has made" if lock.process else ""
        raise DeployerError(
            f"The terraform state {folder.state} is locked: {lock} is at work on it.",
            hint=f"Wait until it has ended{stop}. Then run the same command again.",
        )


def release_stale_lock(folder: TerraformFolder) -> str:
    """Remove what a dead owner left and say whose it was; empty where nothing is locked. Raises for a living owner."""
    refuse_living_owner(folder)
    lock = state_lock(folder.state)
    if lock is None:
        return ""
    note_of(folder.state).unlink(missing_ok=True)
    return f"Removed a lock whose owner is dead: {lock}."
