"""An HTTP request as an event of payload version 2.0, and a function's result as an HTTP response.

Pure translation. The rules are those of Lambda's developer guide, "Invoking Lambda function URLs", and of that of API
Gateway, "Create AWS Lambda proxy integrations for HTTP APIs".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

TEXT_TYPES = ("application/json", "application/xml", "application/javascript")
FAILED = json.dumps({"Message": "Internal Server Error"}).encode()


@dataclass(frozen=True)
class HttpRequest:
    """`path` and `query` are as sent, still encoded, the path without the URL's own prefix."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True)
class HttpResponse:
    """What the client gets."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Entrance:
    """What took the request: a function URL, or an HTTP API with its stage and the key of the route that was chosen."""

    id: str
    domain: str
    account: str
    stage: str = "$default"
    route_key: str = "$default"
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    stage_variables: Mapping[str, str] = field(default_factory=dict)


def to_event(
    request: HttpRequest, *, url_id: str, region: str, request_id: str, authorizer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The event of a function URL. `authorizer` is the signer of a signed request."""
    account = str((authorizer or {}).get("accountId", "anonymous"))
    entrance = Entrance(url_id, f"{url_id}.lambda-url.{region}.on.aws", account)
    return entered(request, entrance, request_id=request_id, authorizer=authorizer)


def entered(
    request: HttpRequest, entrance: Entrance, *, request_id: str, authorizer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The event of a request that came through there. The path has a named stage as its first part, as it was sent."""
    headers = _joined(request.headers)
    cookies = headers.pop("cookie", "")
    context = {
        **_context(request, entrance, user_agent=headers.get("user-agent", "")),
        "requestId": request_id,
        **({"authorizer": {"iam": dict(authorizer)}} if authorizer else {}),
    }
    event = {
        "version": "2.0",
        "routeKey": entrance.route_key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": context,
        **encoded(request.body, headers.get("content-type", "")),
    }
    if cookies:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True), lower=False)
    if entrance.path_parameters:
        event["pathParameters"] = dict(entrance.path_parameters)
    if entrance.stage_variables:
        event["stageVariables"] = dict(entrance.stage_variables)
    return event


def to_response(payload: bytes, *, error: str) -> HttpResponse:
    """The HTTP answer of a function URL; 502 when the function failed or its result is no response."""
    try:
        return failed() if error else meant(payload)
    except ValueError:
        return failed()


def meant(payload: bytes) -> HttpResponse:
    """The HTTP answer that a result stands for. Raises ValueError for one that is no response."""
    result = json.loads(payload or b"null")
    if not isinstance(result, dict) or "statusCode" not in result:
        return _plain(result)
    try:
        return stated(result)
    except (TypeError, AttributeError) as error:
        raise ValueError(f"no response: {payload[:100]!r}") from error


def header_pairs(result: Mapping[str, Any], *, default_type: str = "") -> list[tuple[str, str]]:
    """A result's headers and cookies. Raises ValueError, TypeError or AttributeError for what cannot be sent."""
    headers = [(str(name), _header(value)) for name, value in (result.get("headers") or {}).items()]
    if default_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", default_type))
    return headers + [("Set-Cookie", _header(cookie)) for cookie in result.get("cookies") or ()]


def stated(result: Mapping[str, Any]) -> HttpResponse:
    """The answer of a result with a status. Raises ValueError, TypeError or AttributeError for what cannot be sent."""
    status = int(result["statusCode"])
    if not 100 <= status <= 599:
        raise ValueError(status)
    headers = header_pairs(result, default_type="application/json")
    body = result.get("body") or ""
    text = body if isinstance(body, str) else json.dumps(body)
    if result.get("isBase64Encoded"):
        return HttpResponse(status, headers, base64.b64decode(text, validate=True))
    return HttpResponse(status, headers, text.encode())


def encoded(body: bytes, content_type: str) -> dict[str, Any]:
    """An event's body: text as it is, any other as base64, none left out."""
    if not body:
        return {"isBase64Encoded": False}
    if _is_text(content_type):
        try:
            return {"body": body.decode("utf-8"), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode("ascii"), "isBase64Encoded": True}


def failed() -> HttpResponse:
    """What the client gets of a function error."""
    return HttpResponse(502, (("Content-Type", "application/json"),), FAILED)


def _context(request: HttpRequest, entrance: Entrance, *, user_agent: str) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    return {
        "accountId": entrance.account,
        "apiId": entrance.id,
        "domainName": entrance.domain,
        "domainPrefix": entrance.id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": user_agent,
        },
        "routeKey": entrance.route_key,
        "stage": entrance.stage,
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _plain(result: Any) -> HttpResponse:
    """Any other JSON is the body of a 200; a string is its text."""
    body = result if isinstance(result, str) else json.dumps(result)
    return HttpResponse(200, (("Content-Type", "application/json"),), body.encode())


def _header(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\r" in text or "\n" in text:
        raise ValueError(text)
    return text


def _joined(pairs: Sequence[tuple[str, str]], *, lower: bool = True) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower() if lower else name
        joined[key] = f"{joined[key]},{value}" if key in joined else value
    return joined


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in TEXT_TYPES or kind.endswith(("+json", "+xml"))
