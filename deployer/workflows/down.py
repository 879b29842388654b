"""`deployer down`: destroy, then delete the images, then look for anything that is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.results import DownResult
from deployer.stages.infrastructure import destroy_all, keep_image_policies, keep_log_groups
from deployer.stages.network_interfaces import interfaces_note
from deployer.stages.ownership import refuse_unknown_function
from deployer.stages.pruning import users_of
from deployer.stages.state_lock import refuse_living_owner
from deployer.stages.state_place import refuse_another_state, refuse_locked
from deployer.stages.template_files import bring_template
from deployer.targets import Environment
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.aws_leftovers import LOG_GROUP, REPOSITORY
from deployer.tools.terraform_folder import TerraformFolder
from deployer.workflows.deployment import (
    Selection,
    existing_deployment,
    prepared,
    recorded_elsewhere,
    unrecorded_config,
)
from deployer.workflows.state import forget, is_in_s3
from deployer.workspace.folder import NAME

Confirm = Callable[[str], bool]


@dataclass(frozen=True)
class Keep:
    """What outlives the deployment because the user wants it to, or because `users`, other functions, need the images
    of the deployment's own repository.
    """

    images: bool = False
    logs: bool = False
    users: tuple[str, ...] = ()

    def holds(self, line: str, repository: str) -> bool:
        """Whether a line about something that is left is about something to keep."""
        is_images = line.startswith(REPOSITORY) and (self.images or (bool(self.users) and line == _images(repository)))
        return is_images or (self.logs and line.startswith(LOG_GROUP))

    def said(self, line: str, repository: str) -> str:
        """The line, with who else needs it: they are not its owners, and so their `down` leaves it too."""
        if not self.users or line != _images(repository):
            return line
        return f"{line}: its images are used by {', '.join(self.users)}, whose `deployer down` does not delete it"

    def __str__(self) -> str:
        return " and ".join(word for word, kept in (("images", self.images), ("logs", self.logs)) if kept)


def _images(repository: str) -> str:
    return f"{REPOSITORY} {repository}"


def down(selection: Selection, tools: Toolbox, *, confirm: Confirm, keep: Keep | None = None) -> DownResult:
    """Remove everything that belongs to a deployment. Nothing deployed is no error.

    What the function needs goes after the function: infrastructure first, images last. Raises DeployerError when a
    terraform is still at work on it, when something fails (what comes later is left alone) or something is left
    afterwards, and when the user does not confirm.
    """
    keep = keep or Keep()
    deployment = _made_elsewhere(selection, tools) or existing_deployment(selection, tools, command="down")
    if deployment is None:
        return DownResult(name=selection.name or "", target=selection.target or "", removed=())
    name, target = deployment.config.name, deployment.target.name
    if not confirm(_question(name, deployment.workspace.place, keep)):
        raise DeployerError("Nothing was removed.", hint="Answer with y, or pass --yes, to remove it.")
    with deployment.workspace.lock("down"):
        folder = TerraformFolder(deployment.workspace.terraform)
        refuse_living_owner(folder)
        environment = prepared(deployment)
        keep = replace(keep, users=_users_of_images(deployment, environment, tools))
        removed = _destroy(deployment, environment, keep, tools) + _delete_the_rest(
            deployment, environment, keep, tools
        )
        kept = _what_is_kept(deployment, environment, keep, tools)
        refuse_living_owner(folder)
        forgotten, left = forget(deployment, environment, tools)
        deployment.workspace.delete()
    note = interfaces_note(deployment.config)
    if note and removed:
        tools.progress.note(note)
    return DownResult(name=name, target=target, removed=removed + forgotten, kept=kept + left)


def _made_elsewhere(selection: Selection, tools: Toolbox) -> Deployment | None:
    """The deployment of another folder that the options lead to, with what terraform needs to destroy it.

    None where there is none. Raises DeployerError where it is there, and its state is not: "nothing" would be wrong.
    """
    if selection.name is not None and not NAME.fullmatch(selection.name):
        return None  # no deployment has a name that AWS does not take
    config = unrecorded_config(selection, tools)
    environment = None if config is None else _environment_of(config, tools)
    if config is None or environment is None:
        return None
    deployment = recorded_elsewhere(selection, tools, command="down")
    if deployment is not None and is_in_s3(deployment, environment, tools):
        bring_template(config, environment, deployment.workspace.terraform)
        return deployment
    if tools.aws(environment).function_owner(config.name) == config.name:
        where = f"account {environment.account}, region {environment.region}"
        raise DeployerError(
            f"{config.name} is deployed in {where}, and not from this folder: its terraform state is not known here.",
            hint="Run `deployer up` first, which takes over what is there, then `deployer down`. Nothing was removed.",
        )
    return None


def _environment_of(config: DeploymentConfig, tools: Toolbox) -> Environment | None:
    """None for a local AWS that is not running: what was deployed on it is gone."""
    target, spec = tools.targets[config.target], config.spec
    try:
        return target.reach(region=spec.region, account=config.account, profile=config.profile)
    except DeployerError:
        if config.target == "local":
            return None
        raise


def _question(name: str, place: str, keep: Keep) -> str:
    those = f"and keep its {keep}" if str(keep) else "with its images and logs"
    return f"Remove deployment {name} from target {place}, {those}?"


def _users_of_images(deployment: Deployment, environment: Environment, tools: Toolbox) -> tuple[str, ...]:
    """The other functions that use images of the deployment's repository; of somebody else's nothing is deleted."""
    config, aws = deployment.config, tools.aws(environment)
    images = aws.images(config.repository)
    return users_of(images.all(), aws.releases(config.name)) if images.owner() == config.name else ()


def _destroy(deployment: Deployment, environment: Environment, keep: Keep, tools: Toolbox) -> tuple[str, ...]:
    with tools.progress.step("Destroying the infrastructure with terraform") as step:
        terraform, config = tools.terraform(deployment, environment), deployment.config
        refuse_locked(terraform)
        refuse_another_state(config, terraform)
        refuse_unknown_function(config, known=terraform.resources(), aws=tools.aws(environment))
        if keep.logs:
            keep_log_groups(terraform)
        if keep.users:
            keep_image_policies(terraform)
        removed = destroy_all(terraform, say=step.update)
        step.done(f"Infrastructure: {len(removed)} resources destroyed")
    return removed


def _delete_the_rest(deployment: Deployment, environment: Environment, keep: Keep, tools: Toolbox) -> tuple[str, ...]:
    """What terraform does not own, or does not know of: a killed `up` wrote not down what was just being made.

    The images are the last, and stay where a function of that name, or another that uses them, is still there. A late
    request can make the log group again.
    """
    name, repository = deployment.config.name, deployment.config.repository
    aws, removal = tools.aws(environment), tools.aws(environment).removal(deployment.config.name)
    found = {
        f"Lambda function {name}": removal.function(),
        f"IAM role of {name}": removal.role(),
        f"log group of {name}": not keep.logs and removal.log_group(),
    }
    if aws.function_owner(name) is None and not (keep.images or keep.users):
        found[f"ECR repository {repository}"] = removal.repository(repository)
    return tuple(line for line, removed in found.items() if removed)


def _what_is_kept(deployment: Deployment, environment: Environment, keep: Keep, tools: Toolbox) -> tuple[str, ...]:
    """The lines of what is left as the user wants it. Raises DeployerError for anything else that is left."""
    name, repository = deployment.config.name, deployment.config.repository
    there = tools.aws(environment).leftovers(name, repository=repository)
    left = [line for line in there if not keep.holds(line, repository)]
    if left:
        raise DeployerError(
            f"After removing {name} this is still there: {', '.join(left)}.",
            hint="Run `deployer down` again; what it cannot remove was made by something else.",
            log=deployment.log,
        )
    return tuple(keep.said(line, repository) for line in there)
