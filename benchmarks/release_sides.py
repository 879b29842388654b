"""The two sides of benchmarks/release.py: deployer's commands, and bentoctl and terraform without them.

Both sides are processes of their own, measured from their start to their end, in a project folder and an environment
in which nothing of the user's is but uv's cache of downloads.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.digits import EXAMPLE
from deployer.files import replace_file
from deployer.toolbox import Deployment, Toolbox, real_toolbox
from deployer.tools import bentoctl_environment
from deployer.tools.bentoctl import Bentoctl
from deployer.tools.process import Completed, OnLine, Processes, Runner
from deployer.tools.terraform_binary import child_variables, find_terraform
from deployer.ui import Step
from deployer.workflows.bento import obtain_bento
from deployer.workflows.deployment import Selection, deployment_of
from deployer.workflows.preparation import prepare

USERS_OWN = ("AWS_", "BENTOCTL_", "BENTOML_", "BENTO_", "DEPLOYER_", "TF_VAR_", "XDG_")
SECONDS = 900  # for one command, or it hangs
STEP = re.compile(r"\(\d+\.\d s\)$")
APPLIED = re.compile(r"Apply complete! Resources: (\d+) added, (\d+) changed, (\d+) destroyed")


@dataclass(frozen=True)
class Timed:
    """What a command took, what it wrote on standard output, and what it told of its progress."""

    seconds: float
    said: str
    told: str = ""

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.said)
        return found

    @property
    def steps(self) -> Sequence[str]:
        """deployer's lines of progress, each with its seconds."""
        return [line for line in self.told.splitlines() if STEP.search(line)]


