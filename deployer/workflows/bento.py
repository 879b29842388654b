"""Find the Bento that is meant, or build it: `latest` becomes a version here, once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from deployer.config.search import find_config
from deployer.errors import BadInput
from deployer.models import Bento
from deployer.toolbox import Toolbox
from deployer.tools.bento_build import build_bento
from deployer.workflows.deployment import Selection, existing_deployment
from deployer.workspace import project_log

EXCLUSIVE = "--bento and --build exclude each other."
HINT = "Pass --bento NAME:VERSION (or NAME:latest), or --build DIR to build one from a project."


def obtain_bento(
    tag: str | None, project: Path | None, *, python: Path | None, selection: Selection, tools: Toolbox
) -> tuple[Bento, Selection]:
    """The Bento of `tag` in the store, or the one that `bentoml build` makes of the folder `project`.

    Without either it is the one that the selection means; the selection then says which deployment that is.
    """
    if project is None:
        tag, selection = (tag, selection) if tag else _meant(selection, tools)
        return tools.store.get(tag), selection
    if tag is not None:
        raise BadInput(EXCLUSIVE, hint=HINT)
    with tools.progress.step(f"Building the Bento of {project}") as step:
        built = build_bento(
            project,
            python=(python or active_python(tools)).absolute(),  # not resolved: a link is what makes a venv
            runner=tools.runner,
            variables=tools.variables,
            log=project_log(tools.folder, "build"),
        )
        step.done(f"Bento {built} is built")
    return tools.store.get(str(built)), selection


def active_python(tools: Toolbox) -> Path:
    """The active environment's Python: of `VIRTUAL_ENV` or `CONDA_PREFIX`, else the first `python` on PATH."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        python = Path(tools.variables.get(name, "")) / "bin" / "python"
        if tools.variables.get(name) and python.exists():
            return python
    for command in ("python", "python3"):
        found = shutil.which(command, path=tools.variables.get("PATH"))
        if found is not None:
            return Path(found)
    raise BadInput("No Python was found to build the Bento with.", hint="Pass --python PATH.")


def _meant(selection: Selection, tools: Toolbox) -> tuple[str, Selection]:
    """Where no Bento is named: the one of the config that is meant, else the one that is deployed here.

    In the second case the selection names that deployment, so that it is renewed where it is. Raises BadInput.
    """
    config = find_config(tools.folder, name=selection.name, file=selection.config, environment=selection.overlay)
    if config is not None and config.bento:
        return config.bento, selection
    there = existing_deployment(selection, tools, command="up")
    if there is None or not there.config.bento:
        raise BadInput("No Bento is named.", hint=HINT)
    config, place = there.config, there.workspace
    return config.bento, replace(
        selection, name=config.name, config=config.path, target=place.target, environment=place.environment
    )
