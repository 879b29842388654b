"""The runtime in the image against its floor, a handler that works as upstream's does, and plain `bentoml serve`.

Rounds are interleaved: each side in turn starts cold and is then asked warm. As plain processes always; in containers
under AWS's emulator where an Engine runs. All sides run from the layers of one image.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import deployer
from benchmarks import digits, report, runtime_goals, runtime_imports, runtime_measure, runtime_pages
from benchmarks.image import BASE
from benchmarks.report import Report
from benchmarks.runtime_docker import docker_mode
from benchmarks.runtime_measure import AT_ONCE, Place
from benchmarks.runtime_process import ProcessMode
from benchmarks.runtime_sides import MEMORY, NULL, OURS, SERVE, SIDES, Image, make_image, unpacked_image
from deployer.errors import DeployerError

ROUNDS_AT_ONCE = 3  # of the rounds of a place, at most
HANDLED = tuple(side for side in SIDES if side not in (SERVE, NULL))
MOST = 12  # packages shown


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is removed then too
    facts = report.machine_facts(deployer=deployer.__version__)
    with tempfile.TemporaryDirectory(prefix="deployer-bench-", dir=options.scratch) as folder:
        Path(folder).chmod(0o755)  # a container's user looks into it
        made = _Run(Path(folder), options).report()
    path = made.write(facts, folder=options.results)
    print("", runtime_goals.figures(made.samples), _table_apart(made.apart), sep="\n\n")
    print("", report.goal_table(made.goals), "", "as a stretch:", sep="\n")
    print(report.goal_table(runtime_goals.stretch(made.samples)))
    print("", *(f"note: {note}" for note in made.notes), f"every sample: {path}", sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="of processes; default 7")
    parser.add_argument("--docker-rounds", type=int, default=3, help="of containers, 0: without them; default 3")
    parser.add_argument("--requests", type=int, default=200, help="warm ones of each round; default 200")
    parser.add_argument("--quick", action="store_true", help="one round of each, with 50 requests")
    parser.add_argument("--base", default=BASE, help=f"an image that the Engine has; default {BASE}")
    parser.add_argument("--scratch", type=Path, help="folder for what is made and removed again; default: the system's")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="folder for runtime.json")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.docker_rounds, options.requests = 1, min(options.docker_rounds, 1), 50
    return options


class _Run:
    """Everything that needs the scratch folder."""

    def __init__(self, scratch: Path, options: argparse.Namespace) -> None:
        self._scratch, self._options = scratch, options
        self._samples: list[dict[str, Any]] = []
        self._apart: dict[str, Any] = {}
        self._notes: list[str] = []
        self._started = time.monotonic()

    def report(self) -> Report:
        self._say("training the model, building the Bento and its image")
        context = digits.stage(self._scratch)
        image = unpacked_image(make_image(context, self._scratch), self._scratch)
        processes = ProcessMode(image, self._scratch)
        processes.keep_off()
        self._rounds(processes, self._options.rounds)
        self._apart["imports_ms"] = self._imports(image)
        self._apart["touched"] = self._touched(processes, image)
        self._containers(image, context)
        self._apart["ratios"] = runtime_goals.ratios(self._samples)
        self._apart["stretch"] = [goal.document() for goal in runtime_goals.stretch(self._samples)]
        return Report(
            "runtime",
            self._samples,
            runtime_goals.goals(self._samples),
            settings=self._settings(processes),
            medians=runtime_goals.medians(self._samples),
            apart=self._apart,
            notes=self._notes,
        )

    def _settings(self, processes: ProcessMode) -> dict[str, Any]:
        return {
            "rounds": self._options.rounds,
            "docker_rounds": self._options.docker_rounds,
            "requests": self._options.requests,
            "seconds": round(time.monotonic() - self._started),
            "process": f"each process on the last of {len(processes.cpus)} CPUs, the harness on the others; "
            f"{AT_ONCE} environments share all CPUs, and `bentoml serve` stays one server on one CPU",
            "docker": f"--cpus 1, --memory {MEMORY}m, read-only root; under AWS's Runtime Interface Emulator",
        }

    def _rounds(self, place: Place, rounds: int) -> None:
        for side in SIDES:  # untimed, so that the files are in the page cache for whoever comes first, too
            _start(place, side)
        for number in range(1, rounds + 1):
            for side in SIDES:
                sample = runtime_measure.alone(place, side, requests=self._options.requests)
                if number <= ROUNDS_AT_ONCE:
                    sample["rps_4"] = runtime_measure.at_once(place, side, requests=self._options.requests // 2)
                self._samples.append({"mode": place.name, "round": number, "side": side, **sample})
                self._say(
                    f"{place.name}, round {number}, {side}: {sample['cold_s']:.2f} s to the first prediction, "
                    f"warm {sample['p50_ms']:.1f} ms"
                )

    def _touched(self, processes: ProcessMode, image: Image) -> dict[str, Any]:
        """One more start of each side, the image's files out of the page cache before it."""
        found: dict[str, Any] = {"method": "pages in Linux's page cache after a start without any: see README.md"}
        os.sync()  # what is not written yet cannot be put out of the cache
        for side in SIDES:
            runtime_pages.forget(image.root)
            left = runtime_pages.touched(runtime_pages.files_of(image.root))["pages_mb"]
            cold = _start(processes, side)
            found[side] = {
                **runtime_pages.touched(runtime_pages.files_of(image.root)),
                "cold_s": round(cold, 3),
                "left_before_mb": left,
            }
            self._say(f"{side}: {found[side]['pages_mb']:.0f} MB of the image read at a start without page cache")
        return found

    def _imports(self, image: Image) -> dict[str, Any]:
        """One more start of each handler, under `-X importtime`."""
        folders = [image.root / path.lstrip("/") for path in image.variables["PYTHONPATH"].split(":")]
        packages = runtime_imports.packages_in(*folders, image.bento / "src")
        place = ProcessMode(image, self._scratch, options=runtime_imports.OPTIONS)
        found: dict[str, dict[str, float]] = {}
        for side in HANDLED:
            _start(place, side)
            log = (self._scratch / f"{side}-0.log").read_text("utf-8", "replace")
            found[side] = runtime_imports.by_package(log, packages)
        return {**found, "ours above the floor": runtime_imports.above(found[OURS], found["floor"])}

    def _containers(self, image: Image, context: Path) -> None:
        if not self._options.docker_rounds:
            self._apart["docker"] = "skipped: no rounds were asked for"
            return
        self._say("the same in containers: the image with a base")
        with docker_mode(os.environ, image, context=context, scratch=self._scratch, base=self._options.base) as (
            place,
            reason,
        ):
            self._apart["docker"] = f"skipped: {reason}" if place is None else place.version
            if place is None:
                self._notes.append(f"no containers: {reason}")
                return
            self._rounds(place, self._options.docker_rounds)

    def _say(self, line: str) -> None:
        print(f"[{time.monotonic() - self._started:4.0f} s] {line}", flush=True)


