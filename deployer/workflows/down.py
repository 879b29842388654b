"""`deployer down`: destroy, then delete the images, then look for anything that is left."""

from __future__ import annotations

from collections.abc import Callable

from deployer.errors import DeployerError
from deployer.models import DownResult
from deployer.stages.infrastructure import destroy_all
from deployer.stages.ownership import refuse_unknown_function
from deployer.targets import Environment
from deployer.toolbox import Deployment, Toolbox
from deployer.workflows.deployment import Selection, existing_deployment

Confirm = Callable[[str], bool]


def down(selection: Selection, tools: Toolbox, *, confirm: Confirm) -> DownResult:
    """Remove everything that belongs to a deployment. Nothing deployed is not an error.

    Raises DeployerError when terraform fails (the images are kept: the function still needs them) or something
    is left afterwards, and when the user does not confirm.
    """
    deployment = existing_deployment(selection, tools, command="down")
    if deployment is None:
        return DownResult(name=selection.name or "", target=selection.target or "", removed=())
    name, target = deployment.config.name, deployment.target.name
    if not confirm(f"Remove deployment {name} from target {target}, with its images and logs?"):
        raise DeployerError("Nothing was removed.", hint="Answer with y, or pass --yes, to remove it.")
    with deployment.workspace.lock("down"):
        environment = deployment.target.prepare(region=deployment.config.spec.region)
        removed = _destroy(deployment, environment, tools) + _delete_the_rest(deployment, environment, tools)
        _check_nothing_is_left(deployment, environment, tools)
        deployment.workspace.delete()
    return DownResult(name=name, target=target, removed=removed)


def _destroy(deployment: Deployment, environment: Environment, tools: Toolbox) -> tuple[str, ...]:
    with tools.progress.step("Destroying the infrastructure with terraform") as step:
        terraform, config = tools.terraform(deployment, environment), deployment.config
        removed = destroy_all(terraform, say=step.update)
        refuse_unknown_function(config, terraform=terraform, aws=tools.aws(environment))
        step.done(f"Infrastructure: {len(removed)} resources destroyed")
    return removed


def _delete_the_rest(deployment: Deployment, environment: Environment, tools: Toolbox) -> tuple[str, ...]:
    """Delete what terraform does not own, or does not own any more: a late request can make the log group again."""
    aws, name, repository = tools.aws(environment), deployment.config.name, deployment.config.repository
    removed = []
    if aws.delete_repository(repository, owner=name):
        removed.append(f"ECR repository {repository}")
    if aws.delete_log_group(name):
        removed.append(f"log group of {name}")
    return tuple(removed)


def _check_nothing_is_left(deployment: Deployment, environment: Environment, tools: Toolbox) -> None:
    name = deployment.config.name
    left = tools.aws(environment).leftovers(name, repository=deployment.config.repository)
    if left:
        raise DeployerError(
            f"After removing {name} this is still there: {', '.join(left)}.",
            hint="Run `deployer down` again; what it cannot remove was made by something else.",
            log=deployment.log,
        )
