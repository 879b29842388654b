"""Lambda's limit for what a function returns. Beyond it the client would get a 502 without a word."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .events import Asked, RouteFailed

MEGABYTE = 1024 * 1024
LIMIT = 6 * MEGABYTE  # bytes of JSON, as posted to the Runtime API: with base64, and escapes
LOAD_BALANCER_LIMIT = MEGABYTE
LONGEST_ESCAPE = 12  # bytes of JSON for one character


def within_limit(asked: Asked, result: Any, *, encode: Callable[[Any], str] = json.dumps) -> Any:
    """`result` of `events.as_result`, or where it is too large a 413 that says so.

    `encode` makes the JSON that is posted. A plain event has no status: raises RouteFailed.
    """
    balanced = "elb" in asked.event["requestContext"]
    limit = LOAD_BALANCER_LIMIT if balanced else LIMIT
    if not asked.plain and len(result.get("body") or "") * LONGEST_ESCAPE < limit // 2:  # the rest is for headers
        return result
    text = encode(result)
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size <= limit:
        return result
    refused = _refusal(size, limit, sender="a load balancer takes" if balanced else "Lambda takes")
    if asked.plain:
        raise RouteFailed(f"{asked.route} answered 413: {refused}")
    kind = "multiValueHeaders" if "multiValueHeaders" in result and balanced else "headers"
    content_type: Any = ["application/json"] if kind == "multiValueHeaders" else "application/json"
    body = "" if asked.route.startswith("HEAD ") else json.dumps({"error": refused})
    return {"statusCode": 413, kind: {"content-type": content_type}, "body": body, "isBase64Encoded": False}


def _refusal(size: int, limit: int, *, sender: str) -> str:
    return (
        f"The response is {size / MEGABYTE:.1f} MB ({size} bytes, counted as JSON with binary content in base64),"
        f" and {sender} at most {limit // MEGABYTE} MB ({limit} bytes). Return less at a time, store the result and"
        " return its address, or stream it from a function URL: spec.invoke_mode: RESPONSE_STREAM."
    )
