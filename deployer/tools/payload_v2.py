"""Function URLs: an HTTP request as an event of payload version 2.0, and a function's result as an HTTP response.

Pure translation. The rules are those of Lambda's developer guide, "Invoking Lambda function URLs".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


def to_event(
    request: HttpRequest, *, url_id: str, region: str, request_id: str, authorizer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The event. `authorizer` is the signer of a signed request."""
    headers = _joined(request.headers)
    cookies = headers.pop("cookie", "")
    context = {
        **_context(request, user_agent=headers.get("user-agent", ""), url_id=url_id, region=region),
        "accountId": (authorizer or {}).get("accountId", "anonymous"),
        "requestId": request_id,
        **({"authorizer": {"iam": dict(authorizer)}} if authorizer else {}),
    }
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": context,
        **_body(request.body, headers.get("content-type", "")),
    }
    if cookies:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True), lower=False)
    return event


def to_response(payload: bytes, *, error: str) -> HttpResponse:
    """The HTTP answer; 502 when the function failed or its result is no response."""
    if error:
        return failed()
    try:
        result = json.loads(payload or b"null")
    except ValueError:
        return failed()
    if not isinstance(result, dict) or "statusCode" not in result:
        return _plain(result)
    try:
        return _stated(result)
    except (ValueError, TypeError, AttributeError):
        return failed()


def header_pairs(result: Mapping[str, Any], *, default_type: str = "") -> list[tuple[str, str]]:
    """A result's headers and cookies. Raises ValueError, TypeError or AttributeError for what cannot be sent."""
    headers = [(str(name), _header(value)) for name, value in (result.get("headers") or {}).items()]
    if default_type and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", default_type))
    return headers + [("Set-Cookie", _header(cookie)) for cookie in result.get("cookies") or ()]


def failed() -> HttpResponse:
    """What the client gets of a function error."""
    return HttpResponse(502, (("Content-Type", "application/json"),), FAILED)


def _context(request: HttpRequest, *, user_agent: str, url_id: str, region: str) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    return {
        "apiId": url_id,
        "domainName": f"{url_id}.lambda-url.{region}.on.aws",
        "domainPrefix": url_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": user_agent,
        },
        "routeKey": "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _plain(result: Any) -> HttpResponse:
    """Any other JSON is the body of a 200; a string is its text."""
    body = result if isinstance(result, str) else json.dumps(result)
    return HttpResponse(200, (("Content-Type", "application/json"),), body.encode())


def _stated(result: Mapping[str, Any]) -> HttpResponse:
    status = int(result["statusCode"])
    if not 100 <= status <= 599:
        raise ValueError(status)
    headers = header_pairs(result, default_type="application/json")
    body = result.get("body") or ""
    text = body if isinstance(body, str) else json.dumps(body)
    if result.get("isBase64Encoded"):
        return HttpResponse(status, headers, base64.b64decode(text, validate=True))
    return HttpResponse(status, headers, text.encode())


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


def _body(body: bytes, content_type: str) -> dict[str, Any]:
    if not body:
        return {"isBase64Encoded": False}
    if _is_text(content_type):
        try:
            return {"body": body.decode("utf-8"), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": base64.b64encode(body).decode("ascii"), "isBase64Encoded": True}


def _is_text(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in TEXT_TYPES or kind.endswith(("+json", "+xml"))
