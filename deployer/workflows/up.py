"""`deployer up`: a Bento becomes an image, the image a published version, and the version answers before it is live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.errors import DeployerError
from deployer.models import Bento, Change, Image, Outputs, SmokeReport, Tag
from deployer.releases import CANDIDATE
from deployer.results import UpResult
from deployer.stages.canary import CanaryFailed, CanaryStep, parse_steps
from deployer.stages.image import build_image, record_image, write_values
from deployer.stages.infrastructure import plan_changes, refuse_destruction
from deployer.stages.release import Facts, read_description, release_description, short_inputs
from deployer.stages.serving import Serving, serving
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.git import current_commit
from deployer.tools.terraform_values import update_values
from deployer.workflows.bento import obtain_bento
from deployer.workflows.deployment import Selection, deployment_of
from deployer.workflows.preparation import (
    Infrastructure,
    Prepared,
    infrastructure,
    known_image,
    prepare,
    tested_before,
)
from deployer.workflows.release import Candidate, move_live, try_candidate
from deployer.workflows.smoke_test import run_smoke_test

Approve = Callable[[Sequence[Change]], bool]


@dataclass(frozen=True)
class UpRequest:
    """What the user asked for: a Bento of the store (`bento`) or a project to build (`build`, with `python`).

    `refresh`: plan although nothing seems to have changed. `allow_destroy`: apply a plan that destroys or replaces.
    `canary`: the steps in which the traffic moves, such as `10%:5m,50%:5m`; empty, at once. `approve` is shown what a
    plan changes.
    """

    selection: Selection
    bento: str | None = None
    build: Path | None = None
    python: Path | None = None
    refresh: bool = False
    allow_destroy: bool = False
    canary: str = ""
    approve: Approve = lambda changes: True


def up(request: UpRequest, tools: Toolbox) -> tuple[UpResult, Deployment]:
    """Deploy, test, release, report. Safe to run again after any failure; a second run changes nothing.

    Raises DeployerError where a stage fails; an unhealthy answer is in the result's report, not an exception.
    """
    canary = parse_steps(request.canary) if request.canary else ()
    bento, selection = obtain_bento(
        request.bento, request.build, python=request.python, selection=request.selection, tools=tools
    )
    deployment = deployment_of(bento, selection, tools=tools)
    with deployment.workspace.lock("up"):
        ready = prepare(bento, deployment, tools)
        deployment.workspace.remember(deployment.config, bento)
        if ready.live and ready.is_live and not request.refresh:
            return _as_it_is(ready, ready.live, tools), deployment
        candidate = (None if request.refresh else _made_before(ready, tools)) or _make(ready, request, tools)
        return _release(ready, candidate, canary, request, tools), deployment


def _as_it_is(ready: Prepared, live: Serving, tools: Toolbox) -> UpResult:
    """Nothing is built, pushed, planned or applied: the version that is live was made of the same inputs."""
    version = live.version
    tools.progress.note(f"Version {version.number} is live and was made of the same: nothing to build or to apply")
    candidate = Candidate(_image(ready, version.digest), version.number, live.endpoint, changed=False)
    report = _test_live(ready, live.endpoint, tools)
    return _result(ready, candidate, report, live=version.number, endpoint=live.endpoint)


def _made_before(ready: Prepared, tools: Toolbox) -> Candidate | None:
    """The candidate that was made of the same inputs, and never got the traffic or lost it by a rollback."""
    found = tested_before(ready, tools)
    if found is None:
        return None
    number = found.version.number
    tools.progress.note(f"Version {number} was made of the same before: it is tested and released")
    return Candidate(_image(ready, found.version.digest), number, found.endpoint, changed=False)


def _image(ready: Prepared, digest: str) -> Image:
    return Image(ready.repository, ready.bento.tag.version, digest, reused=True)


def _make(ready: Prepared, request: UpRequest, tools: Toolbox) -> Candidate:
    """Image, values, plan, apply: a new version behind the candidate's URL, where anything changed."""
    found = infrastructure(ready, tools)
    image = _ensure_image(ready, tools)
    update_values(
        ready.deployment.workspace.terraform,
        image_tag=image.uri,
        image_digest=image.digest,
        description=_description(ready, image, tools),
        released=ready.live is not None,
    )
    outputs, applied = _apply(found, request, tools)
    changed = applied or not image.reused
    return Candidate(image, outputs.version, outputs.candidate_endpoint, changed=changed, outputs=outputs)


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
    """What the version says of itself; where the newest one was made of the same inputs, what that one says."""
    config, inputs = ready.deployment.config, ready.inputs.release
    newest = serving(tools.aws(ready.environment).releases(config.name), CANDIDATE)
    if newest is not None and read_description(newest.version.description).inputs == short_inputs(inputs):
        return newest.version.description
    commit = current_commit(tools.folder, runner=tools.runner, variables=tools.variables)
    own, models = config.spec.description, _held_by(ready.bento)
    facts = Facts(ready.bento.tag, image.digest, inputs, own, models, commit.hash, commit.author)
    return release_description(facts)


