"""`deployer up`: a Bento becomes an image, the image a published version behind a URL, and the URL answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployer.config import DeploymentConfig
from deployer.models import Bento, Image, Outputs, Tag, UpResult
from deployer.stages.image import build_image, inputs_digest, record_image, recorded_image
from deployer.stages.image_plan import plan_image
from deployer.stages.infrastructure import apply_changes
from deployer.stages.lambda_fit import remarks
from deployer.stages.ownership import adoptable
from deployer.stages.release import release_description
from deployer.stages.routes import check_event_route
from deployer.stages.samples import check_samples
from deployer.targets import Environment
from deployer.templates import template_folder
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.bento_code import uses_of_service
from deployer.tools.bentoctl import Job
from deployer.tools.terraform import Terraform
from deployer.workflows.bento import obtain_bento
from deployer.workflows.deployment import Selection, deployment_of
from deployer.workflows.smoke_test import run_smoke_test


@dataclass(frozen=True)
class UpRequest:
    """What the user asked for: a Bento of the store (`bento`) or a project to build (`build`, with `python`)."""

    selection: Selection
    bento: str | None = None
    build: Path | None = None
    python: Path | None = None


@dataclass(frozen=True)
class Infrastructure:
    """terraform in the deployment's folder, and the import ids of what it is to take over."""

    terraform: Terraform
    imports: Mapping[str, str] = field(default_factory=dict)


def up(request: UpRequest, tools: Toolbox) -> tuple[UpResult, Deployment]:
    """Deploy, test, report. Safe to run again after any failure; a second run changes nothing.

    Raises DeployerError where a stage fails; an unhealthy answer is in the result's report, not an exception.
    """
    bento, selection = obtain_bento(
        request.bento, request.build, python=request.python, selection=request.selection, tools=tools
    )
    deployment = deployment_of(bento, selection, tools=tools)
    with deployment.workspace.lock("up"):
        environment, infrastructure = _check_what_is_needed(bento, deployment, tools)
        deployment.workspace.remember(deployment.config, bento)
        image = _ensure_image(bento, deployment, environment, tools)
        outputs, applied = _ensure_infrastructure(infrastructure, tools)
        report = run_smoke_test(deployment.config, bento.routes, outputs.endpoint, environment=environment, tools=tools)
    changed = applied or not image.reused
    result = UpResult(bento.tag, image, outputs, changed=changed, smoke_test=report, models=_held_by(bento))
    return result, deployment


def _check_what_is_needed(bento: Bento, deployment: Deployment, tools: Toolbox) -> tuple[Environment, Infrastructure]:
    """Whatever can be known to be missing or wrong is told before anything is made."""
    config = deployment.config
    check_samples(config.smoke_test, bento.routes)
    check_event_route(config.spec.event_route, bento.routes)
    template_folder(config.terraform.template)
    for remark in remarks(bento.routes, uses_of_service(bento.path, bento.service), config.spec):
        tools.progress.note(remark)
    environment = _prepare(deployment, bento, tools)
    terraform = tools.terraform(deployment, environment)
    if config.terraform.template is not None:  # the user's own may keep its state where only `terraform init` finds it
        return environment, Infrastructure(terraform)
    imports = adoptable(config, terraform=terraform, aws=tools.aws(environment))
    if imports:
        tools.progress.note(f"{config.name} is there already: {len(imports)} resources are taken over.")
    return environment, Infrastructure(terraform, imports)


def _prepare(deployment: Deployment, bento: Bento, tools: Toolbox) -> Environment:
    with tools.progress.step(f"Preparing the {deployment.target.name} target") as step:
        environment = deployment.target.prepare(
            region=deployment.config.spec.region,
            python_version=bento.python_version,
            architecture=deployment.config.spec.architecture,
        )
        step.done(f"Target {environment.target} ({environment.region}) is ready")
    return environment


def _ensure_image(bento: Bento, deployment: Deployment, environment: Environment, tools: Toolbox) -> Image:
    workspace, config = deployment.workspace, deployment.config
    template = template_folder(config.terraform.template)
    plan, notes = plan_image(bento, config, environment)
    inputs = inputs_digest(bento, config, template, plan)
    with tools.progress.step("Building the image with bentoctl") as step:
        lookup = tools.aws(environment).image_digest
        image = recorded_image(workspace.image_record, inputs, lookup=lookup)
        if image is not None:
            step.done(f"Image is already in the registry: {image.digest[:19]}")
            return image
        for note in notes:
            tools.progress.note(note)
        job = Job(
            folder=workspace.bentoctl,
            terraform=workspace.terraform,
            layout=workspace.layout,
            template=template,
            bento=bento,
            config=_described(config, bento),
            environment=environment,
            log=deployment.log,
            plan=plan,
        )
        image = build_image(job, tools.bentoctl(deployment, environment), say=step.update)
        record_image(workspace.image_record, inputs, image)
        step.done(f"Image is built, {'the registry had it' if image.reused else 'pushed'}: {image.digest[:19]}")
    return image


def _described(config: DeploymentConfig, bento: Bento) -> DeploymentConfig:
    """The config whose description says what the release holds: decided by Bento and config, as `inputs_digest` is."""
    description = release_description(config.spec.description, bento.tag, _held_by(bento))
    return replace(config, spec=replace(config.spec, description=description))


def _held_by(bento: Bento) -> tuple[Tag, ...]:
    return tuple(model.tag for model in bento.models)


def _ensure_infrastructure(infrastructure: Infrastructure, tools: Toolbox) -> tuple[Outputs, bool]:
    with tools.progress.step("Applying the infrastructure with terraform") as step:
        outputs, changes = apply_changes(infrastructure.terraform, imports=infrastructure.imports, say=step.update)
        made = f"{len(changes)} changes applied" if changes else "nothing to change"
        step.done(f"Infrastructure: {made}; version {outputs.version} is live")
    return outputs, bool(changes)
