"""Which deployment a command acts on: the one to make for a Bento, or the one that is there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from deployer.config import DeploymentConfig, TargetName, default_config
from deployer.config.search import find_config, only_config
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Outputs
from deployer.stages.state_place import refuse_another_state
from deployer.targets import Environment
from deployer.toolbox import Deployment, Toolbox
from deployer.workspace import Workspace, deployments, project_log
from deployer.workspace.selection import Wanted, meant_environment, select
from deployer.workspace.traces import has_state, place_of_images


@dataclass(frozen=True)
class Selection:
    """What the user said about which deployment is meant; all of it may be left out."""

    name: str | None = None
    config: Path | None = None
    target: TargetName | None = None
    bento: str | None = None
    environment: str | None = None

    @property
    def overlay(self) -> str:
        """The environment whose values count; without one the config's own do."""
        return self.environment or ""


def config_for(bento: str, selection: Selection, tools: Toolbox) -> DeploymentConfig:
    """The config for a Bento's tag, with the target that the command line chose."""
    config = find_config(
        tools.folder, bento=bento, name=selection.name, file=selection.config, environment=selection.overlay
    )
    if config is None:
        raise BadInput(f"No config is for the Bento {bento}.", hint="Name one with -f FILE.")
    for note in config.notes:
        tools.progress.note(note)
    return config if selection.target is None else replace(config, target=selection.target)


def deployment_of(bento: Bento, selection: Selection, tools: Toolbox, *, command: str = "up") -> Deployment:
    """The deployment that `up` makes or renews."""
    config = config_for(str(bento.tag), selection, tools)
    workspace = Workspace.at(tools.folder, config.name, config.target, config.environment)
    config = _where_it_is(workspace, config)
    return Deployment(config, workspace, tools.targets[config.target], workspace.new_log(command))


def _where_it_is(workspace: Workspace, config: DeploymentConfig) -> DeploymentConfig:
    """The config with the account that the deployment is in, where that is known.

    Raises BadInput for a config that has come to name another account or region: terraform would make everything anew
    there and forget what is here; and DeployerError where a state is here and nothing says where it belongs.
    """
    account, region = _known_place(workspace)
    _check_pin(workspace, "", region, config.spec.region)
    if config.target == "aws":
        _check_pin(workspace, "account ", account, config.account)
    return replace(config, account=account or config.account)


def _known_place(workspace: Workspace) -> tuple[str, str]:
    """The account and the region of a deployment, empty where they are not known. Raises the record's DeployerError.

    A record that cannot be read is written anew by this run where something else says what it said.
    """
    account, region = place_of_images(workspace.terraform)
    try:
        record = workspace.record()
    except DeployerError as error:
        if not account and workspace.target == "aws" and has_state(workspace.terraform):
            hint = "Restore it, or delete the file where the config names its account and region: then those count."
            raise DeployerError(error.message, hint=hint) from error
        return account, region
    return (record.account or account, record.region) if record else ("", "")


def _check_pin(workspace: Workspace, what: str, pinned: str, asked: str) -> None:
    if pinned and asked and pinned != asked:
        name, environment = workspace.name, workspace.environment
        down = f"deployer down --name {name}{f' --env {environment}' if environment else ''}"
        raise BadInput(
            f"{name} is deployed in {what}{pinned}, and its config now says {asked}.",
            hint=f"Run `{down}` first, or give the new deployment a name of its own.",
        )


def existing_deployment(selection: Selection, tools: Toolbox, *, command: str) -> Deployment | None:
    """The deployment that is there, None where there is none. Raises BadInput when several are and none is named."""
    chosen = select(
        tools.folder,
        name=selection.name,
        config=selection.config,
        bento=selection.bento,
        target=selection.target,
        environment=selection.environment,
    )
    if chosen is None:
        return None
    if chosen.problem is not None and command != "down":
        raise chosen.problem
    workspace = chosen.workspace
    return Deployment(chosen.config, workspace, tools.targets[workspace.target], workspace.new_log(command))


def deployment_to_ask(selection: Selection, tools: Toolbox, *, command: str) -> Deployment:
    """The deployment that is there, or whose state is in S3. Raises DeployerError where there is none."""
    deployment = recorded_elsewhere(selection, tools, command=command)
    deployment = deployment or existing_deployment(selection, tools, command=command)
    if deployment is None:
        hint = "Run `deployer up --bento NAME:VERSION` first, or name the config (-f FILE) that keeps its state in S3."
        raise DeployerError("Nothing is deployed here.", hint=hint)
    return deployment


def recorded_elsewhere(selection: Selection, tools: Toolbox, *, command: str) -> Deployment | None:
    """The deployment whose state the config keeps in S3, where this folder has no record of it, as a fresh checkout.

    Whether there is such a state is not asked here. None for any other.
    """
    config = unrecorded_config(selection, tools)
    if config is None or config.terraform.backend is None:
        return None
    workspace = Workspace.at(tools.folder, config.name, config.target, config.environment)
    return Deployment(config, workspace, tools.targets[config.target], workspace.new_log(command))