def timed(argv: Sequence[str], *, cwd: Path, variables: Mapping[str, str], codes: Sequence[int] = (0,)) -> Timed:
    """Run a program to its end. Raises RuntimeError with its last words when it ends with another code."""
    began = time.perf_counter()
    ended = subprocess.run(
        argv,
        cwd=cwd,
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    seconds = time.perf_counter() - began
    if ended.returncode not in codes:
        raise RuntimeError(
            f"{' '.join(argv)} ended with {ended.returncode}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}"
        )
    return Timed(round(seconds, 4), ended.stdout, ended.stderr)


@contextmanager
def own_environment(scratch: Path) -> Iterator[Mapping[str, str]]:
    """This process and its children have a store, state and cache of their own in `scratch`; the environment."""
    before = dict(os.environ)
    cache = Path(before.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    for name in [name for name in before if name.startswith(USERS_OWN)]:
        del os.environ[name]
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        os.environ[f"XDG_{name}_HOME"] = str(scratch / name.lower())
    os.environ["UV_CACHE_DIR"] = before.get("UV_CACHE_DIR") or str(cache / "uv")
    os.environ |= {
        "BENTOML_HOME": str(scratch / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONWARNINGS": "ignore",
    }
    try:
        yield dict(os.environ)
    finally:
        os.environ.clear()
        os.environ |= before


class Project:
    """A copy of the digits example; each Bento after the first differs from the one before in a comment."""

    def __init__(self, folder: Path, variables: Mapping[str, str]) -> None:
        self.folder, self.variables = folder, variables
        self._built = 0
        timed(["cp", "-R", str(EXAMPLE), str(folder)], cwd=folder.parent, variables=variables)
        timed([sys.executable, "train.py"], cwd=folder, variables=variables)

    def bento(self) -> str:
        """The tag of a Bento that nobody has deployed yet."""
        self._built += 1
        if self._built > 1:
            service = self.folder / "service.py"
            replace_file(service, f"{service.read_text('utf-8')}\n# change {self._built}\n")
        argv = [sys.executable, "-m", "bentoml", "build", "--output", "tag"]
        said = timed(argv, cwd=self.folder, variables=self.variables).said
        return said.strip().rpartition("\n")[2].removeprefix("__tag__:")


class Deployer:
    """The command line, in the project's folder; the interpreter's start is part of every command."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def up(self, bento: str, *, name: str, changed: bool) -> Timed:
        """Raises RuntimeError when it is not healthy, and when it changed something and was not to, or the reverse."""
        done = self.run("up", "--bento", bento, "--name", name, "--target", "local", "--yes", "--output", "json")
        if done.document["changed"] is not changed:
            raise RuntimeError(f"deployer up of {bento} says changed: {done.document['changed']}")
        return done

    def rollback(self, *, name: str) -> Timed:
        done = self.run("rollback", "--name", name, "--yes", "--output", "json")
        if done.document["changed"] is not True:
            raise RuntimeError("deployer rollback moved nothing")
        return done

    def run(self, *arguments: str) -> Timed:
        argv = [sys.executable, "-m", "deployer", *arguments]
        return timed(argv, cwd=self._project.folder, variables=self._project.variables)


class Stopwatch:
    """A Runner that knows how long the last command of another one took."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self.seconds = 0.0

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
        began = time.perf_counter()
        try:
            return self._runner.run(argv, env=env, cwd=cwd, timeout=timeout, stdin=stdin, log=log, on_line=on_line)
        finally:
            self.seconds = round(time.perf_counter() - began, 4)


class Quiet:
    """Progress that nobody is told."""

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        yield Step(title, None)

    def note(self, text: str) -> None:
        """Nothing is said."""


class Bare:
    """bentoctl and terraform by hand, in the folders of a deployment that deployer has made."""

    def __init__(self, project: Project) -> None:
        self._tools: Toolbox = replace(real_toolbox(), folder=project.folder, progress=Quiet())
        self._terraform = str(find_terraform(project.variables))

    def plan(self, bento: str, *, name: str) -> Timed:
        """Raises RuntimeError when there is anything to change."""
        return self._run(self._deployment(bento, name), "plan", "-detailed-exitcode")

    def apply(self, bento: str, *, name: str, **values: str) -> Timed:
        """With these variables in the place of the folder's. Raises RuntimeError when nothing was applied."""
        given = [f"-var={variable}={value}" for variable, value in values.items()]
        done = self._run(self._deployment(bento, name), "apply", "-auto-approve", *given)
        found = APPLIED.search(done.said)
        if found is None or not any(map(int, found.groups())):
            raise RuntimeError(f"terraform apply changed nothing: {done.said[-2000:]}")
        return done

    def build(self, bento: str, *, name: str) -> float:
        """Seconds of `bentoctl build`, from the start of its process; `init` and the staged Bento come before."""
        deployment = self._deployment(bento, name)
        found, _ = obtain_bento(bento, None, python=None, selection=_selection(name), tools=self._tools)
        ready = prepare(found, deployment, self._tools)
        runner = Stopwatch(Processes())
        python = bentoctl_environment.ensure(
            runner=Processes(), variables=self._tools.variables, log=deployment.log, on_step=lambda said: None
        )
        variables = ready.environment.process_variables(self._tools.variables)
        bentoctl = Bentoctl(python=python, runner=runner, variables=variables)
        bentoctl.init(ready.job)
        image = bentoctl.build(ready.job)
        if image.reused:
            raise RuntimeError(f"the registry had the image of {bento}")
        return runner.seconds

    def _deployment(self, bento: str, name: str) -> Deployment:
        found, selection = obtain_bento(bento, None, python=None, selection=_selection(name), tools=self._tools)
        return deployment_of(found, selection, self._tools)

    def _run(self, deployment: Deployment, *arguments: str) -> Timed:
        environment = deployment.target.reach(region=deployment.config.spec.region)
        variables = child_variables(environment.process_variables(self._tools.variables))
        command, *options = arguments
        argv = [self._terraform, command, "-input=false", "-no-color", *options]
        return timed(argv, cwd=deployment.workspace.terraform, variables=variables)


def _selection(name: str) -> Selection:
    return Selection(name=name, target="local")
