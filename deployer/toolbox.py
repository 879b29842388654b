"""The collaborators of a workflow, and the one place that knows which real classes they are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployer.clock import Clock
from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.targets import Environment, Target
from deployer.targets.aws import AwsTarget
from deployer.targets.local import LocalTarget
from deployer.tools import bentoctl_environment
from deployer.tools.aws import Aws
from deployer.tools.aws_state_bucket import StateBucket
from deployer.tools.bento_store import BentoStore
from deployer.tools.bentoctl import Bentoctl
from deployer.tools.http import Http, Urllib3Http
from deployer.tools.process import Processes, Runner
from deployer.tools.provider_mirror import find_mirror
from deployer.tools.terraform import Terraform, find_terraform
from deployer.tools.terraform_backend import StatePlace, oldest_terraform, wanted_place
from deployer.ui import Progress, Screen
from deployer.workspace import Workspace


@dataclass(frozen=True)
class Deployment:
    """What a command acts on: its config, its folder, the target, and the log of this run."""

    config: DeploymentConfig
    workspace: Workspace
    target: Target
    log: Path


@dataclass(frozen=True)
class Toolbox:
    """Everything a workflow may use. `folder` is the current folder; `variables` the user's environment variables."""

    folder: Path
    variables: Mapping[str, str]
    runner: Runner
    progress: Progress
    store: BentoStore
    http: Http
    targets: Mapping[str, Target]
    aws: Callable[[Environment], Aws]
    terraform: Callable[[Deployment, Environment], Terraform]
    bentoctl: Callable[[Deployment, Environment], Bentoctl]
    clock: Clock = field(default_factory=Clock)

    def state_bucket(self, place: StatePlace, environment: Environment) -> StateBucket:
        """The bucket of a terraform state, which may be in another region than the function."""
        return self.aws(replace(environment, region=place.region)).state_bucket(place.bucket)


def real_toolbox() -> Toolbox:
    """The toolbox of the command line: real processes, real AWS doors, the user's own environment."""
    variables = dict(os.environ)
    runner, screen = Processes(), Screen()

    def terraform(deployment: Deployment, environment: Environment) -> Terraform:
        place = wanted_place(deployment.config)
        binary = find_terraform(variables, oldest=oldest_terraform(deployment.workspace.terraform, place))
        return Terraform(
            folder=deployment.workspace.terraform,
            binary=binary,
            variables=environment.process_variables(variables),
            runner=runner,
            log=deployment.log,
            provider_mirror=find_mirror(deployment.config.terraform.provider_mirror, variables),
            place=place,
            lock_in_s3=lambda found: tools.state_bucket(found, environment).lock(found.key),
            log_in=environment.log_in,
        )

    def bentoctl(deployment: Deployment, environment: Environment) -> Bentoctl:
        python = bentoctl_environment.ensure(
            runner=runner, variables=variables, log=deployment.log, on_step=screen.note
        )
        return Bentoctl(python=python, runner=runner, variables=environment.process_variables(variables))

    tools = Toolbox(
        folder=_current_folder(),
        variables=variables,
        runner=runner,
        progress=screen,
        store=BentoStore.of(variables),
        http=Urllib3Http(),
        targets={
            "local": LocalTarget(runner=runner, variables=variables),
            "aws": AwsTarget(variables=variables, ask=screen.ask),
        },
        aws=lambda environment: Aws(environment, variables),
        terraform=terraform,
        bentoctl=bentoctl,
    )
    return tools


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise DeployerError("The current folder is gone.", hint="Change to the folder of your project.") from error
