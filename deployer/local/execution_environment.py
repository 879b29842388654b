"""One execution environment: a runtime process that takes one invocation at a time through the Runtime API.

Threads meet here: the caller's (`invoke`), the runtime's requests (`next`, `respond`, `fail`, `init_failed`), the
process watcher's and the memory watcher's. All of them change state only under one condition.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable

from deployer.local.function_logs import FunctionLogs, new_stream
from deployer.local.function_process import NotStarted, Process, StartProcess
from deployer.local.functions import FunctionVersion
from deployer.local.invocation import JSON, PAYLOAD_LIMIT, UNHANDLED, Answer, Invocation, Run, failure

INIT_SECONDS = 10.0
TAIL_CHARACTERS = 4096
UNREAD_SECONDS = 2.0  # within which a response is read that a process sent before it ended
ENDING_SECONDS = 0.5  # within which a process is gone whose connection has broken off because it ended


class Gone(Exception):
    """The environment ended before it took the invocation: another one may take it."""


class ExecutionEnvironment:
    """Made first and started then, because the runtime asks it for work as soon as its process runs."""

    def __init__(self, version: FunctionVersion, *, logs: FunctionLogs) -> None:
        self.id = uuid.uuid4().hex
        self.version = version
        self.last_used = time.monotonic()
        self._stream = new_stream(version.function, version.version, self.id)
        self._logs = logs
        self._changed = threading.Condition()
        self._started = time.monotonic()
        self._init_seconds: float | None = None
        self._init_reported = False
        self._init_error: bytes | None = None
        self._waiting: Run | None = None  # given by the caller, not yet fetched
        self._running: Run | None = None  # fetched, until the runtime asks for the next one
        self._verdict = ""  # why the process was ended: timeout, memory or ended
        self._process: Process = NotStarted()
        self._unread: Callable[[], bool] = lambda: False

    def start(self, start: StartProcess, *, unread: Callable[[], bool] = lambda: False) -> None:
        """Start the process; `start` gets the log stream, and whom to tell each line and the end.

        `unread` says whether the process has sent something to the Runtime API that was not read to its end.
        """
        with self._changed:
            self._unread = unread
            self._process = start(self._stream, self._log, self._exited)

    # what the caller asks

    def invoke(self, invocation: Invocation, *, want_log: bool = False) -> Answer:
        """Run one invocation to its end, whatever that is. Raises Gone when the runtime was gone before it."""
        run = Run(invocation)
        with self._changed:
            self._waiting = run
            self._changed.notify_all()
            self._await(lambda: run.fetched is not None, INIT_SECONDS + self.version.timeout)
            if run.fetched is not None:
                self._await(lambda: run.result is not None, self.version.timeout)
            self._await_unread(run)
            payload, error = run.result or self._failure(run)
        if not self.usable:
            self._close(run)
        elif want_log:
            self._wait_for_report(run)
        self.last_used = time.monotonic()
        log = "\n".join(run.lines)[-TAIL_CHARACTERS:] if want_log else ""
        return Answer(
            payload, self.version.version, invocation.request_id, error, log, run.content_type, run.milliseconds
        )

    @property
    def usable(self) -> bool:
        return not self._over

    def end(self, verdict: str = "ended") -> None:
        """End the process and return when it is gone. Safe to call again."""
        with self._changed:
            self._verdict = self._verdict or verdict
            self._changed.notify_all()
        self._process.kill()

    def watch_memory(self) -> None:
        """End the process when it uses more memory than the function has, while it has something to do."""
        busy = self._running is not None or self._waiting is not None
        if busy and self._process.sample() > self.version.memory_size:
            self.end("memory")

    # what the runtime asks

    def next(self) -> tuple[Invocation, float] | None:
        """The next invocation and its deadline in epoch seconds; None when the environment has ended."""
        with self._changed:
            if self._init_seconds is None:
                self._init_seconds = time.monotonic() - self._started
                self._process.sample(afresh=True)
            if self._running is not None:
                self._report(self._running)
                self._running = None
            self._changed.wait_for(lambda: self._waiting is not None or self._over)
            run, self._waiting = self._waiting, None
            if run is None or self._over:
                return None
            self._running, run.fetched = run, time.monotonic()
            self._log(run.opening_line(self.version))
            self._changed.notify_all()
            return run.invocation, time.time() + self.version.timeout

    def running(self, request_id: str) -> Invocation | None:
        """The invocation of that id, while it has no result."""
        with self._changed:
            run = self._running
            same = run is not None and run.invocation.request_id == request_id and run.result is None
            return run.invocation if run is not None and same else None

    def respond(self, request_id: str, payload: bytes, *, content_type: str = JSON) -> bool:
        """False when the payload is too large, or the invocation is not the running one."""
        if len(payload) > PAYLOAD_LIMIT:
            return self.respond_too_large(request_id, limit=PAYLOAD_LIMIT)
        return self._settle(request_id, payload, "", content_type)

    def respond_too_large(self, request_id: str, *, limit: int) -> bool:
        message = f"Response payload size exceeded maximum allowed payload size ({limit} bytes)."
        self._settle(request_id, failure("Function.ResponseSizeTooLarge", message), UNHANDLED)
        return False

    def break_off(self, request_id: str, reason: str) -> None:
        """The response ended in its middle. A process that has ended says more than that."""
        with self._changed:
            self._changed.wait_for(lambda: self._over, ENDING_SECONDS)
            if not self._over:
                self._settle(request_id, failure("Runtime.TruncatedResponse", reason), UNHANDLED)

    def fail(self, request_id: str, payload: bytes) -> bool:
        return self._settle(request_id, payload, UNHANDLED)

    def init_failed(self, payload: bytes) -> None:
        with self._changed:
            self._init_error = payload
            self._changed.notify_all()

    # in between

    @property
    def _over(self) -> bool:
        return bool(self._verdict) or self._init_error is not None or not self._process.alive

    @property
    def _ended_by_itself(self) -> bool:
        return not (self._verdict or self._init_error is not None or self._process.alive)

    def _await(self, condition: Callable[[], bool], seconds: float) -> None:
        self._changed.wait_for(lambda: condition() or self._over, seconds)

    def _await_unread(self, run: Run) -> None:
        """What a process sent before it ended by itself counts. Called with the condition held."""
        deadline = time.monotonic() + UNREAD_SECONDS
        while run.result is None and self._ended_by_itself and self._unread() and time.monotonic() < deadline:
            self._changed.wait(0.002)

    def _settle(self, request_id: str, payload: bytes, error: str, content_type: str = JSON) -> bool:
        with self._changed:
            run = self._running
            if run is None or run.invocation.request_id != request_id or run.result is not None:
                return False
            run.result, run.answered, run.content_type = (payload, error), time.monotonic(), content_type
            self._changed.notify_all()
            return True

    def _failure(self, run: Run) -> tuple[bytes, str]:
        """Why there is no result. Called with the condition held."""
        if self._init_error is not None:
            return self._init_error, UNHANDLED
        if not self._over:
            self._verdict = "timeout"
        run.answered = time.monotonic()
        if run.fetched is None and self._init_seconds is not None and self._verdict != "timeout":
            raise Gone
        about = f"RequestId: {run.invocation.request_id} Error: "
        if self._verdict == "timeout":
            said = f"Task timed out after {self.version.timeout:.2f} seconds"
            self._log(f"{run.invocation.request_id} {said}")
            return failure("Sandbox.Timedout", about + said), UNHANDLED
        if self._verdict == "memory":
            used = f"{self._process.peak_megabytes} MB used of {self.version.memory_size} MB"
            return failure(
                "Runtime.OutOfMemory", f"{about}Runtime exited with error: signal: killed ({used})"
            ), UNHANDLED
        return failure("Runtime.ExitError", f"{about}Runtime exited with error: {self._process.ending}"), UNHANDLED

    def _close(self, run: Run) -> None:
        """After an invocation that the runtime did not survive."""
        self.end()
        with self._changed:
            if run.fetched is None:
                self._log(run.opening_line(self.version))
            self._report(run)

    def _wait_for_report(self, run: Run) -> None:
        """The runtime comes back for more once all of its output is written."""
        with self._changed:
            self._await(lambda: run.reported, 0.5)

    def _report(self, run: Run) -> None:
        """END and REPORT, once. Called with the condition held."""
        if run.reported:
            return
        self._process.drain()
        self._process.sample()
        init, self._init_reported = (None if self._init_reported else self._init_seconds), True
        for line in run.closing_lines(self.version, peak_megabytes=self._process.peak_megabytes, init_seconds=init):
            run.lines.append(line)
            self._logs.write(self._stream, line)
        run.reported = True
        self._changed.notify_all()

    def _exited(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _log(self, line: str) -> None:
        """A line of the function's, or about it."""
        run = self._running or self._waiting
        if run is not None:
            run.lines.append(line)
        self._logs.write(self._stream, line)
