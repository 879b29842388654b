"""The candidate: a new version of the function, from the Bento's image to terraform's apply, or one that is there."""

from __future__ import annotations

from dataclasses import dataclass

from deployer.models import Bento, Image, Outputs, Tag
from deployer.stages.image import build_image, record_image, recorded_tag, write_values
from deployer.stages.infrastructure import Consent, approved, plan_changes
from deployer.stages.provider_fit import keep_url_public, settle_url_policy
from deployer.stages.release import Facts, read_description, release_description, short_inputs
from deployer.stages.role_race import until_role_is_known
from deployer.toolbox import Toolbox
from deployer.tools.git import current_commit
from deployer.tools.terraform_values import update_values
from deployer.workflows.preparation import (
    Infrastructure,
    Prepared,
    infrastructure,
    known_image,
    owns_repository,
    said_before,
    tested_before,
)


@dataclass(frozen=True)
class Candidate:
    """A published version to be released. `endpoint` is the candidate's, `outputs` terraform's where it was run."""

    image: Image
    version: str
    endpoint: str
    changed: bool
    outputs: Outputs | None = None


def made_before(ready: Prepared, tools: Toolbox) -> Candidate | None:
    """The candidate that was made of the same inputs, and never got the traffic or lost it by a rollback."""
    found = tested_before(ready, tools)
    if found is None:
        return None
    number = found.version.number
    ready.deployment.workspace.remember(ready.deployment.config, ready.bento)
    tools.progress.note(f"Version {number} was made of the same before: it is tested and released")
    return Candidate(image_of(ready, found.version.digest), number, found.endpoint, changed=False)


def make(ready: Prepared, consent: Consent, tools: Toolbox) -> Candidate:
    """Image, values, plan, apply: a new version behind the candidate's URL, where anything changed."""
    found = infrastructure(ready, tools)
    ready.deployment.workspace.remember(ready.deployment.config, ready.bento)  # what a killed run leaves is found by it
    image = _ensure_image(ready, tools)
    update_values(
        ready.deployment.workspace.terraform,
        image_tag=image.uri,
        image_digest=image.digest,
        description=_description(ready, image, tools),
        released=ready.live is not None,
        owns_repository=owns_repository(ready, tools),
    )
    _keep_public(ready, tools)
    outputs, applied = _apply(found, ready, consent, tools)
    if not _is_published(ready, outputs, tools):
        outputs, _ = _apply(found, ready, consent, tools)
    if ready.live is not None:
        settle_permissions(ready, tools)
    changed = applied or not image.reused
    return Candidate(image, outputs.version, outputs.candidate_endpoint, changed=changed, outputs=outputs)


def _is_published(ready: Prepared, outputs: Outputs, tools: Toolbox) -> bool:
    """Whether the newest version is of these inputs. Where it is not, it is published now, for terraform to see.

    An apply that is cut off between the change of the function and its publication leaves that to nobody: the next one
    finds the function as it should be. PublishVersion publishes nothing twice.
    """
    if ready.deployment.config.terraform.template is not None or not outputs.candidate_endpoint:
        return True  # what a template of the user's publishes is its own affair
    releases = tools.aws(ready.environment).releases(outputs.function_name)
    newest = releases.version(outputs.version)
    if newest is not None and read_description(newest.description).inputs == short_inputs(ready.inputs.release):
        return True
    with tools.progress.step("Publishing the version that the last apply did not come to") as step:
        step.done(f"Version {releases.publish()} is published")
    return False


def _ensure_image(ready: Prepared, tools: Toolbox) -> Image:
    with tools.progress.step("Building the image with bentoctl") as step:
        bentoctl = tools.bentoctl(ready.deployment, ready.environment)
        write_values(ready.job, bentoctl, say=step.update)
        image = known_image(ready, tools)
        if image is not None:
            step.done(f"Image is already in the registry: {image.digest[:19]}")
            return image
        for note in ready.notes:
            tools.progress.note(note)
        image = build_image(ready.job, bentoctl, say=step.update)
        record_image(ready.deployment.workspace.image_record, ready.inputs, image)
        step.done(f"Image is built, {'the registry had it' if image.reused else 'pushed'}: {image.digest[:19]}")
    return image


def _description(ready: Prepared, image: Image, tools: Toolbox) -> str:
    """What the version is to say of itself."""
    said = said_before(ready, tools)
    if said:
        return said
    commit = current_commit(tools.folder, runner=tools.runner, variables=tools.variables)
    own, models = ready.deployment.config.spec.description, held_by(ready.bento)
    facts = Facts(ready.bento.tag, image.digest, ready.inputs.release, own, models, commit.hash, commit.author)
    return release_description(facts)


def held_by(bento: Bento) -> tuple[Tag, ...]:
    return tuple(model.tag for model in bento.models)


def _apply(found: Infrastructure, ready: Prepared, consent: Consent, tools: Toolbox) -> tuple[Outputs, bool]:
    """Plan, show, ask, and apply exactly that plan; an empty one is not applied.

    Where AWS does not know the new role yet, what is left of the plan is tried again after a while.
    """
    # What was agreed to goes on then; a first function, which failed, is made anew.
    agreed = Consent(destroy=consent.destroy or ready.live is None)

    def attempt(again: bool) -> tuple[Outputs, bool]:
        return _apply_once(found, agreed if again else consent, tools)

    role = ready.deployment.config.spec.role
    return until_role_is_known(attempt, own_role=role, clock=tools.clock, say=tools.progress.note)


def _apply_once(found: Infrastructure, consent: Consent, tools: Toolbox) -> tuple[Outputs, bool]:
    terraform = found.terraform
    with tools.progress.step("Planning the infrastructure with terraform") as step:
        plan = plan_changes(terraform, imports=found.imports, say=step.update)
        step.done(f"Plan: {len(plan.changes)} changes" if plan.changes else "Infrastructure: nothing to change")
    with approved(plan, consent):
        if not plan.changes:
            return terraform.output(), False
        with tools.progress.step("Applying the plan with terraform") as step:
            terraform.apply(plan, on_event=step.update)
            outputs = terraform.output()
            step.done(f"Infrastructure: {len(plan.changes)} changes applied; version {outputs.version} is the newest")
    return outputs, True


def _keep_public(ready: Prepared, tools: Toolbox) -> None:
    config = ready.deployment.config
    if ready.live is not None and config.terraform.template is None:
        policy = tools.aws(ready.environment).url_policy(config.name)
        keep_url_public(config, policy, folder=ready.deployment.workspace.terraform)


def settle_permissions(ready: Prepared, tools: Toolbox) -> None:
    """Who may ask the URL of `live`, beside what terraform keeps. A template of the user's own is left alone."""
    config = ready.deployment.config
    if config.terraform.template is not None:
        return
    policy = tools.aws(ready.environment).url_policy(config.name)
    for done in settle_url_policy(config, policy, folder=ready.deployment.workspace.terraform):
        tools.progress.note(done)


def image_of(ready: Prepared, digest: str) -> Image:
    """The image of that digest, as it is in the deployment's repository."""
    tag = recorded_tag(ready.deployment.workspace.image_record, digest) or ready.bento.tag.version
    return Image(ready.repository, tag, digest, reused=True)
