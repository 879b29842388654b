"""`deployer prune`: delete the versions and images that nothing needs any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from deployer.errors import DeployerError
from deployer.results import PruneResult
from deployer.stages import pruning
from deployer.stages.history import check_is_ours, read_history
from deployer.stages.pruning import Pruning
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.aws import Aws
from deployer.workflows.deployment import Selection, deployment_on_aws, reached

Confirm = Callable[[str], bool]
LATEST = "$LATEST"


@dataclass(frozen=True)
class PruneRequest:
    """`keep`: how many of the newest versions stay, at least one."""

    selection: Selection
    keep: int


def prune(request: PruneRequest, tools: Toolbox, *, confirm: Confirm) -> PruneResult:
    """Remove old versions, their images, and images of no version. A second run finds nothing.

    Raises DeployerError where the user does not confirm, and for a function that is not deployer's.
    """
    deployment = deployment_on_aws(request.selection, tools, command="prune")
    config = deployment.config
    with deployment.workspace.lock("prune"):
        aws = _aws(deployment, tools)
        there = _what_may_go(request.keep, deployment, aws, tools)
        lines = pruning.described(there, repository=config.repository)
        if not there:
            return PruneResult(removed=())
        for line in lines:
            tools.progress.note(f"to remove: {line}")
        if not confirm(f"Remove this from {config.name} on target {deployment.workspace.place}?"):
            raise DeployerError("Nothing was removed.", hint="Answer with y, or pass --yes, to remove it.")
        with tools.progress.step("Removing it") as step:
            pruning.remove(there, aws.releases(config.name), aws.images(config.repository))
            step.done(f"Removed: {_counted(there)}")
    return PruneResult(removed=lines)


def prune_preview(request: PruneRequest, tools: Toolbox) -> PruneResult:
    """What `prune` would remove; nothing is removed and nothing is asked."""
    deployment = deployment_on_aws(request.selection, tools, command="prune")
    with deployment.workspace.lock("prune --dry-run"):
        there = _what_may_go(request.keep, deployment, _aws(deployment, tools), tools)
    return PruneResult(pruning.described(there, repository=deployment.config.repository), dry_run=True)


def _aws(deployment: Deployment, tools: Toolbox) -> Aws:
    return tools.aws(reached(deployment))


def _what_may_go(keep: int, deployment: Deployment, aws: Aws, tools: Toolbox) -> Pruning:
    config = deployment.config
    with tools.progress.step("Looking for what is not needed any more") as step:
        releases, images = aws.releases(config.name), aws.images(config.repository)
        history = read_history(config.name, releases, region=config.spec.region)
        check_is_ours(config, aws)
        removed = pruning.versions_to_remove(history, releases.aliases(), keep=keep)
        latest, is_ours = releases.version(LATEST), images.owner() == config.name
        stored = images.all() if is_ours else ()
        unused = pruning.images_to_remove(history, stored, removed=removed, latest=latest.digest if latest else "")
        there = Pruning(
            removed,
            pruning.not_of_others(unused, releases),
            pruning.smoke_tests_to_remove(history, releases.smoke_tests(), removed=removed),
        )
        step.done(f"Not needed any more: {_counted(there)}")
    if not is_ours:
        tools.progress.note(f"The ECR repository {config.repository} is not this deployment's: its images stay.")
    return there


def _counted(there: Pruning) -> str:
    return f"{_number(len(there.versions), 'version')}, {_number(len(there.images), 'image')}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
