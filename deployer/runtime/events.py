"""Which events are answered: HTTP requests from a function URL, an HTTP or REST API, or a load balancer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Handler = Callable[[Any, Any], Any]


class UnsupportedEvent(Exception):
    """The event is not an HTTP request. Lambda hands the message to whoever invoked the function."""


def require_http(handler: Handler) -> Handler:
    """Let HTTP requests through and refuse everything else by name."""

    def handle(event: Any, context: Any) -> Any:
        if not _is_http(event):
            raise UnsupportedEvent(
                "This function answers HTTP requests: call its function URL, or invoke it with an event of"
                " payload version 2.0 or 1.0."
            )
        return handler(event, context)

    return handle


def _is_http(event: Any) -> bool:
    request = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(request, dict):
        return False
    return "httpMethod" in event or "elb" in request or ("http" in request and "version" in event)
