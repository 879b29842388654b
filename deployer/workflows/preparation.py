"""What `up` and `plan` find out before anything is made: the target, the inputs of the release, what answers now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deployer.models import Bento, Image, ImagePlan
from deployer.releases import CANDIDATE
from deployer.stages.image import Inputs, inputs_of, recorded_base, recorded_image
from deployer.stages.image_plan import plan_image
from deployer.stages.lambda_fit import remarks
from deployer.stages.ownership import adoptable
from deployer.stages.release import read_description, short_inputs
from deployer.stages.routes import check_event_route
from deployer.stages.samples import check_samples
from deployer.stages.serving import Serving, is_made_of, live_serving, serving
from deployer.stages.state_place import refuse_another_state
from deployer.targets import Environment
from deployer.templates import template_folder
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.base_image import DEFAULT_BASE, base_digest
from deployer.tools.bento_code import uses_of_service
from deployer.tools.bentoctl import Job
from deployer.tools.terraform import Terraform
from deployer.tools.terraform_folder import TerraformFolder
from deployer.workflows.deployment import pinned, prepared


@dataclass(frozen=True)
class Prepared:
    """One deployment with what is to be deployed. `live` is None until a first version was released.

    `repository` is the ECR repository's URI, empty until it is made. `is_settled`: terraform has a state here, and its
    last apply ended well; otherwise it has to look first. `notes` are for whoever builds the image.
    """

    bento: Bento
    deployment: Deployment
    environment: Environment
    plan: ImagePlan
    template: Path
    inputs: Inputs
    live: Serving | None
    repository: str
    is_settled: bool
    notes: tuple[str, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether what is to be deployed is what answers, and nothing of it is missing."""
        return self.is_complete and is_made_of(self.live, self.inputs.release)

    @property
    def is_complete(self) -> bool:
        """Whether there is what a version needs besides itself."""
        return bool(self.live and self.live.endpoint and self.repository) and self.is_settled

    @property
    def job(self) -> Job:
        workspace = self.deployment.workspace
        return Job(
            folder=workspace.bentoctl,
            terraform=workspace.terraform,
            layout=workspace.layout,
            template=self.template,
            bento=self.bento,
            config=self.deployment.config,
            environment=self.environment,
            log=self.deployment.log,
            plan=self.plan,
        )


@dataclass(frozen=True)
class Infrastructure:
    """terraform in the deployment's folder, and the import ids of what it is to take over."""

    terraform: Terraform
    imports: Mapping[str, str] = field(default_factory=dict)


def prepare(bento: Bento, deployment: Deployment, tools: Toolbox) -> Prepared:
    """Whatever can be known to be missing or wrong is told before anything is made."""
    config = deployment.config
    check_samples(config.smoke_test, bento.routes)
    check_event_route(config.spec.event_route, bento.routes)
    template = template_folder(config.terraform.template)
    for remark in remarks(bento.routes, uses_of_service(bento.path, bento.service), config.spec):
        tools.progress.note(remark)
    environment = _target(bento, deployment, tools)
    deployment = pinned(deployment, environment, tools)
    plan, notes = plan_image(bento, config, environment)
    base = base_digest(
        plan.base or DEFAULT_BASE.format(python=bento.python_version),
        variables=tools.variables,
        known=recorded_base(deployment.workspace.image_record),
    )
    inputs = inputs_of(bento, config, template, plan, base=base)
    aws = tools.aws(environment)
    live, repository = live_serving(aws, config), aws.repository_uri(config.repository)
    is_settled = TerraformFolder(deployment.workspace.terraform).is_settled
    return Prepared(bento, deployment, environment, plan, template, inputs, live, repository, is_settled, notes)


def tested_before(ready: Prepared, tools: Toolbox) -> Serving | None:
    """The candidate, where it was made of the same inputs and can be released by moving the alias alone."""
    if not ready.is_complete:
        return None
    candidate = serving(tools.aws(ready.environment).releases(ready.deployment.config.name), CANDIDATE)
    return candidate if is_made_of(candidate, ready.inputs.release) else None


def said_before(ready: Prepared, tools: Toolbox) -> str:
    """The description of the newest version, where it was made of the same inputs: another commit is no release."""
    newest = serving(tools.aws(ready.environment).releases(ready.deployment.config.name), CANDIDATE)
    description = newest.version.description if newest else ""
    same = read_description(description).inputs == short_inputs(ready.inputs.release)
    return description if same else ""


def known_image(ready: Prepared, tools: Toolbox) -> Image | None:
    """The image that was made of the same inputs before, where the registry still has it."""
    lookup = tools.aws(ready.environment).image_digest
    return recorded_image(ready.deployment.workspace.image_record, ready.inputs.image, lookup=lookup)


def owns_repository(ready: Prepared, tools: Toolbox) -> bool:
    """Whether the ECR repository is this deployment's: made for it, or to be made. Nobody else's gets its policies."""
    config = ready.deployment.config
    return not ready.repository or tools.aws(ready.environment).images(config.repository).owner() == config.name


def infrastructure(ready: Prepared, tools: Toolbox) -> Infrastructure:
    """terraform, and what it is to take over. Raises DeployerError for another deployment's function or state."""
    config = ready.deployment.config
    terraform = tools.terraform(ready.deployment, ready.environment)
    if config.terraform.template is not None:  # the user's own may keep its state where only `terraform init` finds it
        return Infrastructure(terraform)
    refuse_another_state(config, terraform)
    imports = adoptable(config, terraform=terraform, aws=tools.aws(ready.environment))
    if imports:
        tools.progress.note(f"{config.name} is there already: {len(imports)} resources are taken over.")
    return Infrastructure(terraform, imports)


def _target(bento: Bento, deployment: Deployment, tools: Toolbox) -> Environment:
    with tools.progress.step(f"Preparing the {deployment.target.name} target") as step:
        environment = prepared(
            deployment, python_version=bento.python_version, architecture=deployment.config.spec.architecture
        )
        step.done(f"Target {environment.target} ({environment.region}) is ready")
    return environment
