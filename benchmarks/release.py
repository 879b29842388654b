"""Releases by deployer against bentoctl and terraform by hand: nothing changed, a rollback, and changed code.

Each round, on the local AWS: `up` of what is live and `terraform plan`; `rollback` and `terraform apply` of the older
image; `up` of changed code, and `bentoctl build` and `terraform apply` of other changed code with the same builder.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import deployer
from benchmarks import report
from benchmarks.release_goals import BARE, CHANGE, NOTHING, OURS, ROLLBACK, STEPS, figures, goals, medians
from benchmarks.release_sides import Bare, Deployer, Project, Timed, own_environment
from benchmarks.report import Report
from deployer.errors import DeployerError

NAME, BY_HAND = "digits", "digits-by-hand"  # deployments: the one that deployer changes, and the other's


def main() -> None:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is removed then too
    facts = report.machine_facts(deployer=deployer.__version__)
    with (
        tempfile.TemporaryDirectory(prefix="deployer-bench-", dir=options.scratch) as folder,
        own_environment(Path(folder)) as variables,
    ):
        made = _Run(Project(Path(folder) / "project", variables), options.rounds).report()
    path = made.write(facts, folder=options.results)
    print("", figures(made.samples), report.goal_table(made.goals), sep="\n\n")
    print("", f"every sample: {path}", sep="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each command runs; default 5")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--scratch", type=Path, help="folder for what is made and removed again; default: the system's")
    parser.add_argument("--results", type=Path, default=report.RESULTS, help="folder for release.json")
    options = parser.parse_args()
    options.rounds = 1 if options.quick else options.rounds
    return options


class _Run:
    """Everything on one local AWS, which is stopped at the end."""

    def __init__(self, project: Project, rounds: int) -> None:
        self._project, self._rounds = project, rounds
        self._deployer, self._bare = Deployer(project), Bare(project)
        self._samples: list[dict[str, Any]] = []
        self._apart: dict[str, Any] = {"bentoctl_build_s": [], "steps": {step: [] for step in STEPS}}
        self._started = time.monotonic()

    def report(self) -> Report:
        try:
            self._prepare()
            for number in range(1, self._rounds + 1):
                self._nothing(number)
                self._roll_back(number)
                self._change(number)
        finally:
            self._deployer.run("local", "stop")
        return Report(
            "release",
            self._samples,
            goals(self._samples),
            settings={"rounds": self._rounds, "seconds": round(time.monotonic() - self._started)},
            medians=medians(self._samples),
            apart=self._apart,
        )

    def _prepare(self) -> None:
        """Two versions of each deployment: every cache is as warm as it will be."""
        self._say("building Bentos, untimed")
        first, self._live, other = (self._project.bento() for _ in range(3))
        self._say(f"two versions of {NAME}, untimed")
        self._older = self._deployer.up(first, name=NAME, changed=True).document["image_digest"]
        self._newer = self._deployer.up(self._live, name=NAME, changed=True).document["image_digest"]
        self._say(f"two versions of {BY_HAND}, untimed")
        self._deployer.up(first, name=BY_HAND, changed=True)
        self._by_hand(other)

    def _nothing(self, number: int) -> None:
        sides = {
            OURS: lambda: self._ours(NOTHING, self._deployer.up(self._live, name=NAME, changed=False)),
            BARE: lambda: self._bare.plan(self._live, name=NAME).seconds,
        }
        for side in _in_turn(number):
            self._sample(number, NOTHING, side, sides[side]())

    def _roll_back(self, number: int) -> None:
        """Each side goes to the older image, and what it has left is as it was before the next begins."""
        for side in _in_turn(number):
            if side == OURS:
                self._sample(number, ROLLBACK, OURS, self._ours(ROLLBACK, self._deployer.rollback(name=NAME)))
                self._deployer.up(self._live, name=NAME, changed=True)
            else:
                done = self._bare.apply(self._live, name=NAME, image_digest=self._older)
                self._sample(number, ROLLBACK, BARE, done.seconds)
                self._bare.apply(self._live, name=NAME)

    def _change(self, number: int) -> None:
        """Other code on each side: what one has pushed does not help the other."""
        ours, theirs = self._project.bento(), self._project.bento()
        for side in _in_turn(number):
            if side == OURS:
                done = self._deployer.up(ours, name=NAME, changed=True)
                self._sample(number, CHANGE, OURS, self._ours(CHANGE, done))
                self._live, self._older, self._newer = ours, self._newer, done.document["image_digest"]
            else:
                build, apply = self._by_hand(theirs)
                self._apart["bentoctl_build_s"].append(build)
                self._sample(number, CHANGE, BARE, round(build + apply, 4))

    def _by_hand(self, bento: str) -> tuple[float, float]:
        """Seconds of `bentoctl build` and of `terraform apply`. `released`: the aliases stay, as they do with `up`."""
        build = self._bare.build(bento, name=BY_HAND)
        return build, self._bare.apply(bento, name=BY_HAND, released="true").seconds

    def _ours(self, step: str, done: Timed) -> float:
        """Its seconds; where they went is kept beside the samples."""
        self._apart["steps"][step].append(done.steps)
        return done.seconds

    def _sample(self, number: int, step: str, side: str, seconds: float) -> None:
        self._samples.append({"round": number, "step": step, "side": side, "seconds": seconds})
        self._say(f"round {number}, {step}, {side}: {seconds:.2f} s")

    def _say(self, line: str) -> None:
        print(f"[{time.monotonic() - self._started:4.0f} s] {line}", flush=True)


def _in_turn(number: int) -> tuple[str, str]:
    """Who begins: deployer in the first round, the other in the second."""
    return (OURS, BARE) if number % 2 else (BARE, OURS)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, DeployerError) as error:  # a tool's own words, and what deployer says of its own failures
        sys.exit(f"benchmarks/release.py: {error}")
