"""Moving a terraform state between this disk and S3, or from one object to another: all of it, or not at all."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from deployer.errors import DeployerError
from deployer.tools.process import Completed
from deployer.tools.terraform_backend import StatePlace, write_backend
from deployer.tools.terraform_failures import failure
from deployer.tools.terraform_folder import TerraformFolder
from deployer.tools.terraform_state import TerraformState

Known = Mapping[str, Any]  # `lineage`, `serial` and `resources` of a state; the lineage is empty where there is none

_NO_STATE: Known = {"lineage": "", "serial": 0, "resources": []}


def move(state: TerraformState, mirror: Path | None) -> bool:
    """Bring the state to where it is wanted; False where it is. The folder is initialised where the state is now.

    A state of this disk is kept as a copy, `terraform.tfstate.moved-TIME`; an object in S3 stays. Raises DeployerError,
    and leaves everything as it was, where the other place holds another state, and where terraform refuses.
    """
    source, target = state.place(), state.wanted
    if state.is_the_templates or source == target:
        return False
    here, there = _known_at(source, state), _known_at(target, state)
    brings = bool(here["resources"]) or not there["resources"]
    if brings:
        _refuse_another_state(here, there, source, target)
    before = state.read("state list")
    _keep_copy(state.folder)
    _initialise(state, source, target, mirror, brings=brings)
    if brings and (after := state.read("state list")) != before:
        raise DeployerError(
            f"terraform moved the state from {source} to {target}, and it is another one there:"
            f" {len(before.splitlines())} resources before, {len(after.splitlines())} now.",
            hint=f"The one from before is kept: {source}, or beside {state.folder.state}.",
        )
    if target.is_remote:  # terraform leaves an empty file, which is no state
        for left in (state.folder.state, state.folder.backup):
            left.unlink(missing_ok=True)
    return True


def _initialise(
    state: TerraformState, source: StatePlace, target: StatePlace, mirror: Path | None, *, brings: bool
) -> None:
    """`terraform init` at the target: with the state, or, where that is there and nothing is here, without."""
    write_backend(state.folder.path, target, state.variables)
    state.folder.unmark_initialised()
    done = state.commands.init(mirror, move=brings, reconfigure=not brings)
    if done.returncode != 0:
        write_backend(state.folder.path, source, state.variables)
        raise _refused("init", done, f"The state is where it was: {source}.")


def _known_at(place: StatePlace, state: TerraformState) -> Known:
    """S3 is asked from an empty folder, so that nothing is noted in this one."""
    if not place.is_remote:
        state.folder.mend_state()
        file = state.folder.state
        return {**_NO_STATE, **json.loads(file.read_text(encoding="utf-8"))} if file.exists() else _NO_STATE
    with tempfile.TemporaryDirectory(prefix="deployer-") as empty:
        commands = state.commands.at(Path(empty))
        write_backend(Path(empty), place, state.variables)
        done = commands.init(None)
        if done.returncode == 0:
            done = commands.other("state pull")
        if done.returncode != 0:
            raise _refused("state pull", done, f"The state stays where it is: {place} cannot be read.")
    return {**_NO_STATE, **json.loads(done.stdout or "{}")}


def _refuse_another_state(here: Known, there: Known, source: StatePlace, target: StatePlace) -> None:
    """What is at the target may be an older copy of this very state, and nothing else."""
    is_older = here["lineage"] == there["lineage"] and here["serial"] >= there["serial"]
    if there["resources"] and not is_older:
        raise DeployerError(
            f"The terraform state is to move from {source} to {target}, where there is another one already:"
            f" it holds {len(there['resources'])} resources, this one {len(here['resources'])}. Nothing was moved.",
            hint="Choose another terraform.backend.key. Or, where the other one is the right one, delete the folder"
            " .deployer of this deployment: `deployer up` then works with what is there.",
        )


def _keep_copy(folder: TerraformFolder) -> None:
    if folder.state.exists():
        copy = folder.state.with_name(f"{folder.state.name}.moved-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}")
        shutil.copyfile(folder.state, copy)
        copy.chmod(0o600)


def _refused(command: str, done: Completed, hint: str) -> DeployerError:
    return failure(command, done, hint=hint, log=None)