def _start(place: Place, side: str) -> float:
    """A cold start and nothing more: seconds to the first prediction."""
    with place.running(side, clients=1) as running:
        running.ask[0]()
        return time.perf_counter() - running.began


def _table_apart(apart: Mapping[str, Any]) -> str:
    """What a start reads of the image, and the packages that ours imports beyond the floor's."""
    figures = ("files", "pages_mb", "files_mb", "chunks", "chunks_mb", "cold_s")
    head = ("without page cache", "files", "pages MB", "files MB", "chunks", "chunks MB", "cold s")
    rows = [(side, *(f"{apart['touched'][side][figure]:g}" for figure in figures)) for side in SIDES]
    imports = apart["imports_ms"]
    totals = [("all", *(f"{sum(imports[side].values()):.0f}" for side in HANDLED), "")]
    more: Sequence[tuple[str, float]] = list(imports["ours above the floor"].items())[:MOST]
    listed = [
        (name, *(f"{imports[side].get(name, 0):.0f}" for side in HANDLED), f"{spent:+.0f}") for name, spent in more
    ]
    return (
        f"{report.table(head, rows)}\n\n"
        f"{report.table(('imports, ms', *HANDLED, 'ours above the floor'), [*totals, *listed])}"
    )


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, DeployerError) as error:  # a tool's own words, and what deployer says of its own failures
        sys.exit(f"benchmarks/runtime.py: {error}")
