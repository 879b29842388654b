"""Which of the deployments of a folder a command means: reads records and the config, writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.config import DeploymentConfig, Spec, TargetName, load_config
from deployer.errors import BadInput
from deployer.workspace import Record, Workspace, deployments, was_removed


@dataclass(frozen=True)
class Deployed:
    """A deployment that is there. `config` has the recorded name, environment, target, account, region and repository.

    Where its config file is gone or broken, `problem` says so and `config` holds only what was recorded: enough to
    take the deployment down, not to test it.
    """

    workspace: Workspace
    config: DeploymentConfig
    problem: BadInput | None = None


def select(
    folder: Path,
    *,
    name: str | None = None,
    config: Path | None = None,
    bento: str | None = None,
    target: TargetName | None = None,
    environment: str | None = None,
) -> Deployed | None:
    """The one deployment that is meant: the only one there where nothing is given.

    `config` without an environment means the deployment of the config's own values. None where nothing is deployed.
    Raises BadInput, listing the deployments, when several or none of them fit.
    """
    there = deployments(folder)
    environment = meant_environment(environment, config)
    loaded = None if config is None else load_config(config, name=name, environment=environment or "")
    wanted = Wanted(loaded.name if loaded else name, target, environment)
    fitting = [workspace for workspace in there if wanted.fits(workspace) and (not bento or _holds(workspace, bento))]
    if loaded and len(fitting) > 1:
        fitting = [workspace for workspace in fitting if workspace.target == loaded.target]
    if len(fitting) == 1:
        return _deployed(fitting[0], loaded)
    if fitting:
        hint = "Choose one with --name, and with --target or --env where several have that name."
        raise BadInput(f"Several deployments are here: {_list(fitting)}.", hint=hint)
    if not there or (wanted.name is not None and was_removed(folder, wanted.name, target, environment)):
        return None
    asked = _asked(name=wanted.name, bento=bento, target=target, env=environment)
    raise BadInput(f"No deployment here fits {asked}; there are: {_list(there)}.", hint="Choose one with --name.")


@dataclass(frozen=True)
class Wanted:
    """What a deployment has to be, None for anything; the environment "" is none."""

    name: str | None = None
    target: TargetName | None = None
    environment: str | None = None

    def fits(self, workspace: Workspace) -> bool:
        return (
            self.name in (None, workspace.name)
            and self.target in (None, workspace.target)
            and self.environment in (None, workspace.environment)
        )


def meant_environment(environment: str | None, config: Path | None) -> str | None:
    """The environment that is meant, None for any: a config that is named alone means its own values."""
    return "" if environment is None and config is not None else environment


def _holds(workspace: Workspace, bento: str) -> bool:
    """Whether this Bento was deployed last; `latest` and no version stand for every version."""
    record = workspace.record()
    name, _, version = bento.lower().partition(":")
    deployed_name, _, deployed_version = (record.bento if record else "").partition(":")
    return name == deployed_name and version in ("", "latest", deployed_version)


def _deployed(workspace: Workspace, loaded: DeploymentConfig | None) -> Deployed | None:
    record = workspace.record()
    if record is None:
        return None
    if loaded is not None or not record.config:
        return Deployed(workspace, _as_recorded(loaded or DeploymentConfig(name=record.name), record))
    try:
        found = load_config(workspace.folder / record.config, name=record.name, environment=record.environment)
        return Deployed(workspace, _as_recorded(found, record))
    except BadInput as problem:
        return Deployed(workspace, _as_recorded(DeploymentConfig(name=record.name), record), problem)


def _as_recorded(config: DeploymentConfig, record: Record) -> DeploymentConfig:
    """Where it was deployed counts, not what the file has come to say since."""
    spec: Spec = replace(config.spec, region=record.region, repository=record.repository)
    return replace(
        config,
        name=record.name,
        environment=record.environment,
        target=record.target,
        account=record.account or config.account,
        bento=record.bento,
        spec=spec,
    )


def _list(workspaces: Sequence[Workspace]) -> str:
    return ", ".join(map(str, workspaces))


def _asked(**options: str | None) -> str:
    return " ".join(f"--{option} {value}" for option, value in options.items() if value)
