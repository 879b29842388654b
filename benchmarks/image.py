"""An image without Docker against two Dockerfiles with buildx: time, bytes and memory, side by side in one run.

Each round, each side in turn: a first build into an empty registry that has the base image, then a build after the
model changed, after the code changed, and after nothing. Every side has the base and downloaded wheels at hand.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import deployer
from benchmarks import digits, image_memory, registry_process, report
from benchmarks.image_docker import Engine, WithDocker, find_engine
from benchmarks.image_goals import GOOD, STEPS, UPSTREAM, figures, goals, medians
from benchmarks.image_oci import DockerFree
from benchmarks.registry_process import Registry
from benchmarks.report import Report
from deployer.errors import DeployerError

BASE = "deployer-base:3.11"


class Side(Protocol):
    """One way to an image. `warm` and `begin` are not timed; a `first` build finds no layer of its own."""

    name: str
    context: Path

    def warm(self) -> None: ...
    def begin(self, number: int) -> None: ...
    def build(self, *, first: bool) -> None: ...
    def push(self) -> None: ...
    def changed(self, step: str) -> int | None: ...
    def reset_peak(self) -> None: ...
    def peak_mb(self) -> float | None: ...
    def reference(self) -> str: ...


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is removed then too
    facts = report.machine_facts(uv=version("uv"), deployer=deployer.__version__)
    if shutil.which(registry_process.PROGRAM) is None:
        raise RuntimeError(f"{registry_process.PROGRAM} is not on PATH: Debian has it as a package of that name")
    engine, reason = find_engine(os.environ)
    with (
        tempfile.TemporaryDirectory(prefix="deployer-bench-", dir=options.scratch) as folder,
        registry_process.running(Path(folder) / "registry") as registry,
    ):
        made = _Run(Path(folder), registry, engine, options).report()
    facts["docker"] = engine.version() if engine else None
    notes = [] if engine else [f"the Docker-free side alone, and without a base image: {reason}"]
    found, judged = medians(made.samples), goals(made.samples, made.apart)
    finished = dataclasses.replace(made, medians=found, goals=judged, notes=notes)
    path = finished.write(facts, folder=options.results)
    print("", figures(made.samples), report.goal_table(judged), sep="\n\n")
    print("", *(f"note: {note}" for note in notes), f"every sample: {path}", sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each side builds; default 3")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--base", default=BASE, help=f"an image that the Engine has; default {BASE}")
    parser.add_argument("--large-gb", type=float, default=3.0, help="size of the file of the memory part; 0: without")
    parser.add_argument("--scratch", type=Path, help="folder for what is made and removed again; default: the system's")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="folder for image.json")
    options = parser.parse_args()
    options.rounds = 1 if options.quick else options.rounds
    return options


class _Run:
    """Everything between the start of the registry and its end."""

    def __init__(self, scratch: Path, registry: Registry, engine: Engine | None, options: argparse.Namespace) -> None:
        self._scratch, self._registry, self._engine, self._options = scratch, registry, engine, options
        self._samples: list[dict[str, Any]] = []
        self._apart: dict[str, Any] = {}
        self._settings: dict[str, Any] = {"rounds": options.rounds}
        self._started = time.monotonic()

    def report(self) -> Report:
        staged = digits.stage(self._scratch)
        try:
            self._measure(staged)
        finally:
            if self._engine is not None:
                self._say("removing the images and the build cache of this benchmark")
                self._engine.remove(self._registry.address)
                self._engine.prune_own_cache()
        self._settings["seconds"] = round(time.monotonic() - self._started)
        return Report("image", self._samples, (), settings=self._settings, apart=self._apart)

    def _measure(self, staged: Path) -> None:
        base = self._put_base()
        self._settings["base"] = self._options.base if base else "none"
        ours = DockerFree(self._scratch, self._registry, staged, base=base or "none")
        sides: list[Side] = [ours]
        if self._engine is not None:
            for name in (UPSTREAM, GOOD):
                sides.append(WithDocker(name, self._scratch, self._registry, staged, engine=self._engine, base=base))
        self._warm(sides)
        for number in range(1, self._options.rounds + 1):
            for side in sides:
                self._round(number, side, last=number == self._options.rounds)
        self._apart.update(ours.apart())
        if self._options.large_gb:
            size = int(self._options.large_gb * 1e9)
            self._say(f"memory: a model file of {self._options.large_gb:g} GB")
            self._apart["large_model"] = image_memory.measure(ours, self._registry, size=size)

    def _put_base(self) -> str:
        """The base image in the registry that every fresh one begins with; its reference, or nothing without Engine."""
        if self._engine is None:
            return ""
        self._say("pushing the base image to the registry")
        reference = f"{self._registry.address}/base:1"
        self._engine.run("tag", self._options.base, reference)
        self._engine.run("push", "--quiet", reference)
        self._registry.keep()
        return reference

    def _warm(self, sides: Sequence[Side]) -> None:
        """Downloads only: what these builds make is not used again."""
        for side in sides:
            self._say(f"{side.name}: downloading wheels, untimed")
            side.warm()

    def _round(self, number: int, side: Side, *, last: bool) -> None:
        self._registry.fresh()
        side.begin(number)
        for step in STEPS:
            if step == "model":
                digits.change_model(side.context)
            if step == "code":
                digits.change_code(side.context, number)
            sample = self._sample(side, step)
            self._samples.append({"round": number, "side": side.name, "step": step, **sample})
            self._say(
                f"round {number}, {side.name}, {step}: {sample['total_s']:.2f} s, {sample['pushed']} bytes pushed"
            )
        if last and self._engine is not None:
            self._samples[-1]["image_size"] = self._size(side)

    def _sample(self, side: Side, step: str) -> dict[str, Any]:
        received, stored = self._registry.received(), self._registry.stored()
        side.reset_peak()
        started = time.perf_counter()
        side.build(first=step == "first")
        built = time.perf_counter()
        side.push()
        pushed = time.perf_counter()
        return {
            "build_s": round(built - started, 4),
            "push_s": round(pushed - built, 4),
            "total_s": round(pushed - started, 4),
            "pushed": self._registry.received() - received,  # bodies of requests: sent in vain counts too
            "stored": self._registry.stored() - stored,
            "changed": side.changed(step),
            "peak_mb": side.peak_mb(),
        }

    def _size(self, side: Side) -> int:
        """The same measure for all: what Docker says of the image, once it was pulled."""
        assert self._engine is not None  # noqa: S101
        if isinstance(side, DockerFree):
            self._engine.run("pull", "--quiet", side.reference())
        return self._engine.size(side.reference())

    def _say(self, line: str) -> None:
        print(f"[{time.monotonic() - self._started:4.0f} s] {line}", flush=True)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, DeployerError) as error:  # a tool's own words, and what deployer says of its own failures
        sys.exit(f"benchmarks/image.py: {error}")
