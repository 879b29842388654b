"""`deployer rollback`: an older version is tested and gets the traffic, by one call and without terraform.

No lock of the workspace is taken: a rollback must work while an `up` runs or has died. The alias's RevisionId is what
keeps two from moving it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from deployer.errors import DeployerError, Unhealthy
from deployer.models import Route, SmokeReport
from deployer.releases import PASSED, Alias, Release
from deployer.results import RollbackResult
from deployer.stages import smoke
from deployer.stages.function_log import known_cause, last_words
from deployer.stages.history import History, check_is_ours, read_history
from deployer.stages.old_samples import Question, question_for
from deployer.stages.provisioned import until_it_answers
from deployer.stages.rollback_target import check_target, move_live, rollback_target
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.aws import Aws
from deployer.tools.aws_releases import Releases
from deployer.workflows.deployment import Selection, deployment_on_aws, reached
from deployer.workflows.release import note_result

Confirm = Callable[[str], bool]


@dataclass(frozen=True)
class RollbackRequest:
    """`to` is a version's number, a Bento's tag or its version; empty for the version that answered before."""

    selection: Selection
    to: str = ""


@dataclass(frozen=True)
class _Way:
    """From where to where: `live` as it was read, and the version that is to have its traffic."""

    deployment: Deployment
    aws: Aws
    found: History
    live: Alias
    target: Release

    @property
    def number(self) -> str:
        return self.target.version.number

    @property
    def releases(self) -> Releases:
        return self.aws.releases(self.found.function_name)


def rollback(request: RollbackRequest, tools: Toolbox, *, confirm: Confirm) -> tuple[RollbackResult, Deployment]:
    """Move `live` to a version that passes its test; an unhealthy one is in the result's report, and nothing is moved.

    Raises BadInput for a `to` that is nothing, DeployerError for a version that cannot run or without confirmation.
    """
    deployment = deployment_on_aws(request.selection, tools, command="rollback")
    way = _way(request, deployment, tools)
    if way.live.version == way.number and not way.live.weights:
        return _result(way, way.live), deployment
    _check(way)
    if not confirm(f"{_in_words(way)} ({deployment.workspace.place})?"):
        raise DeployerError("Nothing was changed.", hint="Answer with y, or pass --yes, to move the alias live.")
    report = _tested(way, tools)
    moved = _moved(way, named=bool(request.to), tools=tools) if report.healthy else way.live
    note_result(way.releases, way.number, report, tools)
    return replace(_result(way, moved), smoke_test=report), deployment


def raise_when_refused(result: RollbackResult, deployment: Deployment) -> None:
    """Raises Unhealthy (exit code 4) where the version that was to get the traffic did not pass its test."""
    report = result.smoke_test
    if report is None or report.healthy:
        return
    raise Unhealthy(
        f"Version {result.tested} of {result.function_name} is not healthy; version {result.version} still answers."
        f" {report.failures}",
        hint="Choose another version with --to (`deployer history` lists them); where the samples are not meant for"
        " that version, name its own config with -f.",
        log=deployment.log,
    )


def _way(request: RollbackRequest, deployment: Deployment, tools: Toolbox) -> _Way:
    name, region = deployment.config.name, deployment.config.spec.region
    aws = tools.aws(reached(deployment))
    found = read_history(name, aws.releases(name), region=region)
    if found.live is None:
        problem = f"{name} has no alias live: no version of it was released yet."
        raise DeployerError(problem, hint="Run `deployer up`, which releases a version once it has passed its test.")
    return _Way(deployment, aws, found, found.live, rollback_target(found, found.live, request.to))


def _check(way: _Way) -> None:
    config = way.deployment.config
    check_is_ours(config, way.aws)
    has_image = way.aws.images(config.repository).has
    check_target(way.target, has_image=has_image, function=config.name, repository=config.repository)


def _in_words(way: _Way) -> str:
    bento, name = way.target.provenance.bento, way.found.function_name
    version = f"version {way.number} ({bento})" if bento else f"version {way.number}"
    if way.live.version == way.number:
        return f"Give all traffic of {name} back to {version}"
    return f"Move the traffic of {name} from version {way.live.version} to {version}"


def _tested(way: _Way, tools: Toolbox) -> SmokeReport:
    http = way.aws.version_http(way.found.function_name, way.number)
    question = _question(way, tools)
    for note in question.notes:
        tools.progress.note(note)
    with tools.progress.step(f"Testing version {way.number} before it answers anybody") as step:
        report = smoke.smoke_test(
            url=http.base,
            routes=question.routes,
            options=question.options,
            http=http,
            on_step=step.update,
            clock=tools.clock,
        )
        if not report.healthy:
            report = replace(report, function_log=last_words(http.log))
        step.done(f"Smoke test of {report.url}: {'healthy' if report.healthy else 'NOT healthy'}", well=report.healthy)
    cause = "" if report.healthy else known_cause(http.log)
    if cause:
        tools.progress.note(cause)
    return report


def _question(way: _Way, tools: Toolbox) -> Question:
    bento, newest = way.target.provenance.bento, way.found.releases[0]
    return question_for(
        way.deployment.config.smoke_test,
        _known_routes(bento, way.deployment, tools) if bento else (),
        is_newest=newest.version.number == way.number,
        passed=way.target.smoke_test == PASSED,
    )


def _known_routes(bento: str, deployment: Deployment, tools: Toolbox) -> tuple[Route, ...]:
    """Of this folder's record or of the Bento store, where either knows the Bento."""
    record = deployment.workspace.record()
    if record is not None and record.bento == bento:
        return record.routes
    try:
        return tools.store.get(bento).routes
    except DeployerError:
        return ()


def _moved(way: _Way, *, named: bool, tools: Toolbox) -> Alias:
    with tools.progress.step(f"Moving the alias live to version {way.number}") as step:
        moved = move_live(way.releases, way.live, way.number, named=named)
        spec = way.deployment.config.spec
        until_it_answers(moved, spec, way.releases, clock=tools.clock, say=step.update)
        step.done(f"Version {way.number} answers all requests")
    return moved


def _result(way: _Way, after: Alias) -> RollbackResult:
    return RollbackResult(
        function_name=way.found.function_name,
        version=after.version,
        previous=way.live.version,
        tested=way.number,
        changed=after != way.live,
    )
