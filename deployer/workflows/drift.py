"""`deployer drift`: what is there, held against the state and the config. Nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from deployer.config.search import find_config
from deployer.drift import Drift
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento
from deployer.releases import CANDIDATE, LIVE
from deployer.stages.drift import inputs_drift, release_drift
from deployer.stages.image import inputs_of, recorded_base
from deployer.stages.image_plan import plan_image
from deployer.stages.provider_fit import fit_template, url_policy_drift
from deployer.stages.release import read_description
from deployer.stages.state_lock import refuse_living_owner
from deployer.stages.state_place import refuse_another_state
from deployer.stages.template_files import STAND_INS, bring_template
from deployer.targets import Environment
from deployer.templates import template_folder
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.aws_adoption import STATEMENTS
from deployer.tools.base_image import DEFAULT_BASE, base_digest
from deployer.tools.terraform_drift import terraform_drift
from deployer.tools.terraform_folder import TerraformFolder
from deployer.workflows.deployment import Selection, deployment_to_ask, reached


def drift(selection: Selection, tools: Toolbox) -> tuple[Drift, ...]:
    """Every difference: terraform's, then those of the releases, then the config's; empty where there is none.

    Raises DeployerError where nothing is deployed, or somebody is at work on it.
    """
    deployment = deployment_to_ask(selection, tools, command="drift")
    environment = reached(deployment)
    with deployment.workspace.lock("drift"):
        refuse_living_owner(TerraformFolder(deployment.workspace.terraform))
        if deployment.workspace.record() is None:
            deployment = as_released(deployment, environment, tools)
        return (
            *_infrastructure(deployment, environment, tools),
            *_releases(deployment, environment, tools),
            *_config(deployment, environment, tools),
        )


def as_released(deployment: Deployment, environment: Environment, tools: Toolbox) -> Deployment:
    """A deployment of which only the state in S3 is known: its folder is filled, with the values of the newest version.

    Nothing is done where the state is empty.
    """
    terraform, config, aws = tools.terraform(deployment, environment), deployment.config, tools.aws(environment)
    if not terraform.resources():
        return deployment
    outputs, releases = terraform.output(), aws.releases(config.name)
    newest = releases.version(outputs.version)
    description = newest.description if newest else ""
    bento = read_description(description).bento or config.bento
    release: dict[str, str | bool] = {
        "image_tag": outputs.image_tag,
        "image_digest": newest.digest if newest else STAND_INS["image_digest"],
        "description": description,
        "released": releases.version(LIVE) is not None,
        "owns_repository": aws.images(config.repository).owner() == config.name,
    }
    bring_template(config, environment, deployment.workspace.terraform, bento=bento, release=release)
    terraform.init()
    fit_template(terraform)
    return replace(deployment, config=replace(config, bento=bento))


def _infrastructure(deployment: Deployment, environment: Environment, tools: Toolbox) -> tuple[Drift, ...]:
    terraform = tools.terraform(deployment, environment)
    if not terraform.resources():
        problem = (
            f"The terraform state here knows nothing of {deployment.config.name}: there is nothing to compare with."
        )
        raise DeployerError(problem, hint="Run `deployer up`: it makes what is missing and takes over what is there.")
    refuse_another_state(deployment.config, terraform)
    with tools.progress.step("Comparing with terraform's state") as step:
        found = terraform_drift(terraform)
        step.done(f"Infrastructure: {len(found)} differences" if found else "Infrastructure: no difference")
    return found


def _releases(deployment: Deployment, environment: Environment, tools: Toolbox) -> tuple[Drift, ...]:
    """A template of the user's own may make no alias, and then has no releases."""
    aws, config = tools.aws(environment), deployment.config
    releases = aws.releases(config.name)
    if config.terraform.template is not None and releases.alias(LIVE) is None:
        return ()
    found = tuple(release_drift(releases, aws.images(config.repository)))
    if config.terraform.template is not None:
        return found
    public = STATEMENTS["PublicUrl"] in tools.terraform(deployment, environment).resources()
    policy, folder = aws.url_policy(config.name), deployment.workspace.terraform
    return (*found, *url_policy_drift(policy, folder=folder, public=public))


def _config(deployment: Deployment, environment: Environment, tools: Toolbox) -> Iterator[Drift]:
    """Whether `up` would release something new for the Bento that was deployed last."""
    name, tag = deployment.config.name, deployment.config.bento
    try:
        bento = tools.store.get(tag)
    except BadInput:
        tools.progress.note(f"The Bento {tag} is not in the store: whether `up` would release something is not known.")
        return
    releases = tools.aws(environment).releases(name)
    live, candidate = releases.version(LIVE), releases.version(CANDIDATE)
    yield from inputs_drift(live, candidate, _inputs(bento, deployment, environment, tools))


def _inputs(bento: Bento, deployment: Deployment, environment: Environment, tools: Toolbox) -> str:
    """The hash of what `up` would make a release of, with the config as the file is now."""
    recorded = deployment.config
    found = find_config(
        tools.folder,
        bento=str(bento.tag),
        name=recorded.name,
        file=recorded.path,
        environment=recorded.environment,
    )
    config = replace(found or recorded, target=recorded.target)
    plan, _ = plan_image(bento, config, environment)
    base = base_digest(
        plan.base or DEFAULT_BASE.format(python=bento.python_version),
        variables=tools.variables,
        known=recorded_base(deployment.workspace.image_record),
    )
    return inputs_of(bento, config, template_folder(config.terraform.template), plan, base=base).release
