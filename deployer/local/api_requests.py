"""What a request to an API says: its region, the function it names, its body; and how to pass it on to moto."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from werkzeug.wrappers import Request, Response

from deployer.local.functions import FunctionName
from deployer.local.server import Wsgi

REGION = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
NAME = re.compile(
    r"(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:|\d{12}:function:)?(?P<name>[\w-]+)(?::(?P<qualifier>[\w$-]+))?"
)


def region_of(request: Request, *, service: str) -> str:
    """The region that the request is signed for, empty where it is signed for another service."""
    match = REGION.search(request.headers.get("Authorization", ""))
    return match["region"] if match and match["service"] == service else ""


def function_of(text: str, *, account: str, region: str) -> tuple[FunctionName, str] | None:
    """The function that a name, a partial ARN or an ARN stands for, and the qualifier in it, which may be empty."""
    match = NAME.fullmatch(unquote(text))
    return (FunctionName(account, region, match["name"]), match["qualifier"] or "") if match else None


def body_of(request: Request) -> Mapping[str, Any]:
    body = request.get_json(force=True, silent=True)
    return body if isinstance(body, dict) else {}


def json_answer(status: int, body: Mapping[str, Any]) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def passed_on(application: Wsgi, request: Request, *, body: bytes | None = None) -> Response:
    """The application's answer to a request whose body may have been read already, or with another body."""
    content = request.get_data() if body is None else body
    environ = {**request.environ, "wsgi.input": io.BytesIO(content), "CONTENT_LENGTH": str(len(content))}
    return Response.from_app(application, environ, buffered=True)
