"""Events to streamed responses: a function URL's response is posted while the service makes it.

What takes no pieces is answered whole: events that are no HTTP request, and those of API Gateway and load balancers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from . import logs
from .events import as_request
from .exchange import answer
from .response_post import POSTED, ResponsePost
from .startup import Function


def streaming(function: Function, *, address: str, whole: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`address` is the Runtime API's, host and port; `whole` answers what is not streamed."""
    from mangum import Mangum

    def handle(event: Any, context: Any) -> Any:
        if not takes_pieces(event):
            return whole(event, context)
        asked = as_request(event, default_route=function.event_route)
        if asked.plain:
            return whole(event, context)
        app, began = function.app, time.perf_counter()
        request = Mangum(app, lifespan="off").infer(asked.event, context)  # its reading of the event, no more

        async def respond() -> int:
            post = ResponsePost(address, context.aws_request_id)
            return await answer(app, request.scope, request.body, post=post, route=asked.route)

        status = function.loop.run_until_complete(respond())
        logs.request_line(context, asked.route, status, time.perf_counter() - began)
        return POSTED

    return handle


def takes_pieces(event: Any) -> bool:
    """Whether its sender reads a response in pieces: API Gateway and load balancers want one JSON document."""
    sender = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(sender, dict) or "elb" in sender:
        return False
    return ".execute-api." not in str(sender.get("domainName", ""))
