"""The gate: a candidate answers the sample features before it gets traffic, and one call gives it the traffic."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from deployer.errors import DeployerError, Unhealthy
from deployer.models import SmokeReport
from deployer.releases import CANDIDATE, Alias
from deployer.results import UpResult
from deployer.stages.canary import CanaryStep, Doors, shift
from deployer.stages.canary_credentials import check_credentials_last
from deployer.stages.provisioned import until_it_answers
from deployer.stages.release import live_description, previous_version
from deployer.stages.serving import Serving
from deployer.stages.smoke import smoke_test
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.aws_releases import AliasMoved, Releases
from deployer.workflows.candidate import Candidate
from deployer.workflows.preparation import Prepared
from deployer.workflows.smoke_test import run_smoke_test


def try_candidate(ready: Prepared, candidate: Candidate, tools: Toolbox) -> SmokeReport:
    """Ask the candidate through its own URL, signed, and note at the function how it went.

    Raises AliasMoved where another version was behind that URL in the end: then nobody knows which one answered.
    """
    with tools.progress.step(f"Waiting for version {candidate.version}") as step:
        _releases(ready, tools).wait_until_active(candidate.version)
        step.done(f"Version {candidate.version} is ready")
    report = run_smoke_test(
        ready.deployment.config,
        ready.bento.routes,
        candidate.endpoint,
        environment=ready.environment,
        tools=tools,
        version=candidate.version,
    )
    releases = _releases(ready, tools)
    _check_is_candidate(releases, candidate)
    note_result(releases, candidate.version, report, tools)
    return report


def note_result(releases: Releases, version: str, report: SmokeReport, tools: Toolbox) -> None:
    """Kept with the function for `history`. That it cannot be kept is no reason to fail."""
    try:
        releases.record_smoke_test(version, healthy=report.healthy)
    except DeployerError as error:
        tools.progress.note(f"The result of the smoke test is not kept: {error.message}")


def _check_is_candidate(releases: Releases, candidate: Candidate) -> None:
    found = releases.alias(CANDIDATE)
    if found is None or found.version != candidate.version or found.weights:
        raise AliasMoved(
            f"The alias {CANDIDATE} does not point at version {candidate.version} any more: another `up` has made a"
            " newer version. No traffic was moved.",
            hint="`deployer history` shows what is there; run `deployer up` again to release what you have.",
        )


def move_live(
    ready: Prepared, found: Serving, candidate: Candidate, canary: Sequence[CanaryStep], tools: Toolbox
) -> bool:
    """Give the candidate all the traffic, in the steps of a canary first; False where it has it already.

    `found`: `live` as this run began. Raises AliasMoved where somebody else moved it since, DeployerError where the
    credentials end before the canary does, and CanaryFailed where the candidate did worse than the version before,
    which has the traffic again then.
    """
    releases = _releases(ready, tools)
    live = _as_found(releases, found.alias)
    if live.version == candidate.version and not live.weights:
        return False
    before = previous_version(live) if live.version == candidate.version else live.answering

    def promote(alias: Alias) -> Alias:
        return releases.move(alias, candidate.version, description=live_description(before))

    with tools.progress.step("Moving the traffic") as step:
        if canary and live.version != candidate.version:
            check_credentials_last(canary, ready.environment)
            doors = _doors(ready, candidate, tools, say=step.update)
            moved = shift(live, candidate.version, canary, doors, promote=promote)
        else:
            moved = promote(live)
        until_it_answers(moved, ready.deployment.config.spec, releases, clock=tools.clock, say=step.update)
        step.done(f"Released: version {candidate.version} is live, {before or 'none'} was before")
    return True


def _doors(ready: Prepared, candidate: Candidate, tools: Toolbox, *, say: Callable[[str], None]) -> Doors:
    """What a canary watches: the metrics of both versions, and the candidate's smoke test again and again."""
    aws, config = tools.aws(ready.environment), ready.deployment.config

    def test() -> SmokeReport:
        report = smoke_test(
            url=candidate.endpoint,
            routes=ready.bento.routes,
            options=config.smoke_test,
            http=tools.http,
            sign=aws.sign,
            clock=tools.clock,
        )
        _check_is_candidate(aws.releases(config.name), candidate)
        return report

    metrics = aws.release_metrics(config.name)
    return Doors(aws.releases(config.name), metrics, test, tools.clock, say=tools.progress.note, update=say)


def _as_found(releases: Releases, found: Alias) -> Alias:
    """The alias with its revision of now; an apply may have changed that, but not where it points."""
    now = releases.alias(found.name)
    if now is None or (now.version, dict(now.weights)) != (found.version, dict(found.weights)):
        raise AliasMoved(
            f"The alias {found.name} was moved by somebody else while the new version was made: it is left so.",
            hint="`deployer history` shows where it points; run `deployer up` again to release the new version.",
        )
    return now


def _releases(ready: Prepared, tools: Toolbox) -> Releases:
    return tools.aws(ready.environment).releases(ready.deployment.config.name)


def raise_when_unhealthy(result: UpResult, deployment: Deployment) -> None:
    """Raises Unhealthy (exit code 4): which version failed which checks, and what answers now."""
    report, name = result.smoke_test, deployment.config.name
    if report.healthy and not result.problem:
        return
    cause = "the function's log says" if report.function_log else "the checks say"
    correct = f"Correct what {cause} above"
    if result.live == result.version:
        raise Unhealthy(
            f"{name} is deployed but not healthy. {report.failures}",
            hint=f"{correct}, or run `deployer up --refresh`, which makes anew what is missing; `deployer rollback`"
            " goes back to the version before, `deployer down` removes everything.",
            log=deployment.log,
        )
    still = f"Version {result.live} still answers at {result.endpoint}" if result.live else "Nothing answers the public"
    raise Unhealthy(
        result.problem
        or f"Version {result.version} of {name} does not answer as it should and got no traffic. {report.failures}",
        hint=f"{still}. {correct} and run `deployer up` again; `deployer down` removes everything.",
        log=deployment.log,
    )
