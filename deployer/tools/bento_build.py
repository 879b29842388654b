"""`bentoml build` in a project's folder, with the project's own Python and whatever BentoML (1.0 or later) it has."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import BadInput, DeployerError
from deployer.models import Tag
from deployer.tools.build_failures import Cause, known_cause, without_boxes
from deployer.tools.process import Completed, Runner

BUILD_SECONDS = 1800.0
IMPORT_SECONDS = 120.0
SHOWN_LINES = 8
_TAG = r"([a-z0-9][-._a-z0-9]*):([a-z0-9][-._a-z0-9]*)"
_SAID = (re.compile(rf"^__tag__:{_TAG}\s*$", re.MULTILINE), re.compile(rf'Bento\(tag="{_TAG}"\)'))
_NOT_THEIRS = re.compile(r'  File "(<frozen importlib|<string>|.*/importlib/__init__\.py)')
_WARNING = re.compile(r"\S+:\d+: BentoMLDeprecationWarning: ")  # BentoML shows them whatever PYTHONWARNINGS says
_UNKNOWN = Cause("", "Correct the service or its bentofile.yaml; the lines above are its own.")


def build_bento(project: Path, *, python: Path, runner: Runner, variables: Mapping[str, str], log: Path) -> Tag:
    """Build the Bento of `project` into the store that `variables` name; its tag.

    Raises DeployerError with the last lines of the service's own traceback when it fails at import.
    """
    if not project.is_dir():
        raise BadInput(f"{project} is not a folder.", hint="--build takes the folder that holds bentofile.yaml.")
    settings = {"BENTOML_DO_NOT_TRACK": "True", "COLUMNS": "1000", "NO_COLOR": "1"}
    environment = {"PYTHONWARNINGS": "ignore", **variables, **settings, "PATH": _path_with_uv(variables)}
    build = _Build(project, python, runner, environment, log)
    ended = build.run("-m", "bentoml", "build", "--output", "tag")
    if ended.returncode != 0 and "No such option" in ended.stderr:
        ended = build.run("-m", "bentoml", "build")
    if ended.returncode != 0:
        raise _failure(build, ended)
    for said in _SAID:
        found = said.search(ended.stdout) or said.search(ended.stderr)
        if found:
            return Tag(*found.groups())
    raise DeployerError(f"`bentoml build` in {project} did not say which Bento it built.", log=log)


def _path_with_uv(variables: Mapping[str, str]) -> str:
    """Deployer's own uv after everything else: BentoML 1.4 installs one with pip, which uv's environments lack."""
    from uv import find_uv_bin

    return os.pathsep.join([variables.get("PATH", os.defpath), str(Path(find_uv_bin()).parent)])


@dataclass(frozen=True)
class _Build:
    """Where and with what a project is built."""

    project: Path
    python: Path
    runner: Runner
    variables: Mapping[str, str]
    log: Path

    def run(self, *arguments: str, timeout: float = BUILD_SECONDS) -> Completed:
        argv = [str(self.python), *arguments]
        return self.runner.run(argv, env=self.variables, cwd=self.project, timeout=timeout, log=self.log)


def _failure(build: _Build, ended: Completed) -> DeployerError:
    if re.search(r"No module named '?bentoml'?\s*$", ended.stderr):
        return DeployerError(
            f"{build.python} has no BentoML.",
            hint="Install bentoml there, or name the project's own interpreter with --python.",
            log=build.log,
        )
    text = without_boxes(_import_traceback(build, ended) or ended.stderr or ended.stdout)
    cause = known_cause(text) or _UNKNOWN
    first = f"`bentoml build` failed in {build.project}: {cause.words}".rstrip()
    return DeployerError(
        "\n".join([first, *(f"  {line}" for line in _last_words(text))]), hint=cause.hint, log=build.log
    )


def _import_traceback(build: _Build, ended: Completed) -> str:
    """For an ImportError BentoML swallows the traceback that says where it arose: import the module once more."""
    module = re.search(r'Failed to import module "([\w.]+)"', ended.stderr)
    if module is None:
        return ""
    code = f"import importlib; importlib.import_module({module[1]!r})"
    again = build.run("-c", code, timeout=IMPORT_SECONDS)
    return again.stderr if again.returncode != 0 and "Traceback" in again.stderr else ""


def _last_words(text: str) -> list[str]:
    """The last lines, without the import system's frames, BentoML's warnings and the underlining of newer Pythons."""
    kept: list[str] = []
    skipping = False
    for line in text.splitlines():
        if line.startswith('  File "') or not line.startswith("  "):
            skipping = (_NOT_THEIRS.match(line) or _WARNING.match(line)) is not None
        if not skipping and line.strip(" ^~"):
            kept.append(line)
    return kept[-SHOWN_LINES:]
