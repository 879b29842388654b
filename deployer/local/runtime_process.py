"""A function's process: its output line by line, its memory, its end. Every process is started from one thread.

That thread matters: the kernel ends a process that asked for it when the thread that started it is gone, so it has to
be one that lives as long as the daemon (decision 0022).
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import IO, cast

import psutil

from deployer.image.rebased import Launch

MEGABYTE = 1024 * 1024
GONE_SECONDS = 5.0
FAMILY_SECONDS = 0.5  # listing every process of the machine costs milliseconds: children are looked for this often
SIGNALLED = 128  # a shell's way of saying that its child ended by a signal


class Spawner:
    """Starts processes from one thread of its own."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")

    def start(self, launch: Launch) -> subprocess.Popen[bytes]:
        """Raises OSError when the program cannot be started."""
        return self._thread.submit(_start, launch).result()

    def close(self) -> None:
        self._thread.shutdown()


def _start(launch: Launch) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        launch.argv,
        env=dict(launch.variables),
        cwd=launch.directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


class RuntimeProcess:
    """`on_line` gets each line of output; `on_exit` is called once, after the process is gone."""

    def __init__(
        self, launch: Launch, *, spawner: Spawner, on_line: Callable[[str], None], on_exit: Callable[[], None]
    ) -> None:
        self._child = spawner.start(launch)
        self._output = cast(IO[bytes], self._child.stdout).fileno()
        self._on_line, self._on_exit = on_line, on_exit
        self._reading = threading.Lock()
        self._rest = b""
        self.peak_megabytes = 0
        self._members: list[psutil.Process] = []
        self._looked = 0.0
        self._told = threading.Event()  # that it is gone
        for target in (self._read, self._wait):
            threading.Thread(target=target, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    @property
    def ending(self) -> str:
        """How it ended, in Lambda's words."""
        code = self._child.returncode or 0
        number = -code if code < 0 else code - SIGNALLED
        if number > 0:
            return "signal: killed" if number == signal.SIGKILL else f"signal: {signal.strsignal(number)}".lower()
        return f"exit status {code}"

    def sample(self, *, afresh: bool = False) -> int:
        """Resident memory of the process and its children, in MB; the peak is remembered. 0 once it is gone.

        `afresh` looks for new children even when that was done a moment ago.
        """
        if afresh or time.monotonic() - self._looked > FAMILY_SECONDS:
            with suppress(psutil.Error):
                self._members, self._looked = self._family(), time.monotonic()
        used = -(-sum(_resident(process) for process in self._members) // MEGABYTE)
        self.peak_megabytes = max(self.peak_megabytes, used)
        return used

    def drain(self) -> None:
        """Return when every line written so far has been handed on, a last one without a newline too."""
        while True:
            with self._reading:
                if self._waiting_bytes() == 0:
                    self._hand_on_rest()
                    return
            select.select([], [], [], 0.001)

    def kill(self) -> None:
        """End the whole family and return when it is gone and `on_exit` has returned: not for `on_exit` itself."""
        family: list[psutil.Process] = []
        with suppress(psutil.Error):
            family = self._family()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        for process in family[1:]:
            with suppress(psutil.Error):
                process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(GONE_SECONDS)
        deadline = time.monotonic() + GONE_SECONDS
        while any(_runs(process) for process in family[1:]) and time.monotonic() < deadline:
            time.sleep(0.002)
        self._told.wait(GONE_SECONDS)

    def _family(self) -> list[psutil.Process]:
        head = psutil.Process(self._child.pid)
        return [head, *head.children(recursive=True)]

    def _read(self) -> None:
        while True:
            select.select([self._output], [], [])
            with self._reading:
                data = os.read(self._output, 1 << 16)
                if not data:
                    self._hand_on_rest()
                    return
                *lines, self._rest = (self._rest + data).split(b"\n")
                for line in lines:
                    self._on_line(_text(line))

    def _wait(self) -> None:
        self._child.wait()
        try:
            self._on_exit()
        finally:
            self._told.set()

    def _hand_on_rest(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            self._on_line(_text(rest))

    def _waiting_bytes(self) -> int:
        count: int = struct.unpack("i", fcntl.ioctl(self._output, termios.FIONREAD, b"\0\0\0\0"))[0]
        return count


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _runs(process: psutil.Process) -> bool:
    """A process that has ended but was not yet waited for by whoever has to does not run."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _text(line: bytes) -> str:
    """awslambdaric joins the lines of an error with carriage returns, so that it is one log event."""
    return line.decode("utf-8", "replace").rstrip("\r").replace("\r", "\n")
