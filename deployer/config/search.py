"""Which config is meant: the file that is named, the one whose `bento:` names the Bento, or defaults.

Configs are looked for in `./deployment_configs` only. `reference.yaml` there documents the keys and never matches.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deployer.config import DeploymentConfig, default_config, load_config
from deployer.errors import BadInput

FOLDER = "deployment_configs"
REFERENCE = "reference.yaml"


def find_config(
    folder: Path,
    *,
    bento: str | None = None,
    name: str | None = None,
    file: Path | None = None,
    environment: str = "",
) -> DeploymentConfig | None:
    """The config for a deployment, with `environment` laid over it; None when nothing that is given leads to one.

    `file` names it. Else the config called `name` (in that environment), else the one for `bento` (`NAME` or
    `NAME:VERSION`), else defaults for that Bento. `name` then names the deployment. `notes` of the result say what was
    assumed. Raises BadInput when two configs match, when the matching one is broken or lacks the environment, and when
    a config is for another Bento than the one given.
    """
    if file is not None:
        return _for_bento(load_config(file, name=name, environment=environment), bento)
    candidates = _candidates(folder, environment)
    named = [candidate for candidate in candidates if name is not None and candidate.name == name]
    if named:
        return _for_bento(load_config(_only(named, f"are named {name}").path, environment=environment), bento)
    if bento is None:
        return None
    matching = _matching(candidates, bento)
    if matching:
        path = _only(matching, f"are for the Bento {bento}").path
        return load_config(path, name=name, environment=environment)
    if environment:
        problem = f"No config in {FOLDER} names the Bento {bento}, and --env says {environment}."
        raise BadInput(problem, hint="Name the config that describes the environment with -f FILE.")
    return _defaults(bento, name, unreadable=[item.path for item in candidates if not item.readable])


def only_config(folder: Path, environment: str = "") -> DeploymentConfig | None:
    """The one config of the folder's configs; None where there is none. Raises BadInput where there are several."""
    candidates = _candidates(folder)
    return load_config(_only(candidates, "are here").path, environment=environment) if candidates else None


def deployment_name(bento: str) -> str:
    """A Bento's name as AWS takes it for functions and repositories: dots become `-`, runs of joints become one."""
    return re.sub(r"[-_.]*[-.][-_.]*", "-", bento)


@dataclass(frozen=True)
class _Candidate:
    """A file of the folder and what it says it is for in an environment, before it is checked."""

    path: Path
    readable: bool
    name: str
    bento: str


def _candidates(folder: Path, environment: str = "") -> list[_Candidate]:
    files = [path for pattern in ("*.yaml", "*.yml") for path in (folder / FOLDER).glob(pattern)]
    return [_peek(path, environment) for path in sorted(files) if path.name != REFERENCE]


def _peek(path: Path, environment: str) -> _Candidate:
    from deployer.config.document import read_document
    from deployer.config.overlay import overlaid

    try:
        document = read_document(path)
    except BadInput:
        return _Candidate(path, False, _scan(path, "name"), _scan(path, "bento").lower())
    try:
        values = overlaid(document, environment).values
    except BadInput:  # it has no such environment: said where this file is the one that is meant
        values = {**document.values, "name": ""}
    name, bento = (str(values.get(key) or "") for key in ("name", "bento"))
    return _Candidate(path, True, name, bento.lower())


def _scan(path: Path, key: str) -> str:
    """What a line of a file that is no YAML says: a broken config must not be passed over for defaults."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(rf"""^{key}:[ \t]*["']?([^\s"'#]+)""", text, re.MULTILINE)
    return found[1] if found else ""


def _matching(candidates: Sequence[_Candidate], bento: str) -> list[_Candidate]:
    """Configs for exactly this tag if there are any, else those for every version of this Bento."""
    tag = bento.lower()
    bento_name = tag.partition(":")[0]
    exact = [candidate for candidate in candidates if candidate.bento == tag]
    return exact or [item for item in candidates if item.bento in (bento_name, f"{bento_name}:latest")]


def _only(candidates: Sequence[_Candidate], what: str) -> _Candidate:
    if len(candidates) > 1:
        files = ", ".join(f"{FOLDER}/{candidate.path.name}" for candidate in candidates)
        raise BadInput(f"Several configs {what}: {files}.", hint="Choose one with -f FILE.")
    return candidates[0]


def _for_bento(config: DeploymentConfig, bento: str | None) -> DeploymentConfig:
    wanted = config.bento.partition(":")[0]
    if bento is None or not wanted or bento.lower().partition(":")[0] == wanted:
        return config
    problem = f"{config.path} is for the Bento {wanted}, and {bento} is to be deployed."
    raise BadInput(problem, hint="Change its key `bento`, or choose another config with -f FILE.")


def _defaults(bento: str, name: str | None, *, unreadable: Sequence[Path]) -> DeploymentConfig:
    bento_name = bento.lower().partition(":")[0]
    config = default_config(name or deployment_name(bento_name))
    notes = [f"No config in {FOLDER} names the Bento {bento_name}: defaults are used."]
    if name is None and config.name != bento_name:
        notes.append(f"The deployment is named {config.name}, since AWS does not take {bento_name}.")
    notes += [f"{FOLDER}/{path.name} cannot be read and was passed over." for path in unreadable]
    return replace(config, notes=tuple(notes))
