"""Function output on its way to CloudWatch Logs and to the daemon's own log, written by one thread in batches."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timezone

from deployer.local.control_plane import ControlPlane
from deployer.local.functions import FunctionName

BATCH_SECONDS = 0.1


@dataclass(frozen=True)
class Stream:
    """A log stream: one per execution environment."""

    function: FunctionName
    name: str


def new_stream(function: FunctionName, version: str, name: str) -> Stream:
    """As Lambda names it: the day, the version and the environment's own name."""
    day = datetime.now(timezone.utc).strftime("%Y/%m/%d")
    return Stream(function, f"{day}/[{version}]{name}")


def milliseconds() -> int:
    return int(time.time() * 1000)


class FunctionLogs:
    """`write` never waits. A line reaches CloudWatch Logs within about BATCH_SECONDS."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._lines: queue.SimpleQueue[tuple[Stream, int, str] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="function-logs", daemon=True)
        self._thread.start()

    def write(self, stream: Stream, line: str) -> None:
        self._lines.put((stream, milliseconds(), line))

    def close(self) -> None:
        """Write what is left and end the thread."""
        self._lines.put(None)
        self._thread.join(5)

    def _run(self) -> None:
        running = True
        while running:
            batch = [self._lines.get()]
            time.sleep(BATCH_SECONDS)
            while not self._lines.empty():
                batch.append(self._lines.get())
            running = None not in batch
            self._flush([entry for entry in batch if entry is not None])

    def _flush(self, entries: list[tuple[Stream, int, str]]) -> None:
        streams: dict[Stream, list[tuple[int, str]]] = defaultdict(list)
        for stream, when, line in entries:
            streams[stream].append((when, line))
            print(f"[{stream.function.name}] {line}", file=sys.stderr, flush=True)
        for stream, events in streams.items():
            try:
                self._control_plane.write_logs(stream.function, stream.name, events)
            except Exception as error:  # a log line must never end the thread that writes all others
                print(f"deployer: log lines of {stream.function.name} lost: {error!r}", file=sys.stderr, flush=True)