def _held_by(bento: Bento) -> tuple[Tag, ...]:
    return tuple(model.tag for model in bento.models)


def _apply(found: Infrastructure, request: UpRequest, tools: Toolbox) -> tuple[Outputs, bool]:
    """Plan, show, ask, and apply exactly that plan; an empty one is not applied."""
    terraform = found.terraform
    with tools.progress.step("Planning the infrastructure with terraform") as step:
        plan = plan_changes(terraform, imports=found.imports, say=step.update)
        step.done(f"Plan: {len(plan.changes)} changes" if plan.changes else "Infrastructure: nothing to change")
    if not plan.changes:
        return terraform.output(), False
    refuse_destruction(plan, allowed=request.allow_destroy)
    if not request.approve(plan.changes):
        plan.path.unlink(missing_ok=True)
        raise DeployerError("Nothing was applied.", hint="Answer with y, or pass --yes, to apply the plan.")
    with tools.progress.step("Applying the plan with terraform") as step:
        terraform.apply(plan, on_event=step.update)
        outputs = terraform.output()
        step.done(f"Infrastructure: {len(plan.changes)} changes applied; version {outputs.version} is the newest")
    return outputs, True


def _release(
    ready: Prepared, candidate: Candidate, canary: Sequence[CanaryStep], request: UpRequest, tools: Toolbox
) -> UpResult:
    """The candidate gets the traffic when it has passed its test; otherwise everything stays as it was."""
    if candidate.outputs and not candidate.endpoint:  # a template of the user's that makes no candidate
        report = _test_live(ready, candidate.outputs.endpoint, tools)
        return _result(ready, candidate, report, live=candidate.version, endpoint=candidate.outputs.endpoint)
    report = try_candidate(ready, candidate, tools)
    if not report.healthy:
        return _refused(ready, candidate, report)
    if ready.live is None:
        endpoint, moved = _make_live(ready, candidate, request, tools), True
    else:
        endpoint = candidate.outputs.endpoint if candidate.outputs else ready.live.endpoint
        try:
            moved = move_live(ready, ready.live, candidate, canary, tools)
        except CanaryFailed as failed:
            return replace(_refused(ready, candidate, failed.report or report), problem=failed.message)
    report = _test_live(ready, endpoint, tools)
    result = _result(ready, candidate, report, live=candidate.version, endpoint=endpoint)
    return replace(result, changed=result.changed or moved)


def _refused(ready: Prepared, candidate: Candidate, report: SmokeReport) -> UpResult:
    """What answered before, if anything did, goes on."""
    live, endpoint = (ready.live.version.number, ready.live.endpoint) if ready.live else ("", "")
    return _result(ready, candidate, report, live=live, endpoint=endpoint)


def _make_live(ready: Prepared, candidate: Candidate, request: UpRequest, tools: Toolbox) -> str:
    """The second apply of a first release: the alias `live`, its URL and its permissions; that URL."""
    if request.canary:
        tools.progress.note("Nothing answers yet that could share the traffic: the first version gets all of it.")
    update_values(ready.deployment.workspace.terraform, released=True)
    terraform = tools.terraform(ready.deployment, ready.environment)
    with tools.progress.step("Releasing the first version with terraform") as step:
        plan = plan_changes(terraform, refresh=False, say=step.update)  # the state was written a moment ago
        refuse_destruction(plan, allowed=request.allow_destroy)
        terraform.apply(plan, on_event=step.update)
        endpoint = terraform.output().endpoint
        step.done(f"Released: version {candidate.version} is live ({len(plan.changes)} changes applied)")
    return endpoint


def _test_live(ready: Prepared, endpoint: str, tools: Toolbox) -> SmokeReport:
    config = ready.deployment.config
    return run_smoke_test(config, ready.bento.routes, endpoint, environment=ready.environment, tools=tools)


def _result(ready: Prepared, candidate: Candidate, report: SmokeReport, *, live: str, endpoint: str) -> UpResult:
    return UpResult(
        bento=ready.bento.tag,
        image=candidate.image,
        function_name=candidate.outputs.function_name if candidate.outputs else ready.deployment.config.name,
        version=candidate.version,
        live=live,
        endpoint=endpoint,
        changed=candidate.changed,
        smoke_test=report,
        models=_held_by(ready.bento),
    )
