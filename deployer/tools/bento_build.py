"""`bentoml build` in a project's folder, with the project's own Python and whatever BentoML (1.0 or later) it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from deployer.errors import BadInput, DeployerError
from deployer.models import Tag
from deployer.tools.process import Completed, Runner

BUILD_SECONDS = 1800.0
SHOWN_LINES = 8
_TAG = r"([a-z0-9][-._a-z0-9]*):([a-z0-9][-._a-z0-9]*)"
_SAID = (re.compile(rf"^__tag__:{_TAG}\s*$", re.MULTILINE), re.compile(rf'Bento\(tag="{_TAG}"\)'))


def build_bento(project: Path, *, python: Path, runner: Runner, variables: Mapping[str, str], log: Path) -> Tag:
    """Build the Bento of `project` into the store that `variables` name; its tag.

    Raises DeployerError with the last lines of the service's own traceback when it fails at import.
    """
    if not project.is_dir():
        raise BadInput(f"{project} is not a folder.", hint="--build takes the folder that holds bentofile.yaml.")
    environment = {**variables, "BENTOML_DO_NOT_TRACK": "True", "COLUMNS": "1000", "NO_COLOR": "1"}

    def bentoml_build(*options: str) -> Completed:
        argv = [str(python), "-m", "bentoml", "build", *options]
        return runner.run(argv, env=environment, cwd=project, timeout=BUILD_SECONDS, log=log)

    ended = bentoml_build("--output", "tag")
    if ended.returncode != 0 and "No such option" in ended.stderr:
        ended = bentoml_build()
    return _tag(ended, project=project, python=python, log=log)


def _tag(ended: Completed, *, project: Path, python: Path, log: Path) -> Tag:
    if ended.returncode == 0:
        for said in _SAID:
            found = said.search(ended.stdout) or said.search(ended.stderr)
            if found:
                return Tag(*found.groups())
        raise DeployerError(f"`bentoml build` in {project} did not say which Bento it built.", log=log)
    if re.search(r"No module named '?bentoml'?\s*$", ended.stderr):
        raise DeployerError(
            f"{python} has no BentoML.",
            hint="Install bentoml there, or name the project's own interpreter with --python.",
            log=log,
        )
    words = [line for line in (ended.stderr or ended.stdout).splitlines() if line.strip()][-SHOWN_LINES:]
    raise DeployerError(
        "\n".join([f"`bentoml build` failed in {project}:", *(f"  {line}" for line in words)]),
        hint="Correct the service or its bentofile.yaml; the last lines of its own output are above.",
        log=log,
    )
