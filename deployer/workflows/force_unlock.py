"""`deployer force-unlock`: take away a lock of the terraform state whose owner is dead, and never a living owner's."""

from __future__ import annotations

from collections.abc import Callable

from deployer.errors import BadInput, DeployerError
from deployer.stages.state_lock import release_stale_lock
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.terraform_backend import wanted_place
from deployer.tools.terraform_folder import TerraformFolder
from deployer.workflows.deployment import Selection, deployment_to_ask, reached

Confirm = Callable[[str], bool]


def force_unlock(selection: Selection, tools: Toolbox, *, identity: str | None, confirm: Confirm) -> str:
    """What was unlocked and whose lock it was, in a sentence; empty where nothing is locked.

    `identity` is the lock's ID; of a state on this disk, and of one in S3, it is found. Raises DeployerError naming the
    owner where that one is alive; the lock of the workspace is the system's own, so whoever holds it is alive too.
    """
    deployment = deployment_to_ask(selection, tools, command="force-unlock")
    folder = TerraformFolder(deployment.workspace.terraform)
    with deployment.workspace.lock("force-unlock"):
        if folder.state_is_elsewhere or (wanted_place(deployment.config).is_remote and not folder.state.exists()):
            return _unlock_backend(deployment, tools, identity=identity, confirm=confirm)
        if identity is not None:
            hint = "Leave --id out: whether the owner of a local lock is alive can be seen."
            raise BadInput(f"The state of {deployment.config.name} is on this disk, where a lock has no ID.", hint=hint)
        return release_stale_lock(folder)


def _unlock_backend(deployment: Deployment, tools: Toolbox, *, identity: str | None, confirm: Confirm) -> str:
    """Nobody can say from here whether the lock's owner is alive: that is the user's to know."""
    name, terraform = deployment.config.name, tools.terraform(deployment, reached(deployment))
    place, lock = terraform.place(), terraform.lock()
    if identity is None and place.kind == "s3" and lock is None and not terraform.keeps_own_place():
        return ""
    identity = identity or (lock.identity if lock else "")
    if not identity:
        raise BadInput(
            f"The state of {name} is kept by {place}, which wants the ID of the lock.",
            hint="A command that finds the state locked prints the ID under `Lock Info`; pass it with --id.",
        )
    held = f", held by {lock}" if lock else ""
    if not confirm(f"Unlock the state {place}{held}? Only do so when the command that locked it has ended"):
        raise DeployerError("Nothing was unlocked.", hint="Answer with y, or pass --yes, to unlock it.")
    terraform.init()
    terraform.unlock(identity)
    return f"Unlocked {place}: lock {identity}{held}."
