"""One invocation: what was asked, its way through an execution environment, and what came of it."""

from __future__ import annotations

import json
import math
import time
import uuid
from dataclasses import dataclass, field

from deployer.local.functions import FunctionVersion
from deployer.local.live_response import LiveResponse

PAYLOAD_LIMIT = 6 * 1024 * 1024  # bytes, each way
UNHANDLED = "Unhandled"
JSON = "application/json"


def new_request_id() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True)
class Invocation:
    """What a runtime is asked. `arn` is the function as the caller named it, with its qualifier.

    `live` is given by a caller who wants a streamed response while it is made; any other gets it whole.
    """

    payload: bytes
    arn: str
    client_context: str = ""
    request_id: str = field(default_factory=new_request_id)
    live: LiveResponse | None = None


@dataclass(frozen=True)
class Answer:
    """`error` is empty or Lambda's `X-Amz-Function-Error`; `log` the lines written while the invocation ran.

    `milliseconds` are the duration as its REPORT line says it.
    """

    payload: bytes
    version: str
    request_id: str
    error: str = ""
    log: str = ""
    content_type: str = JSON
    milliseconds: float = 0.0


@dataclass(eq=False)
class Run:
    """An invocation on its way through an execution environment, and the lines that Lambda writes about it.

    Fetched by the runtime, answered by it, reported in the log, in this order. Times are monotonic seconds.
    """

    invocation: Invocation
    begun: float = field(default_factory=time.monotonic)
    fetched: float | None = None
    answered: float | None = None
    result: tuple[bytes, str] | None = None
    content_type: str = JSON
    reported: bool = False
    lines: list[str] = field(default_factory=list)

    @property
    def milliseconds(self) -> float:
        """The duration, so far while it has not been answered."""
        return 1000 * ((self.answered or time.monotonic()) - (self.fetched or self.begun))

    def opening_line(self, version: FunctionVersion) -> str:
        return f"START RequestId: {self.invocation.request_id} Version: {version.version}"

    def closing_lines(
        self, version: FunctionVersion, *, peak_megabytes: int, init_seconds: float | None
    ) -> tuple[str, str]:
        """END and REPORT; `init_seconds` is given for the first run of an environment only."""
        milliseconds = self.milliseconds
        parts = [
            f"REPORT RequestId: {self.invocation.request_id}",
            f"Duration: {milliseconds:.2f} ms",
            f"Billed Duration: {math.ceil(milliseconds)} ms",
            f"Memory Size: {version.memory_size} MB",
            f"Max Memory Used: {peak_megabytes} MB",
        ]
        if init_seconds is not None:
            parts.append(f"Init Duration: {1000 * init_seconds:.2f} ms")
        return f"END RequestId: {self.invocation.request_id}", "\t".join([*parts, ""])


class Throttled(Exception):
    """Every execution environment that the function may have is busy (429)."""


class CannotRun(Exception):
    """The function's image cannot be run on this machine; the text says why and what to do (502)."""


def failure(kind: str, message: str) -> bytes:
    """An error payload as Lambda itself writes it when the runtime could not."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
