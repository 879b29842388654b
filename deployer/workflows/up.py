"""`deployer up`: a Bento becomes an image, the image a published version, and the version answers before it is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from deployer.models import SmokeReport
from deployer.results import UpResult
from deployer.stages.canary import CanaryFailed, CanaryStep, parse_steps
from deployer.stages.canary_credentials import check_credentials_last
from deployer.stages.infrastructure import Consent, approved, plan_changes
from deployer.stages.provisioned import end_shares, refuse_canary
from deployer.stages.serving import Serving, live_serving
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.terraform_values import update_values
from deployer.workflows.bento import obtain_bento
from deployer.workflows.candidate import Candidate, held_by, image_of, made_before, make, settle_permissions
from deployer.workflows.deployment import Selection, deployment_of
from deployer.workflows.preparation import Prepared, prepare
from deployer.workflows.release import move_live, try_candidate
from deployer.workflows.smoke_test import run_smoke_test
from deployer.workflows.state import settle

__all__ = ["Consent", "UpRequest", "up"]


@dataclass(frozen=True)
class UpRequest:
    """What the user asked for: a Bento of the store (`bento`) or a project to build (`build`, with `python`).

    `refresh`: plan although nothing seems to have changed. `canary`: the steps in which the traffic moves, such as
    `10%:5m,50%:5m`; empty, at once. `consent`: what of terraform's plans may be applied.
    """

    selection: Selection
    bento: str | None = None
    build: Path | None = None
    python: Path | None = None
    refresh: bool = False
    canary: str = ""
    consent: Consent = field(default_factory=Consent)


def up(request: UpRequest, tools: Toolbox) -> tuple[UpResult, Deployment]:
    """Deploy, test, release, report. Safe to run again after any failure; a second run changes nothing.

    Raises DeployerError where a stage fails; an unhealthy answer is in the result's report, not an exception.
    """
    canary = parse_steps(request.canary) if request.canary else ()
    bento, selection = obtain_bento(
        request.bento, request.build, python=request.python, selection=request.selection, tools=tools
    )
    deployment = deployment_of(bento, selection, tools=tools)
    refuse_canary(canary, deployment.config.spec)
    with deployment.workspace.lock("up"):
        ready = prepare(bento, deployment, tools)
        settle(ready.deployment, ready.environment, tools)
        ready = _without_shares(ready, tools)
        if ready.live and ready.is_live and not request.refresh:
            deployment.workspace.remember(ready.deployment.config, bento)
            return _as_it_is(ready, ready.live, tools), deployment
        if ready.live and canary and (remark := check_credentials_last(canary, ready.environment)):
            tools.progress.note(remark)
        candidate = (None if request.refresh else made_before(ready, tools)) or make(ready, request.consent, tools)
        return _release(ready, candidate, canary, request, tools), deployment


def _without_shares(ready: Prepared, tools: Toolbox) -> Prepared:
    """What a run that was killed left of a move of the traffic ends here: a canary's share, or AWS's own."""
    if ready.live is None or not ready.live.alias.weights:
        return ready
    aws, config = tools.aws(ready.environment), ready.deployment.config
    with tools.progress.step("Ending a move of the traffic that was cut off") as step:
        releases, note = aws.releases(config.name), tools.progress.note
        end_shares(ready.live.alias, releases, clock=tools.clock, say=note, update=step.update)
        live = live_serving(aws, config)
        step.done(f"Version {live.alias.answering if live else 'none'} has all the traffic")
    return replace(ready, live=live)


def _as_it_is(ready: Prepared, live: Serving, tools: Toolbox) -> UpResult:
    """Nothing is built, pushed, planned or applied: the version that is live was made of the same inputs."""
    version = live.version
    tools.progress.note(f"Version {version.number} is live and was made of the same: nothing to build or to apply")
    candidate = Candidate(image_of(ready, version.digest), version.number, live.endpoint, changed=False)
    report = _test_live(ready, live.endpoint, tools)
    return _result(ready, candidate, report, live=version.number, endpoint=live.endpoint)


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
            settle_permissions(ready, tools)
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
    with tools.progress.step("Planning the release with terraform") as step:
        plan = plan_changes(terraform, refresh=False, say=step.update)  # the state was written a moment ago
        step.done(f"Plan of the first release: {len(plan.changes)} changes")
    releasing = tools.progress.step("Releasing the first version with terraform")
    with approved(plan, request.consent), releasing as step:
        terraform.apply(plan, on_event=step.update)
        endpoint = terraform.output().endpoint
        step.done(f"Released: version {candidate.version} is live ({len(plan.changes)} changes applied)")
    settle_permissions(ready, tools)
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
        models=held_by(ready.bento),
    )
