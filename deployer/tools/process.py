"""The one door to other programs: argv lists only, an environment handed in, time limits, and no orphans.

A child runs in a session of its own. Ctrl-C is passed on once as SIGINT so that terraform can finish cleanly;
a second Ctrl-C, or a time limit, goes from SIGTERM to SIGKILL for the whole process group. A child writes to unnamed
files, not to pipes: where deployer itself is killed, terraform can still end its work and write its state.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from deployer.errors import DeployerError

INTERRUPT_SECONDS = 180.0  # terraform finishes the change it is at: cut off, its state would not know of it
TERMINATE_SECONDS = 5.0
POLL_SECONDS = 0.03
PIECE = 1 << 16

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
        with tempfile.TemporaryFile() as written, tempfile.TemporaryFile() as complained:
            child = _start(argv, env=env, cwd=cwd, stdout=written, stderr=complained)
            try:
                _append(log, f"$ {' '.join(argv)}\n")
                threading.Thread(target=_feed, args=(_pipe(child.stdin), stdin), daemon=True).start()
                with _Reader(written, log, on_line) as out, _Reader(complained, log, None) as err:
                    _wait(child, Path(argv[0]).name, timeout, log)
            finally:
                if child.poll() is None:
                    _end(child)
        return Completed(tuple(argv), child.returncode, out.text, err.text)


def _wait(child: subprocess.Popen[bytes], name: str, timeout: float, log: Path | None) -> None:
    """Until the child has ended, by itself or not."""
    try:
        child.wait(timeout - _until_ended(child, timeout))
    except subprocess.TimeoutExpired:
        _end(child)
        raise DeployerError(
            f"{name} did not finish within {timeout:.0f} s and was stopped.",
            hint="Run the command again: it continues where this one stopped.",
            log=log,
        ) from None
    except KeyboardInterrupt:
        _interrupt(child)
        raise


def _until_ended(child: subprocess.Popen[bytes], timeout: float) -> float:
    """Seconds waited. The kernel says it at once where it can (Linux); `Popen.wait` looks every 50 ms."""
    began = time.monotonic()
    with suppress(OSError, AttributeError):
        descriptor = os.pidfd_open(child.pid)
        try:
            ended = select.poll()
            ended.register(descriptor, select.POLLIN)
            ended.poll(timeout * 1000)
        finally:
            os.close(descriptor)
    return time.monotonic() - began


class _Reader:
    """Follows a file line by line while the block runs, and to its end: into memory, the log and the listener."""

    def __init__(self, file: IO[bytes], log: Path | None, on_line: OnLine | None) -> None:
        self._file, self._log, self._on_line = file, log, on_line
        self._lines: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> _Reader:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def text(self) -> str:
        return "".join(self._lines)

    def _follow(self) -> None:
        position, rest, last = 0, b"", False
        while not last:
            last = self._ended.wait(POLL_SECONDS)
            while piece := os.pread(self._file.fileno(), PIECE, position):  # the offset is the child's
                position += len(piece)
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    self._tell(line + b"\n")
        if rest:
            self._tell(rest)

    def _tell(self, raw: bytes) -> None:
        line = raw.decode("utf-8", "replace")
        self._lines.append(line)
        _append(self._log, line)
        if self._on_line is not None:
            self._on_line(line.rstrip("\r\n"))


def _start(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdout: IO[bytes], stderr: IO[bytes]
) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            list(argv), env=dict(env), cwd=cwd, stdin=pipe, stdout=stdout, stderr=stderr, start_new_session=True
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
    """A full disk must not stop the reading: the child would wait for ever with a full pipe."""
    if log is not None:
        with suppress(OSError), log.open("a", encoding="utf-8") as file:
            file.write(text)


def _interrupt(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        child.wait(INTERRUPT_SECONDS)
    _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the whole group: the child may have left helpers behind even when it is gone itself."""
    _signal_group(child, signal.SIGTERM)
    try:
        with suppress(subprocess.TimeoutExpired):
            child.wait(TERMINATE_SECONDS)
    finally:  # also at one more Ctrl-C
        _signal_group(child, signal.SIGKILL)
        child.wait()


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
