"""`deployer plan`: what `up` would do. Nothing is built, pushed or changed on AWS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deployer.models import Bento, Change
from deployer.results import PlanResult
from deployer.stages.image import write_values
from deployer.stages.infrastructure import plan_changes
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.terraform_values import update_values, values_kept
from deployer.workflows.bento import obtain_bento
from deployer.workflows.deployment import Selection, deployment_of
from deployer.workflows.preparation import (
    Prepared,
    infrastructure,
    known_image,
    owns_repository,
    prepare,
    said_before,
    tested_before,
)

UNKNOWN_DIGEST = f"sha256:{'0' * 64}"  # stands for an image that is not made yet
UNKNOWN_REPOSITORY = "image-that-is-not-made-yet"


@dataclass(frozen=True)
class PlanRequest:
    """As `UpRequest`: a Bento of the store, or a project to build one from. `refresh`: plan in any case."""

    selection: Selection
    bento: str | None = None
    build: Path | None = None
    python: Path | None = None
    refresh: bool = False


def plan(request: PlanRequest, tools: Toolbox) -> tuple[PlanResult, Deployment]:
    """Raises DeployerError as `up` does for whatever `up` would not begin with."""
    bento, selection = obtain_bento(
        request.bento, request.build, python=request.python, selection=request.selection, tools=tools
    )
    deployment = deployment_of(bento, selection, tools=tools, command="plan")
    with deployment.workspace.lock("plan"):
        ready = prepare(bento, deployment, tools)
        live = ready.live.version.number if ready.live else ""
        if not request.refresh:
            if ready.is_live:
                return PlanResult(bento.tag, builds=False, changes=(), releases=False, live=live), deployment
            found = tested_before(ready, tools)
            if found is not None:
                number = found.version.number
                return PlanResult(bento.tag, False, (), releases=True, live=live, candidate=number), deployment
        builds, changes = _changes(ready, bento, tools)
    return PlanResult(bento.tag, builds, changes, releases=not ready.is_live, live=live), deployment


def _changes(ready: Prepared, bento: Bento, tools: Toolbox) -> tuple[bool, tuple[Change, ...]]:
    """Whether an image would be made, and terraform's changes. The working folder's values stay as they were."""
    found, folder = infrastructure(ready, tools), ready.deployment.workspace.terraform
    image = known_image(ready, tools)
    with tools.progress.step("Planning with terraform") as step, values_kept(folder):
        write_values(ready.job, tools.bentoctl(ready.deployment, ready.environment), say=step.update)
        update_values(
            folder,
            image_tag=image.uri if image else f"{ready.repository or UNKNOWN_REPOSITORY}:{bento.tag.version}",
            image_digest=image.digest if image else UNKNOWN_DIGEST,
            description=said_before(ready, tools) or f"{bento.tag} (planned)",
            released=ready.live is not None,
            owns_repository=owns_repository(ready, tools),
        )
        planned = plan_changes(found.terraform, imports=found.imports, image_exists=image is not None, say=step.update)
        planned.path.unlink(missing_ok=True)
        step.done(f"Plan: {len(planned.changes)} changes" if planned.changes else "Infrastructure: nothing to change")
    return image is None, planned.changes
