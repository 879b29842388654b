"""How a side is measured, wherever it runs: a cold start, warm requests one by one, then several clients at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.runtime_memory import Memory

AT_ONCE = 4
WARMING = 10  # requests after the first that are not counted


@dataclass(frozen=True)
class Opening:
    """Seconds until the first event was asked for, and from that event to its answer."""

    init: float
    first: float


@dataclass(frozen=True)
class Running:
    """One side, started: `ask` are its clients; each returns the seconds from its request to the right answer.

    `began` is right before its first process was started. `opening` is None where nothing asks for events, and until
    the first was answered. `memory` is of all its processes now.
    """

    ask: Sequence[Callable[[], float]]
    began: float
    opening: Callable[[], Opening | None]
    memory: Callable[[], Memory | None]


class Place(Protocol):
    """Where the sides run. With several clients a handler has an environment for each, and `bentoml serve` is one."""

    name: str

    def running(self, side: str, *, clients: int) -> AbstractContextManager[Running]: ...


def alone(place: Place, side: str, *, requests: int) -> dict[str, Any]:
    """The cold start to the first prediction, and the same environment warm. Seconds, milliseconds, MB, per second."""
    with place.running(side, clients=1) as running:
        ask = running.ask[0]
        ask()
        cold = time.perf_counter() - running.began
        for _ in range(WARMING):
            ask()
        began = time.perf_counter()
        seconds = [ask() for _ in range(requests)]
        elapsed = time.perf_counter() - began
        memory, opening = running.memory(), running.opening()
    return {
        "cold_s": round(cold, 4),
        "init_s": round(opening.init, 4) if opening else None,
        "first_ms": round(1e3 * opening.first, 3) if opening else None,
        **{f"p{share}_ms": round(1e3 * percentile(seconds, share), 3) for share in (50, 95, 99)},
        "rps_1": round(requests / elapsed, 2),
        "peak_mb": memory.peak_mb if memory else None,
        "pss_mb": memory.pss_mb if memory else None,
    }


def at_once(place: Place, side: str, *, requests: int) -> float:
    """Requests per second of AT_ONCE clients together, each with `requests`, everything started and warm before."""
    with place.running(side, clients=AT_ONCE) as running:
        _together([_several(ask, WARMING) for ask in running.ask])
        elapsed = _together([_several(ask, requests) for ask in running.ask])
    return round(AT_ONCE * requests / elapsed, 2)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of all do not exceed."""
    return sorted(values)[max(math.ceil(len(values) * share / 100), 1) - 1]


def _several(ask: Callable[[], float], requests: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(requests):
            ask()

    return run


def _together(jobs: Sequence[Callable[[], None]]) -> float:
    """Seconds until the last is done. The first error of a job is raised."""
    errors: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    if errors:
        raise errors[0]
    return elapsed
