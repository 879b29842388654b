"""A deployer command that is cut off while it works."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from laptop import Laptop

SECONDS = 300.0


@dataclass(frozen=True)
class Run:
    """A deployer command that is still at work, in a process group of its own as a shell's foreground job is."""

    process: subprocess.Popen[bytes]
    errors: Path

    @property
    def said(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    def wait_for(self, happens: Callable[[Run], bool]) -> None:
        """Raises AssertionError when the command ends first, or nothing happens in time."""
        deadline = time.monotonic() + SECONDS
        while not happens(self):
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said}"
            assert time.monotonic() < deadline, f"nothing happened: {self.said}"
            time.sleep(0.01)

    def family(self) -> list[psutil.Process]:
        """Every process below it, but for the local AWS, which is to stay."""
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [child for child in below if "deployer.local" not in command_of(child)]

    def kill_all(self) -> None:
        """As a loss of power: it and every process below it end at once, but for the local AWS."""
        self.process.send_signal(signal.SIGSTOP)  # it starts nothing more
        while alive := [child for child in self.family() if child.status() != psutil.STATUS_ZOMBIE]:
            for child in alive:
                child.kill()
            psutil.wait_procs(alive, timeout=1)
        self.process.kill()
        self.process.wait(SECONDS)


def runs(*words: str) -> Callable[[Run], bool]:
    """Whether a process below the command has all of these words on its command line."""
    return lambda run: any(all(word in command_of(child) for word in words) for child in run.family())


def says(text: str) -> Callable[[Run], bool]:
    return lambda run: text in run.said


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def started(laptop: Laptop, *arguments: str) -> Iterator[Run]:
    """A command in the background; it is killed where the block leaves it running."""
    errors = laptop.folder / "stderr"
    argv = [sys.executable, "-m", "deployer", *arguments]
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            argv,
            cwd=laptop.folder,
            env=laptop.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Run(process, errors)
        finally:
            process.kill()
