"""The sides as plain processes of this machine: `awslambdaric` under a Runtime API of the benchmark's own.

Each process has one CPU, the last one; this process keeps off it. Several environments share all CPUs, one each.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.runtime_api import RuntimeApi
from benchmarks.runtime_http import Client
from benchmarks.runtime_measure import Opening, Running
from benchmarks.runtime_memory import family, memory_of
from benchmarks.runtime_sides import (
    SAMPLES,
    SERVE,
    Image,
    check,
    check_event_answer,
    event,
    launch,
)

HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Started:
    """A process with a /tmp of its own; `began` is right before its start."""

    child: subprocess.Popen[bytes]
    began: float
    log: Path

    def alive(self) -> bool:
        return self.child.poll() is None


class ProcessMode:
    """`options` are further options of Python."""

    name = "process"

    def __init__(self, image: Image, scratch: Path, *, options: tuple[str, ...] = ()) -> None:
        self._image, self._scratch, self._options = image, scratch, options
        self.cpus = sorted(os.sched_getaffinity(0))

    def keep_off(self) -> None:
        """This process leaves the last CPU to what is measured, where there is another one."""
        if len(self.cpus) > 1:
            os.sched_setaffinity(0, self.cpus[:-1])

    @contextmanager
    def running(self, side: str, *, clients: int) -> Iterator[Running]:
        with ExitStack() as ends:
            if side == SERVE:
                yield ends.enter_context(self._server(clients))
                return
            cpus = [self.cpus[-1 - number % len(self.cpus)] for number in range(clients)]
            found = [ends.enter_context(self.function(side, number, cpu)) for number, cpu in enumerate(cpus)]
            yield Running([one.ask[0] for one in found], found[0].began, found[0].opening, found[0].memory)

    @contextmanager
    def function(self, side: str, number: int = 0, cpu: int | None = None) -> Iterator[Running]:
        """One execution environment, with one client."""
        api, given = RuntimeApi(), event()
        first: list[float] = []
        with self._started(side, api.address, number, self.cpus[-1] if cpu is None else cpu) as started:

            def ask() -> float:
                answer = api.invoke(given, alive=started.alive)
                check_event_answer(side, answer.body)
                if not first:
                    first.append(answer.seconds)
                return answer.seconds

            def opening() -> Opening | None:
                asked = api.first_asked
                return Opening(asked - started.began, first[0]) if asked is not None and first else None

            try:
                yield Running([ask], started.began, opening, lambda: memory_of(family(started.child.pid)))
            finally:
                api.close()

    @contextmanager
    def _server(self, clients: int) -> Iterator[Running]:
        port = _free_port()
        with self._started(SERVE, f"127.0.0.1:{port}", 0, self.cpus[-1]) as started, ExitStack() as ends:
            made = [
                Client("127.0.0.1", port, path="/predict", body=SAMPLES, headers=HEADERS, alive=started.alive)
                for _ in range(clients)
            ]
            for client in made:
                ends.callback(client.close)
            asks = [asking(client) for client in made]
            yield Running(asks, started.began, lambda: None, lambda: memory_of(family(started.child.pid)))

    @contextmanager
    def _started(self, side: str, address: str, number: int, cpu: int) -> Iterator[Started]:
        tmp = self._scratch / f"tmp-{number}"
        shutil.rmtree(tmp, ignore_errors=True)
        tmp.mkdir()
        made = launch(self._image, side, tmp=tmp, address=address, options=self._options)
        log = self._scratch / f"{side}-{number}.log"
        with log.open("wb") as output:
            began = time.perf_counter()
            child = subprocess.Popen(
                made.argv,
                env=dict(made.variables),
                cwd=made.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with suppress(ProcessLookupError):
            os.sched_setaffinity(child.pid, {cpu})
        try:
            yield Started(child, began, log)
        except RuntimeError as error:
            raise RuntimeError(f"{side}: {error}\n{log.read_text('utf-8', 'replace')[-3000:]}") from error
        finally:
            _end(child)


def asking(client: Client) -> Callable[[], float]:
    def ask() -> float:
        status, body, seconds = client.post()
        check(SERVE, status, body.decode("utf-8", "replace"))
        return seconds

    return ask


def _end(child: subprocess.Popen[bytes]) -> None:
    """The whole session, and wait until it is gone: the next one is to have the CPU to itself."""
    members = family(child.pid)
    for pid in members or [child.pid]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    child.wait()
    _wait_for(members)


def _wait_for(members: Sequence[int]) -> None:
    end = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in members) and time.monotonic() < end:
        time.sleep(0.005)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port
