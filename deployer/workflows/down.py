"""`deployer down`: destroy, then delete the images, then look for anything that is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deployer.errors import DeployerError
from deployer.results import DownResult
from deployer.stages.infrastructure import destroy_all, keep_log_groups
from deployer.stages.ownership import refuse_unknown_function
from deployer.stages.state_lock import refuse_living_owner
from deployer.stages.state_place import refuse_locked
from deployer.targets import Environment
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.aws_leftovers import LOG_GROUP, REPOSITORY
from deployer.tools.terraform_folder import TerraformFolder
from deployer.workflows.deployment import Selection, existing_deployment, prepared
from deployer.workflows.state import forget

Confirm = Callable[[str], bool]


@dataclass(frozen=True)
class Keep:
    """What outlives the deployment because the user wants it to."""

    images: bool = False
    logs: bool = False

    def holds(self, line: str) -> bool:
        """Whether a line about something that is left is about something to keep."""
        return (self.images and line.startswith(REPOSITORY)) or (self.logs and line.startswith(LOG_GROUP))

    def __str__(self) -> str:
        return " and ".join(word for word, kept in (("images", self.images), ("logs", self.logs)) if kept)


def down(selection: Selection, tools: Toolbox, *, confirm: Confirm, keep: Keep | None = None) -> DownResult:
    """Remove everything that belongs to a deployment. Nothing deployed is no error.

    What the function needs goes after the function: infrastructure first, images last. Raises DeployerError when a
    terraform is still at work on it, when something fails (what comes later is left alone) or something is left
    afterwards, and when the user does not confirm.
    """
    keep = keep or Keep()
    deployment = existing_deployment(selection, tools, command="down")
    if deployment is None:
        return DownResult(name=selection.name or "", target=selection.target or "", removed=())
    name, target = deployment.config.name, deployment.target.name
    if not confirm(_question(name, deployment.workspace.place, keep)):
        raise DeployerError("Nothing was removed.", hint="Answer with y, or pass --yes, to remove it.")
    with deployment.workspace.lock("down"):
        folder = TerraformFolder(deployment.workspace.terraform)
        refuse_living_owner(folder)
        environment = prepared(deployment)
        removed = _destroy(deployment, environment, keep, tools) + _delete_the_rest(
            deployment, environment, keep, tools
        )
        kept = _what_is_kept(deployment, environment, keep, tools)
        refuse_living_owner(folder)
        forgotten, left = forget(deployment, environment, tools)
        deployment.workspace.delete()
    return DownResult(name=name, target=target, removed=removed + forgotten, kept=kept + left)


def _question(name: str, place: str, keep: Keep) -> str:
    those = f"and keep its {keep}" if str(keep) else "with its images and logs"
    return f"Remove deployment {name} from target {place}, {those}?"


def _destroy(deployment: Deployment, environment: Environment, keep: Keep, tools: Toolbox) -> tuple[str, ...]:
    with tools.progress.step("Destroying the infrastructure with terraform") as step:
        terraform, config = tools.terraform(deployment, environment), deployment.config
        refuse_locked(terraform)
        refuse_unknown_function(config, known=terraform.resources(), aws=tools.aws(environment))
        if keep.logs:
            keep_log_groups(terraform)
        removed = destroy_all(terraform, say=step.update)
        step.done(f"Infrastructure: {len(removed)} resources destroyed")
    return removed


def _delete_the_rest(deployment: Deployment, environment: Environment, keep: Keep, tools: Toolbox) -> tuple[str, ...]:
    """What terraform does not own, or does not know of: a killed `up` wrote not down what was just being made.

    The images are the last, and stay where a function of that name is still there. A late request can make the log
    group again.
    """
    name, repository = deployment.config.name, deployment.config.repository
    aws, removal = tools.aws(environment), tools.aws(environment).removal(deployment.config.name)
    found = {
        f"Lambda function {name}": removal.function(),
        f"IAM role of {name}": removal.role(),
        f"log group of {name}": not keep.logs and removal.log_group(),
    }
    if aws.function_owner(name) is None and not keep.images:
        found[f"ECR repository {repository}"] = removal.repository(repository)
    return tuple(line for line, removed in found.items() if removed)


def _what_is_kept(deployment: Deployment, environment: Environment, keep: Keep, tools: Toolbox) -> tuple[str, ...]:
    """The lines of what is left as the user wants it. Raises DeployerError for anything else that is left."""
    name = deployment.config.name
    there = tools.aws(environment).leftovers(name, repository=deployment.config.repository)
    left = [line for line in there if not keep.holds(line)]
    if left:
        raise DeployerError(
            f"After removing {name} this is still there: {', '.join(left)}.",
            hint="Run `deployer down` again; what it cannot remove was made by something else.",
            log=deployment.log,
        )
    return there
