"""One invocation: what was asked, its way through an execution environment, and what came of it."""

from __future__ import annotations

import json
import math
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone

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
        if version.log_format == "JSON":
            return _platform("start", requestId=self.invocation.request_id, version=version.version)
        return f"START RequestId: {self.invocation.request_id} Version: {version.version}"

    def closing_lines(
        self, version: FunctionVersion, *, peak_megabytes: int, init_seconds: float | None
    ) -> tuple[str, ...]:
        """END and REPORT, in JSON the report alone; `init_seconds` is given for an environment's first run only."""
        if version.log_format == "JSON":
            return (self._json_report(version, peak_megabytes=peak_megabytes, init_seconds=init_seconds),)
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

    def _json_report(self, version: FunctionVersion, *, peak_megabytes: int, init_seconds: float | None) -> str:
        milliseconds, failed = self.milliseconds, self.result is None or bool(self.result[1])
        metrics = {
            "durationMs": round(milliseconds, 3),
            "billedDurationMs": math.ceil(milliseconds),
            "memorySizeMB": version.memory_size,
            "maxMemoryUsedMB": peak_megabytes,
            **({} if init_seconds is None else {"initDurationMs": round(1000 * init_seconds, 3)}),
        }
        status = "error" if failed else "success"
        return _platform("report", requestId=self.invocation.request_id, metrics=metrics, status=status)


class Throttled(Exception):
    """Every execution environment that the function may have is busy (429)."""


class CannotRun(Exception):
    """The function's image cannot be run on this machine; the text says why and what to do (502)."""


def _platform(kind: str, **record: object) -> str:
    """An event of Lambda's own where a function logs in JSON, at the system log level INFO."""
    now = datetime.now(timezone.utc)
    time_ = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
    return json.dumps({"time": time_, "type": f"platform.{kind}", "record": record}, separators=(",", ":"))


def failure(kind: str, message: str) -> bytes:
    """An error payload as Lambda itself writes it when the runtime could not."""
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