def unrecorded_config(selection: Selection, tools: Toolbox) -> DeploymentConfig | None:
    """The config that the options lead to, None without any option and where a record of this folder fits them."""
    environment, there = meant_environment(selection.environment, selection.config), deployments(tools.folder)
    if selection.config is None and any(map(Wanted(selection.name, selection.target, environment).fits, there)):
        return None
    config = _named_config(selection, tools)
    if config is None and selection.environment:
        config = only_config(tools.folder, selection.environment)
    if config is None or any(map(Wanted(config.name, selection.target, environment).fits, there)):
        return None
    return config if selection.target is None else replace(config, target=selection.target)


def deployment_on_aws(selection: Selection, tools: Toolbox, *, command: str) -> Deployment:
    """A deployment that may have been made on another machine: AWS is asked about it, not this folder.

    Where this folder has a record of it, that counts. Else it is the one of the config that is named, or of the only
    config; nothing but a log is written. Raises DeployerError where nothing leads to one.
    """
    named = _named_config(selection, tools)
    environment = meant_environment(selection.environment, selection.config)
    wanted = Wanted(named.name if named else None, selection.target, environment)
    if any(map(wanted.fits, deployments(tools.folder))):
        return deployment_to_ask(selection, tools, command=command)
    config = named or only_config(tools.folder, selection.overlay)
    if config is None:
        hint = "Run `deployer up --bento NAME:VERSION` first, or say what is meant: -f FILE or --name, and --target."
        raise DeployerError("Nothing is deployed here, and no config says what is meant.", hint=hint)
    for note in config.notes:
        tools.progress.note(note)
    config = config if selection.target is None else replace(config, target=selection.target)
    workspace = Workspace.named(tools.folder, config.name, config.target, config.environment)
    return Deployment(config, workspace, tools.targets[config.target], project_log(tools.folder, command))


def _named_config(selection: Selection, tools: Toolbox) -> DeploymentConfig | None:
    """The config that the options lead to, defaults for a name that no config has; None without any option."""
    name, file, environment = selection.name, selection.config, selection.overlay
    found = find_config(tools.folder, bento=selection.bento, name=name, file=file, environment=environment)
    if found is not None or name is None:
        return found
    if environment:
        problem = f"No config here is named {name} in the environment {environment}."
        raise BadInput(problem, hint="Name the config with -f FILE, or leave --name out.")
    config = default_config(name)
    return replace(config, notes=(f"No config is named {name}: defaults are used, region {config.spec.region}.",))


def reached(deployment: Deployment) -> Environment:
    """The target as it is. Raises DeployerError where it is another account's, before anything else is asked there."""
    config = deployment.config
    return deployment.target.reach(region=config.spec.region, account=config.account, profile=config.profile)


def prepared(deployment: Deployment, *, python_version: str | None = None, architecture: str = "") -> Environment:
    """The target made ready to use, for functions of this Python and architecture where named. Raises as `reached`."""
    config = deployment.config
    return deployment.target.prepare(
        region=config.spec.region,
        python_version=python_version,
        architecture=architecture,
        account=config.account,
        profile=config.profile,
    )


def pinned(deployment: Deployment, environment: Environment, tools: Toolbox) -> Deployment:
    """The deployment with the account that it is in from now on.

    Raises BadInput where another environment of this folder has the same function: the two would take turns at it.
    """
    workspace, account = deployment.workspace, environment.account
    for other in deployments(tools.folder):
        if _is_same_function(other, workspace, environment):
            problem = (
                f"{workspace} would be the function of {other}, in account {account} and {environment.region} too."
            )
            raise BadInput(problem, hint="Give it a name of its own, or another account or region, in the config.")
    return replace(deployment, config=replace(deployment.config, account=account))


def _is_same_function(other: Workspace, workspace: Workspace, environment: Environment) -> bool:
    """Whether another deployment's record says that it is there where this one is to be."""
    if other == workspace or (other.name, other.target) != (workspace.name, workspace.target):
        return False
    try:
        return _known_place(other) == (environment.account, environment.region)
    except DeployerError:
        return False


def what_is_live(deployment: Deployment, tools: Toolbox) -> tuple[Environment, Outputs]:
    """Where it is, and what terraform made there. Raises DeployerError where `up` did not get that far."""
    environment = reached(deployment)
    terraform = tools.terraform(deployment, environment)
    if not terraform.resources():
        problem = f"{deployment.config.name} is not deployed yet: the last `deployer up` did not get that far."
        raise DeployerError(problem, hint="Run `deployer up` again: it continues from what exists.")
    outputs = terraform.output()
    if outputs.function_name != deployment.config.name:
        refuse_another_state(deployment.config, terraform)
    if not outputs.endpoint:
        problem = (
            f"No version of {deployment.config.name} is released yet: the last `deployer up` did not get that far."
        )
        raise DeployerError(problem, hint="Run `deployer up` again: it tests the newest version and releases it.")
    return environment, outputs
