"""Which deployment a command acts on: the one to make for a Bento, or the one that is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from deployer.config import DeploymentConfig, TargetName, default_config
from deployer.config.search import find_config, only_config
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Outputs
from deployer.targets import Environment
from deployer.toolbox import Deployment, Toolbox
from deployer.workspace import Workspace, deployments, project_log
from deployer.workspace.selection import select


@dataclass(frozen=True)
class Selection:
    """What the user said about which deployment is meant; all of it may be left out."""

    name: str | None = None
    config: Path | None = None
    target: TargetName | None = None
    bento: str | None = None


def config_for(bento: str, selection: Selection, tools: Toolbox) -> DeploymentConfig:
    """The config for a Bento's tag, with the target that the command line chose."""
    config = find_config(tools.folder, bento=bento, name=selection.name, file=selection.config)
    if config is None:
        raise BadInput(f"No config is for the Bento {bento}.", hint="Name one with -f FILE.")
    for note in config.notes:
        tools.progress.note(note)
    return config if selection.target is None else replace(config, target=selection.target)


def deployment_of(bento: Bento, selection: Selection, tools: Toolbox, *, command: str = "up") -> Deployment:
    """The deployment that `up` makes or renews."""
    config = config_for(str(bento.tag), selection, tools)
    workspace = Workspace.at(tools.folder, config.name, config.target)
    _check_region(workspace, config)
    return Deployment(config, workspace, tools.targets[config.target], workspace.new_log(command))


def _check_region(workspace: Workspace, config: DeploymentConfig) -> None:
    """Terraform would make everything anew in the other region and forget what is in this one."""
    try:
        record = workspace.record()
    except DeployerError:  # it cannot be read, and is written anew by this run
        return
    if record is not None and record.region != config.spec.region:
        raise BadInput(
            f"{config.name} is deployed in {record.region}, and its config now says {config.spec.region}.",
            hint=f"Run `deployer down --name {config.name}` first, or give the new deployment a name of its own.",
        )


def existing_deployment(selection: Selection, tools: Toolbox, *, command: str) -> Deployment | None:
    """The deployment that is there, None where there is none. Raises BadInput when several are and none is named."""
    chosen = select(
        tools.folder, name=selection.name, config=selection.config, bento=selection.bento, target=selection.target
    )
    if chosen is None:
        return None
    if chosen.problem is not None and command != "down":
        raise chosen.problem
    workspace = chosen.workspace
    return Deployment(chosen.config, workspace, tools.targets[workspace.target], workspace.new_log(command))


def deployment_to_ask(selection: Selection, tools: Toolbox, *, command: str) -> Deployment:
    """The deployment that is there. Raises DeployerError where there is none."""
    deployment = existing_deployment(selection, tools, command=command)
    if deployment is None:
        raise DeployerError("Nothing is deployed here.", hint="Run `deployer up --bento NAME:VERSION` first.")
    return deployment


def deployment_on_aws(selection: Selection, tools: Toolbox, *, command: str) -> Deployment:
    """A deployment that may have been made on another machine: AWS is asked about it, not this folder.

    Where this folder has a record of it, that counts. Else it is the one of the config that is named, or of the only
    config; nothing but a log is written. Raises DeployerError where nothing leads to one.
    """
    named = _named_config(selection, tools)
    if _is_recorded(named.name if named else None, selection.target, tools):
        return deployment_to_ask(selection, tools, command=command)
    config = named or only_config(tools.folder)
    if config is None:
        hint = "Run `deployer up --bento NAME:VERSION` first, or say what is meant: -f FILE or --name, and --target."
        raise DeployerError("Nothing is deployed here, and no config says what is meant.", hint=hint)
    for note in config.notes:
        tools.progress.note(note)
    config = config if selection.target is None else replace(config, target=selection.target)
    workspace = Workspace.named(tools.folder, config.name, config.target)
    return Deployment(config, workspace, tools.targets[config.target], project_log(tools.folder, command))


def _named_config(selection: Selection, tools: Toolbox) -> DeploymentConfig | None:
    """The config that the options lead to, defaults for a name that no config has; None without any option."""
    name, file = selection.name, selection.config
    found = find_config(tools.folder, bento=selection.bento, name=name, file=file)
    if found is not None or name is None:
        return found
    config = default_config(name)
    return replace(config, notes=(f"No config is named {name}: defaults are used, region {config.spec.region}.",))


def _is_recorded(name: str | None, target: TargetName | None, tools: Toolbox) -> bool:
    there = deployments(tools.folder)
    return any(name in (None, found.name) and target in (None, found.target) for found in there)


def what_is_live(deployment: Deployment, tools: Toolbox) -> tuple[Environment, Outputs]:
    """Where it is, and what terraform made there. Raises DeployerError where `up` did not get that far."""
    environment = deployment.target.reach(region=deployment.config.spec.region)
    terraform = tools.terraform(deployment, environment)
    if not terraform.resources():
        problem = f"{deployment.config.name} is not deployed yet: the last `deployer up` did not get that far."
        raise DeployerError(problem, hint="Run `deployer up` again: it continues from what exists.")
    outputs = terraform.output()
    if not outputs.endpoint:
        problem = (
            f"No version of {deployment.config.name} is released yet: the last `deployer up` did not get that far."
        )
        raise DeployerError(problem, hint="Run `deployer up` again: it tests the newest version and releases it.")
    return environment, outputs
