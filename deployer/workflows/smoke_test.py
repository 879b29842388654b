"""`deployer smoke-test`: ask the deployment what its config says, and judge the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError, Unhealthy
from deployer.models import Route, SmokeReport
from deployer.stages import smoke
from deployer.stages.curl import Signing, curl_command
from deployer.stages.function_log import known_cause, last_words
from deployer.targets import Environment
from deployer.toolbox import Deployment, Toolbox
from deployer.workflows.deployment import Selection, deployment_to_ask, reached, what_is_live


def smoke_test(selection: Selection, tools: Toolbox) -> tuple[SmokeReport, Deployment]:
    """Test the deployment that is there. Raises DeployerError when there is none."""
    deployment = deployment_to_ask(selection, tools, command="smoke-test")
    environment, outputs = what_is_live(deployment, tools)
    routes = deployment.workspace.routes()
    report = run_smoke_test(deployment.config, routes, outputs.endpoint, environment=environment, tools=tools)
    return report, deployment


def run_smoke_test(
    config: DeploymentConfig,
    routes: Sequence[Route],
    url: str,
    *,
    environment: Environment,
    tools: Toolbox,
    version: str = "",
) -> SmokeReport:
    """The smoke test as a step of `up` and as the whole of `smoke-test`.

    With `version` it is that candidate's, whose URL always asks for a signature.
    """
    cause, what = "", f"version {version} before it gets traffic" if version else "the deployment"
    with tools.progress.step(f"Testing {what}") as step:
        service = "lambda" if version else signed_service(config)
        sign = partial(tools.aws(environment).sign, service=service) if version or config.spec.auth == "iam" else None
        report = smoke.smoke_test(
            url=url,
            routes=tuple(routes),
            options=config.smoke_test,
            http=tools.http,
            sign=sign,
            on_step=step.update,
            clock=tools.clock,
        )
        if not report.healthy:
            log = _log(config.name, version, environment, tools)
            report, cause = replace(report, function_log=last_words(log)), known_cause(log)
        verdict = "healthy" if report.healthy else "NOT healthy"
        step.done(f"Smoke test of {f'version {version}' if version else report.url}: {verdict}", well=report.healthy)
    if cause:
        tools.progress.note(cause)
    if not report.sampled:
        tools.progress.note("No sample was sent: the config names none under smoke_test.samples.")
    return report


def _log(name: str, version: str, environment: Environment, tools: Toolbox) -> tuple[str, ...]:
    """The function's log, with `version` that version's alone. Not being allowed to read it hides no failed test."""
    try:
        return tools.aws(environment).recent_logs(name, version=version)
    except DeployerError as error:
        tools.progress.note(f"The function's log is not shown: {error.message}")
        return ()


def curl_line(deployment: Deployment, report: SmokeReport, tools: Toolbox) -> str:
    """The command that sends the samples by hand from the current folder; empty when the config names no samples."""
    config = deployment.config
    if config.smoke_test.samples is None:
        return ""
    signing = None
    if config.spec.auth == "iam":
        environment = reached(deployment)
        signing = Signing(config.spec.region, environment.curl_credentials, signed_service(config))
    return curl_command(report.url, samples=config.smoke_test.samples, cwd=tools.folder, signing=signing)


def signed_service(config: DeploymentConfig) -> str:
    """The service that a request to the deployment's endpoint is signed for."""
    return {"function_url": "lambda", "http_api": "execute-api"}[config.spec.endpoint]


def raise_when_unhealthy(deployment: Deployment, report: SmokeReport) -> None:
    """Raises Unhealthy (exit code 4) naming the checks that failed."""
    if report.healthy:
        return
    cause = "the function's log says above" if report.function_log else "the checks say above"
    raise Unhealthy(
        f"{deployment.config.name} is deployed but not healthy. {report.failures}",
        hint=f"Correct what {cause} and run `deployer up` again, which also makes anew what is missing;"
        " `deployer down` removes it.",
        log=deployment.log,
    )
