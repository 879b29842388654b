"""One invocation and what came of it, as Lambda's Invoke API tells it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field

PAYLOAD_LIMIT = 6 * 1024 * 1024  # bytes, each way
UNHANDLED = "Unhandled"


def new_request_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Invocation:
    """What a runtime is asked. `arn` is the function as the caller named it, with its qualifier."""

    payload: bytes
    arn: str
    client_context: str = ""
    request_id: str = field(default_factory=new_request_id)


@dataclass(frozen=True)
class Answer:
    """`error` is empty or Lambda's `X-Amz-Function-Error`; `log` the lines written while the invocation ran."""

    payload: bytes
    version: str
    request_id: str
    error: str = ""
    log: str = ""


class Throttled(Exception):
    """Every execution environment that the function may have is busy (429)."""


class CannotRun(Exception):
    """The function's image cannot be run on this machine; the text says why and what to do (502)."""


def failure(kind: str, message: str) -> bytes:
    """An error payload as Lambda itself writes it when the runtime could not."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
