"""The one door to other programs: argv lists only, an environment handed in, time limits, and no orphans.

A child runs in a session of its own. Ctrl-C is passed on once as SIGINT so that terraform can finish cleanly;
a second Ctrl-C, or a time limit, goes from SIGTERM to SIGKILL for the whole process group.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from deployer.errors import DeployerError

INTERRUPT_SECONDS = 30.0
TERMINATE_SECONDS = 5.0

OnLine = Callable[[str], None]


@dataclass(frozen=True)
class Completed:
    """A child that has ended: its exit code (negative: minus the signal) and all it wrote, as text."""

    argv: tuple[str, ...]
    returncode: int
    stdout: str
    stderr: str


class Runner(Protocol):
    """Runs one program to its end. `Processes` is the real one; tests hand in typed fakes."""

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        timeout: float,
        stdin: bytes = b"",
        log: Path | None = None,
        on_line: OnLine | None = None,
    ) -> Completed: ...


class Processes:
    """Real child processes.

    `timeout` is in seconds. `log` is appended to: the command first, then each line as it comes. `on_line` gets
    each line of standard output without its newline. Raises DeployerError when the program cannot be started or
    runs out of time, and KeyboardInterrupt after the child is gone. A non-zero exit code is the caller's to judge.
    """

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        timeout: float,
        stdin: bytes = b"",
        log: Path | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        child = _start(argv, env=env, cwd=cwd)
        out, err = _Reader(_pipe(child.stdout), log, on_line), _Reader(_pipe(child.stderr), log, None)
        _append(log, f"$ {' '.join(argv)}\n")
        feeder = threading.Thread(target=_feed, args=(_pipe(child.stdin), stdin), daemon=True)
        for thread in (out, err, feeder):
            thread.start()
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            _end(child)
            raise DeployerError(
                f"{Path(argv[0]).name} did not finish within {timeout:.0f} s and was stopped.",
                hint="Run the command again: it continues where this one stopped.",
                log=log,
            ) from None
        except KeyboardInterrupt:
            _interrupt(child)
            raise
        finally:
            out.join(TERMINATE_SECONDS)
            err.join(TERMINATE_SECONDS)
        return Completed(tuple(argv), child.returncode, out.text, err.text)


class _Reader(threading.Thread):
    """Collects a stream line by line, into memory, the log and the listener."""

    def __init__(self, stream: IO[bytes], log: Path | None, on_line: OnLine | None) -> None:
        super().__init__(daemon=True)
        self._stream, self._log, self._on_line = stream, log, on_line
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        return "".join(self._lines)

    def run(self) -> None:
        for raw in self._stream:
            line = raw.decode("utf-8", "replace")
            self._lines.append(line)
            _append(self._log, line)
            if self._on_line is not None:
                self._on_line(line.rstrip("\r\n"))


def _start(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            list(argv), env=dict(env), cwd=cwd, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
        )
    except OSError as error:
        raise DeployerError(f"{argv[0]} could not be started: {error.strerror or error}.") from error


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise TypeError("every stream of a child is a pipe: see _start")
    return stream


def _feed(stream: IO[bytes], data: bytes) -> None:
    with suppress(BrokenPipeError), stream:
        stream.write(data)


def _append(log: Path | None, text: str) -> None:
    if log is not None:
        with log.open("a", encoding="utf-8") as file:
            file.write(text)


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        child.wait(INTERRUPT_SECONDS)
    _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the whole group: the child may have left helpers behind even when it is gone itself."""
    _signal_group(child, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(TERMINATE_SECONDS)
    _signal_group(child, signal.SIGKILL)
    child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
