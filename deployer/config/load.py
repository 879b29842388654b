"""From a YAML file to a `DeploymentConfig`: every problem at once. Paths are relative to the file that names them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.config.values import (
    Backend,
    Cors,
    DeploymentConfig,
    Destinations,
    FileSystem,
    ImageOptions,
    SmokeTest,
    Spec,
    TargetName,
    TerraformOptions,
    Vpc,
)
from deployer.errors import BadInput

if TYPE_CHECKING:
    from deployer.config.document import Document
    from deployer.config.overlay import Overlaid
    from deployer.config.problem import Keys, Problem

NAME = ("name",)
SPEC_PARTS = {"cors": Cors, "vpc": Vpc, "file_system": FileSystem, "destinations": Destinations}


def load_config(path: Path, *, name: str | None = None, environment: str = "") -> DeploymentConfig:
    """Read and check one file, with one of its environments laid over it; `name` stands in for the file's own.

    Raises BadInput with every problem at once, each at its own line. Without an environment only the names of what is
    in `environments` are checked.
    """
    from deployer.config.document import read_document
    from deployer.config.overlay import overlaid

    chosen = overlaid(read_document(path), environment)
    values = _without_nulls(chosen.values)
    if name is not None:
        values["name"] = name
    _check(values, chosen, named=name is not None)
    return _config_of(values, path.resolve(), environment)


def default_config(name: str, *, target: TargetName = "local") -> DeploymentConfig:
    """What is deployed where no file says otherwise. Raises BadInput when AWS refuses the name."""
    from deployer.config.problems import find_problems

    values = {"api_version": "v1", "name": name, "operator": {"name": "aws-lambda"}, "template": "terraform"}
    problems = find_problems(values, lambda keys: None)
    if problems:
        raise BadInput(f"{problems[0].path}: {problems[0].message}", hint="Choose another with --name.")
    return DeploymentConfig(name=name, target=target)


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """bentoctl writes `env: null` for "nothing": a null key means its default, in the sections that have defaults."""
    kept = {key: value for key, value in values.items() if value is not None}
    for section in ("spec", "image", "smoke_test", "terraform", *SPEC_PARTS, "backend"):
        if isinstance(kept.get(section), dict):
            kept[section] = _without_nulls(kept[section])
    return kept


def _check(values: Mapping[str, Any], chosen: Overlaid, *, named: bool) -> None:
    from deployer.config.problem import Problem
    from deployer.config.problems import find_problems

    document = chosen.document
    found: dict[Keys, Problem] = {}
    for keys in document.repeated:
        found[keys] = Problem(keys, "this key is there more than once.")
    for problem in find_problems({**values, **chosen.environments}, chosen.text):
        keys = problem.keys if named and problem.keys == NAME else chosen.place(problem.keys)
        found.setdefault(keys, Problem(keys, problem.message))
    if not found:
        return
    problems = sorted(found.values(), key=lambda problem: document.line(problem.keys) or 0)
    told = [f"  {_place(problem, document, named=named)}: {problem.message}" for problem in problems]
    count = "a problem" if len(told) == 1 else f"{len(told)} problems"
    message = "\n".join([f"{document.path} has {count}:", *told])
    raise BadInput(message, hint="deployment_configs/reference.yaml explains every key.")


def _place(problem: Problem, document: Document, *, named: bool) -> str:
    if named and problem.keys == NAME:
        return "--name"
    line = document.line(problem.keys)
    return problem.path if line is None else f"{problem.path} (line {line})"


def _config_of(values: Mapping[str, Any], path: Path, environment: str) -> DeploymentConfig:
    spec, smoke, terraform = (_whole(values.get(key, {})) for key in ("spec", "smoke_test", "terraform"))
    for part, kind in SPEC_PARTS.items():
        if part in spec:
            spec[part] = kind(**_whole(spec[part]))
    if "backend" in terraform:
        backend = terraform["backend"]
        terraform["backend"] = Backend(backend["bucket"], backend.get("key", ""), backend.get("region", ""))
    for section, key in ((smoke, "samples"), (terraform, "template"), (terraform, "provider_mirror")):
        if key in section:
            section[key] = (path.parent / Path(section[key]).expanduser()).resolve()
    return DeploymentConfig(
        name=values["name"],
        bento=values.get("bento", "").lower(),
        target=values.get("target", "local"),
        spec=Spec(**spec),
        image=ImageOptions(**values.get("image", {})),
        env=values.get("env", {}),
        secrets=values.get("secrets", {}),
        environment=environment,
        account=values.get("account", ""),
        profile=values.get("profile", ""),
        smoke_test=SmokeTest(**smoke),
        terraform=TerraformOptions(**terraform),
        path=path,
    )


def _whole(section: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema takes 30.0 for a whole number; only `expected` may hold others."""
    return {
        key: int(value) if isinstance(value, float) and key != "expected" else value for key, value in section.items()
    }
