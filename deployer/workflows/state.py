"""`deployer state`: where terraform's state of a deployment is and who has locked it, and the bucket that it needs."""

from __future__ import annotations

from functools import partial

from deployer.errors import BadInput
from deployer.results import StateBucketResult, StateResult
from deployer.stages.state_place import forget_state, only_function, settle_state
from deployer.targets import Environment
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.terraform_backend import wanted_place
from deployer.tools.terraform_folder import TerraformFolder
from deployer.workflows.deployment import Selection, deployment_on_aws, deployment_to_ask, prepared, reached

_IN_THE_CONFIG = "terraform: {backend: {type: s3, bucket: NAME}}"


def show_state(selection: Selection, tools: Toolbox) -> StateResult:
    """Nothing is moved or changed. Raises DeployerError where nothing is deployed."""
    deployment = deployment_to_ask(selection, tools, command="state-show")
    terraform = tools.terraform(deployment, reached(deployment))
    place, wanted, lock = terraform.place(), wanted_place(deployment.config), terraform.lock()
    return StateResult(
        name=deployment.config.name,
        place=str(deployment.workspace.terraform / "terraform.tfstate") if not place.is_remote else str(place),
        resources=terraform.resources(),
        lock=str(lock) if lock else "",
        lock_id=lock.identity if lock else "",
        moves_to="" if place == wanted or terraform.keeps_own_place() else str(wanted),
    )


def make_bucket(selection: Selection, tools: Toolbox) -> StateBucketResult:
    """Make the bucket that the config names, or bring it to what a state needs. Raises DeployerError for another's."""
    deployment = deployment_on_aws(selection, tools, command="state-bucket")
    place = wanted_place(deployment.config)
    if place.kind != "s3":
        raise BadInput(
            f"The config of {deployment.config.name} names no bucket: its state is kept on this disk.",
            hint=f"Add `{_IN_THE_CONFIG}` to it; `deployer up` then moves the state there.",
        )
    bucket = tools.state_bucket(place, prepared(deployment))
    return StateBucketResult(bucket=place.bucket, region=place.region, done=bucket.make(place.region))


def settle(deployment: Deployment, environment: Environment, tools: Toolbox) -> None:
    """The first thing of an `up`: the state comes to where the config says. Costs nothing where both mean this disk."""
    config = deployment.config
    wanted = wanted_place(config)
    if not wanted.is_remote and not TerraformFolder(deployment.workspace.terraform).state_is_elsewhere:
        return
    settle_state(
        tools.terraform(deployment, environment),
        wanted,
        function=only_function(config),
        bucket_of=partial(tools.state_bucket, environment=environment),
        note=tools.progress.note,
    )


def is_in_s3(deployment: Deployment, environment: Environment, tools: Toolbox) -> bool:
    """Whether the bucket that the config names has a state of the deployment, with something in it."""
    place = wanted_place(deployment.config)
    if place.kind != "s3" or not tools.state_bucket(place, environment).exists():
        return False
    return bool(tools.terraform(deployment, environment).resources())


def forget(deployment: Deployment, environment: Environment, tools: Toolbox) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The last thing of a `down`: what is removed of a state in S3 and what of it is kept, a line each."""
    if not TerraformFolder(deployment.workspace.terraform).state_is_elsewhere:
        return (), ()
    terraform = tools.terraform(deployment, environment)
    return forget_state(terraform, bucket_of=partial(tools.state_bucket, environment=environment))
