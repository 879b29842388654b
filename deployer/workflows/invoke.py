"""`deployer invoke`: one request to a deployment without HTTP, as a schedule or another program makes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deployer.errors import BadInput, DeployerError, Unhealthy
from deployer.models import Invoked
from deployer.stages.events import choose_route, own_event, route_event
from deployer.stages.function_log import known_cause, last_words
from deployer.stages.json_input import parse_json
from deployer.toolbox import Deployment, Toolbox
from deployer.workflows.deployment import Selection, deployment_to_ask, what_is_live

REFUSED = ("RouteFailed", "UnsupportedEvent")  # what deployer/runtime raises for what the caller can correct


@dataclass(frozen=True)
class Document:
    """JSON as the user gave it; `whence` is the option and the file it came from."""

    text: bytes
    whence: str


@dataclass(frozen=True)
class InvokeRequest:
    """`data` is the body for a route, `event` an event as it is: one of them, or none for an empty body."""

    selection: Selection
    route: str = ""
    data: Document | None = None
    event: Document | None = None


def invoke(request: InvokeRequest, tools: Toolbox) -> tuple[Invoked, Deployment]:
    """Send it and wait. What the function failed with is in the result.

    Raises DeployerError where nothing is deployed, and BadInput for what would not reach a route or is too large.
    """
    value = _parsed(request)
    deployment = deployment_to_ask(request.selection, tools, command="invoke")
    payload, said = _payload(request, value, deployment)
    environment, outputs = what_is_live(deployment, tools)
    with tools.progress.step(f"Invoking {outputs.function_name}") as step:
        seconds = deployment.config.spec.timeout
        invoked = tools.aws(environment).invoke(outputs.function_name, payload, seconds=seconds)
        verdict = f"failed with {invoked.error_type}" if invoked.failed else "answered"
        step.done(f"{said}: version {invoked.version} of {outputs.function_name} {verdict}", well=not invoked.failed)
    cause = known_cause(invoked.log) if invoked.failed else ""
    if cause:
        tools.progress.note(cause)
    return replace(invoked, log=last_words(invoked.log)), deployment


def raise_when_failed(invoked: Invoked, deployment: Deployment) -> None:
    """Raises DeployerError for a request that was refused, Unhealthy (exit code 4) where the function itself failed."""
    if not invoked.failed:
        return
    told = f"{deployment.config.name} failed with {invoked.error_type}: {invoked.error_message}"
    if invoked.error_type in REFUSED:
        hint = "Correct what is sent, or the service where its answer says so; `deployer invoke --help` says how."
        raise DeployerError(told, hint=hint, log=deployment.log)
    cause = "the function's log says above" if invoked.log else "the message says"
    raise Unhealthy(told, hint=f"Correct what {cause} and run `deployer up` again.", log=deployment.log)


def _parsed(request: InvokeRequest) -> object:
    """What is to be sent, before anything else is looked at."""
    if request.event is not None and (request.data is not None or request.route):
        problem = "--event is a whole event: it goes without ROUTE, --data and --data-file."
        raise BadInput(problem, hint="Leave one of them out.")
    document = request.event or request.data
    return {} if document is None else parse_json(document.text, whence=document.whence)


def _payload(request: InvokeRequest, value: object, deployment: Deployment) -> tuple[bytes, str]:
    """What is sent, and in words."""
    event_route = deployment.config.spec.event_route
    if request.event is not None:
        return own_event(value, whence=request.event.whence, event_route=event_route), "the event"
    route = choose_route(request.route, deployment.workspace.routes(), event_route=event_route)
    return route_event(route, value), f"POST {route}"
