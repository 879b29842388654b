"""What of an HTTP event is set right before mangum reads it: the application sees its own path, and nothing raises.

Function URLs and HTTP APIs send payload 2.0, REST APIs (and HTTP APIs, when told so) 1.0, load balancers their own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

Event = Any  # a dictionary, as Lambda hands it over


def is_http(event: Any) -> bool:
    """Whether the event is an HTTP request of one of those payloads."""
    sender = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(sender, dict):
        return False
    http = sender.get("http")
    if event.get("version") == "2.0":
        return isinstance(http, dict) and isinstance(http.get("method"), str)
    return isinstance(event.get("httpMethod"), str)


def is_websocket(event: Any) -> bool:
    """Whether an API Gateway WebSocket API has sent the event."""
    sender = event.get("requestContext") if isinstance(event, dict) else None
    return isinstance(sender, dict) and "connectionId" in sender


def fitted(event: Event) -> Event:
    """The event as mangum reads it right. The given one is left as it is."""
    if event.get("version") == "2.0":
        return _payload_2(event)
    if "elb" in event["requestContext"]:
        return _load_balancer(event)
    return _payload_1(event)


def method_and_path(event: Event) -> str:
    """Such as `POST /predict`, of an event that is fitted."""
    http = event["requestContext"]["http"] if event.get("version") == "2.0" else event
    return f"{http.get('method') or http.get('httpMethod')} {unquote(http['path'])}"


def root_path(event: Event, fit: Event) -> str:
    """What the client's path has before the application's own, decoded: `/prod` of a stage, or nothing.

    `fit` is the event fitted. Links that the application makes begin with it. A custom domain's base path is said by
    payload 1.0 alone; 2.0 has the stage even where the client's path has none.
    """
    sender = event["requestContext"]
    if event.get("version") == "2.0":
        seen, own = event.get("rawPath") if ".execute-api." in str(sender.get("domainName")) else "", fit["rawPath"]
    else:
        seen, own = sender.get("path"), fit["path"]
    whole, end = unquote(seen or "").rstrip("/"), unquote(own).rstrip("/")
    return whole[: len(whole) - len(end)] if whole.endswith(end) else ""


def _payload_2(event: Event) -> Event:
    sender = event["requestContext"]
    path = event.get("rawPath") or sender["http"].get("path") or "/"
    # HTTP APIs decode the path, function URLs leave it as it was sent; mangum decodes whatever it gets.
    domain = str(sender.get("domainName", ""))
    decoded = path if domain and ".lambda-url." not in domain else unquote(path)
    template = str(event.get("routeKey", "")).partition(" ")[2]
    own = _own_path(decoded, template, event.get("pathParameters"), stage=str(sender.get("stage") or "$default"))
    return {
        **event,
        "headers": _headers(event.get("headers")),
        "rawPath": quote(own),
        "rawQueryString": event.get("rawQueryString") or "",
        "requestContext": {**sender, "http": {"sourceIp": "", **sender["http"], "path": quote(own)}},
    }


def _payload_1(event: Event) -> Event:
    # Only HTTP APIs have `version`: they put the stage into the path, and decode it; REST APIs do neither.
    from_http_api = "version" in event
    path = event.get("path") or "/"
    own = _own_path(
        path if from_http_api else unquote(path),
        str(event.get("resource", "")),
        event.get("pathParameters"),
        stage=str(event["requestContext"].get("stage") or "$default") if from_http_api else "$default",
    )
    several = _headers(event.get("multiValueHeaders"))
    for name, values in several.items():
        if name.lower() == "cookie" and isinstance(values, list):
            several[name] = ["; ".join(values)]  # mangum joins with a comma, which no cookie parser splits at
    request = {"resource": "", **event, "path": quote(own)}
    return {**request, "headers": _headers(event.get("headers")), "multiValueHeaders": several}


def _load_balancer(event: Event) -> Event:
    fit = {**event, "path": event.get("path") or "/"}
    fit.pop("multiValueHeaders", None)  # that the key is there tells mangum to answer so
    if event.get("multiValueHeaders") is None:
        return {**fit, "headers": _headers(event.get("headers"))}
    return {**fit, "multiValueHeaders": _headers(event["multiValueHeaders"])}


def _own_path(path: str, template: str, parameters: Any, *, stage: str) -> str:
    """`path`, decoded, without what a stage or a custom domain's base path put before it.

    `template` is the API's route, such as `/{proxy+}`: filled in with its parameters it is the end of the path.
    """
    for name, given in (parameters or {}).items():
        value = given if isinstance(given, str) else ""
        template = template.replace(f"{{{name}+}}", value).replace(f"{{{name}}}", value)
    whole = path.rstrip("/")
    if template.startswith("/"):
        for end in (template.rstrip("/"), unquote(template).rstrip("/")):
            if whole.endswith(end):
                return path[len(whole) - len(end) :] or "/"
    if stage != "$default" and f"{path}/".startswith(f"/{stage}/"):
        return path[len(stage) + 1 :] or "/"
    return path


def _headers(headers: Any) -> dict[str, Any]:
    """The headers without those that mangum would raise for: it reads a port out of two that clients can send."""
    return {name: value for name, value in (headers or {}).items() if value is not None and _is_read(name, value)}


def _is_read(name: str, value: Any) -> bool:
    if name.lower() not in ("host", "x-forwarded-port"):
        return True
    text = value if isinstance(value, str) else ", ".join(value)
    port = text if name.lower() != "host" else text.partition(":")[2] if ":" in text else "443"
    return bool(port.isdecimal())
