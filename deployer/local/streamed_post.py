"""The Runtime API's side of a streamed response: from the runtime's chunked POST to whoever wants the response.

The rules are those of Lambda's developer guide, "Implementing response streaming in a custom runtime".
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from werkzeug.wrappers import Request

from deployer.local.chunked import ChunkedBody
from deployer.local.execution_environment import ExecutionEnvironment
from deployer.local.invocation import PAYLOAD_LIMIT, failure

RESPONSE_MODE = "Lambda-Runtime-Function-Response-Mode"
ERROR_TYPE, ERROR_BODY = "lambda-runtime-function-error-type", "lambda-runtime-function-error-body"
STREAM_LIMIT = 200 * 1024 * 1024  # bytes, of a response that is read while it is made
UNNAMED = "application/octet-stream"


def take(request: Request, request_id: str, *, environment: ExecutionEnvironment) -> int:
    """Hand the response on while it comes; the status for the runtime.

    A caller who does not read it live gets it whole, within the limit of a buffered payload.
    """
    invocation = environment.running(request_id)
    body = request.environ["wsgi.input"]
    if invocation is None or not isinstance(body, ChunkedBody):
        return 400
    live, content_type = invocation.live, request.content_type or UNNAMED
    limit = STREAM_LIMIT if live else PAYLOAD_LIMIT
    collected: list[bytes] = []
    try:
        if live:
            live.begin(content_type)
        for piece in _within(limit, body.pieces()):
            live.put(piece) if live else collected.append(piece)
    except OverflowError:
        environment.respond_too_large(request_id, limit=limit)
        return 413
    except OSError as error:
        environment.break_off(request_id, f"The runtime's response broke off: {error}")
        return 400
    if ERROR_TYPE in body.trailers or ERROR_BODY in body.trailers:
        return 202 if environment.fail(request_id, _error(body)) else 400
    return 202 if environment.respond(request_id, b"".join(collected), content_type=content_type) else 400


def _within(limit: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces; raises OverflowError instead of the one that is too much."""
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise OverflowError(size)
        yield piece


def _error(body: ChunkedBody) -> bytes:
    """What the trailers say of the error, as an error payload."""
    try:
        said = base64.b64decode(body.trailers.get(ERROR_BODY, ""), validate=True)
    except ValueError:
        said = b""
    return said or failure(body.trailers.get(ERROR_TYPE, "Runtime.UnknownReason"), "The response broke off.")
