"""One invocation on its way through an execution environment, and the lines that Lambda writes about it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from deployer.local.functions import FunctionVersion
from deployer.local.invocation import Invocation


@dataclass(eq=False)
class Run:
    """Fetched by the runtime, answered by it, reported in the log, in this order. Times are monotonic seconds."""

    invocation: Invocation
    begun: float = field(default_factory=time.monotonic)
    fetched: float | None = None
    answered: float | None = None
    result: tuple[bytes, str] | None = None
    reported: bool = False
    lines: list[str] = field(default_factory=list)

    def opening_line(self, version: FunctionVersion) -> str:
        return f"START RequestId: {self.invocation.request_id} Version: {version.version}"

    def closing_lines(
        self, version: FunctionVersion, *, peak_megabytes: int, init_seconds: float | None
    ) -> tuple[str, str]:
        """END and REPORT; `init_seconds` is given for the first run of an environment only."""
        milliseconds = 1000 * ((self.answered or time.monotonic()) - (self.fetched or self.begun))
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
