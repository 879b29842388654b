"""Every event is an HTTP request to the service: those that are none become a POST to one of its routes.

`{"route": "/predict", "body": ...}` says its route itself (`headers` and `method` are optional); any other JSON, such
as a scheduled event, is the body for the function's event route.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from .payloads import fitted, is_http, is_websocket, method_and_path, root_path

# For mangum: sent as text where they are text, since a REST API without binary types hands base64 on as it is.
TEXT_TYPES = (
    "text/",
    "application/json",
    "application/javascript",
    "application/xml",
    "+json",
    "+xml",
    "application/x-ndjson",
    "application/yaml",
    "application/x-www-form-urlencoded",
    "application/vnd.oai.openapi",
)
PLAIN_KEYS = frozenset(("route", "body", "headers", "method"))
SHOWN_CHARACTERS = 1000


class UnsupportedEvent(Exception):
    """The event cannot be answered. Lambda hands the message to whoever invoked the function."""


class RouteFailed(Exception):
    """The service refused an event that was no HTTP request, so that the invocation has failed."""


class ServiceFailed(Exception):
    """The same, and it was the service's own fault: its status is 500 or more."""


@dataclass(frozen=True)
class Asked:
    """`event` is fit for mangum, `route` such as `POST /predict`; `plain` says that it came as no HTTP request.

    `root_path` is what the client's path has before the route's, such as `/prod`: ASGI's word.
    """

    event: dict[str, Any]
    route: str
    plain: bool
    root_path: str = ""


def as_request(event: Any, *, default_route: str) -> Asked:
    """The request that an event is. `default_route` gets those that name none. Raises UnsupportedEvent."""
    if is_http(event):
        request = fitted(event)
        return Asked(request, method_and_path(request), plain=False, root_path=root_path(event, request))
    if is_websocket(event):
        raise UnsupportedEvent(
            "This function answers single requests and keeps no WebSocket open: call it through its function URL,"
            " an HTTP or REST API, or a load balancer."
        )
    request = _post(event, default_route=default_route)
    return Asked(request, method_and_path(request), plain=True)


def as_result(asked: Asked, response: dict[str, Any]) -> Any:
    """What the invocation returns: the response, or for a plain event its body as JSON.

    Text that is no JSON is a string, anything else `{"contentType", "base64"}`. Raises RouteFailed from status 400 on,
    ServiceFailed from 500 on.
    """
    if not asked.plain:
        return response
    body = response.get("body") or ""
    content = base64.b64decode(body) if response.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")
    if response["statusCode"] >= 400:
        said = content.decode("utf-8", "replace")[:SHOWN_CHARACTERS] or "no body"
        kind = ServiceFailed if response["statusCode"] >= 500 else RouteFailed
        raise kind(f"{asked.route} answered {response['statusCode']}: {said}")
    return _as_json(content, (response.get("headers") or {}).get("content-type", ""))


def _as_json(content: bytes, content_type: str) -> Any:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return {"contentType": content_type, "base64": base64.b64encode(content).decode()}
    if "json" not in content_type:
        return text
    try:
        return json.loads(text) if text else None
    except ValueError:  # lines of JSON, say
        return text


def _post(event: Any, *, default_route: str) -> dict[str, Any]:
    """The event of a function URL that stands for a plain one."""
    named = isinstance(event, dict) and str(event.get("route", "")).startswith("/") and PLAIN_KEYS.issuperset(event)
    if not named and not default_route:
        raise UnsupportedEvent(
            "This function answers HTTP requests: through its function URL, an HTTP or REST API, or a load balancer."
            ' To reach a route with any other event, invoke it with {"route": "/predict", "body": {...}},'
            " or name the route that gets all such events as spec.event_route."
        )
    path, _, query = (event["route"] if named else default_route).partition("?")
    asked = event if named else {"body": event}
    headers = {"content-type": "application/json", "accept": "*/*", **_headers(asked.get("headers"))}
    method = str(asked.get("method") or "POST").upper()
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {"stage": "$default", "http": {"method": method, "path": path, "sourceIp": ""}},
        "body": _body(asked, method, content_type=headers["content-type"]),
        "isBase64Encoded": False,
    }


def _headers(headers: Any) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise UnsupportedEvent('"headers" of the event have to be an object of strings, as {"accept": "text/plain"}.')
    return {name.lower(): value for name, value in headers.items()}


def _body(asked: dict[str, Any], method: str, *, content_type: str) -> str:
    """No body is no arguments. A string with a content type that is not JSON is sent as it is."""
    if method in ("GET", "HEAD") and "body" not in asked:
        return ""
    body = asked.get("body", {})
    return body if isinstance(body, str) and "json" not in content_type else json.dumps(body)
