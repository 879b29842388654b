"""A Bento's folder to a `Bento`: the keys of bento.yaml as BentoML 1.0 to 1.4 write them. Reads, never writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from deployer.errors import DeployerError
from deployer.models import Bento, Model, Route, Tag
from deployer.tools.bento_demands import read_demands

DESCRIPTION = "bento.yaml"
TAG_PART = re.compile(r"(?=.{1,63}\Z)[a-z0-9]([-._a-z0-9]*[a-z0-9])?")  # BentoML's rule for a name or a version
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_bento(folder: Path, *, models: Path | None) -> Bento:
    """The Bento in `folder`. Its models are looked for in its own `models/` first, then in the store `models`.

    Raises DeployerError naming the file and what is wrong with it, or the model that is missing.
    """
    document = _read(folder / DESCRIPTION)
    tag = Tag(_tag_part(document, "name", folder), _tag_part(document, "version", folder))
    return Bento(
        tag=tag,
        path=folder,
        python_version=_python_version(document, folder),
        bentoml_version=_text(document, "bentoml_version", folder),
        service=_text(document, "service", folder),
        models=tuple(_model(entry, tag, folder, models) for entry in _model_entries(document)),
        routes=_routes(document, folder),
        environment={name: value for name, value in _variables(document).items() if value},
        unset=tuple(name for name, value in _variables(document).items() if not value),
        pip_options=tuple(_pip_options(_section(document, "python"))),
        requirements_home=_requirements_home(document, folder),
        demands=read_demands(document),
    )


def creation_time(folder: Path) -> str:
    """ISO 8601 in UTC, so it sorts as text; empty when bento.yaml cannot be read."""
    try:
        return str(_read(folder / DESCRIPTION).get("creation_time", ""))
    except DeployerError:
        return ""


def _read(path: Path) -> Mapping[str, Any]:
    hint = "Delete this Bento (`bentoml delete`) and build it again."
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506, a safe loader
    except FileNotFoundError:
        raise DeployerError(f"{path.parent} is not a Bento: it has no {DESCRIPTION}.", hint=hint) from None
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise DeployerError(f"{path} cannot be read: {' '.join(str(error).split())}.", hint=hint) from error
    if not isinstance(document, Mapping):
        raise DeployerError(f"{path} is half-written: it holds no keys.", hint=hint)
    return document


def _text(document: Mapping[str, Any], key: str, folder: Path) -> str:
    value = document.get(key)
    if value is None or value == "":
        raise DeployerError(
            f"{folder / DESCRIPTION} has no `{key}`.",
            hint="Build the Bento again. BentoML 1.0 leaves out name and version when cattrs is newer than 23.1.2.",
        )
    return str(value)


def _tag_part(document: Mapping[str, Any], key: str, folder: Path) -> str:
    """Names become folders: one that BentoML itself would not allow is refused."""
    value = _text(document, key, folder)
    if TAG_PART.fullmatch(value) is None:
        raise DeployerError(f"{folder / DESCRIPTION} has the {key} {value!r}, which BentoML does not allow.")
    return value


def _python_version(document: Mapping[str, Any], folder: Path) -> str:
    """The minor version, from the first place that states one: what was asked for, then what built the Bento."""
    version_file = folder / "env" / "python" / "version.txt"
    stated = (
        _section(document, "image").get("python_version"),
        _section(document, "docker").get("python_version"),
        version_file.read_text(encoding="utf-8") if version_file.is_file() else None,
        _section(document, "python").get("version"),
    )
    for version in stated:
        found = re.match(r"3\.\d+", str(version).strip())
        if found:
            return found.group()
    raise DeployerError(
        f"{folder / DESCRIPTION} does not say which Python the Bento is for.",
        hint="Name it in bentofile.yaml (`docker: {python_version: '3.11'}`) and build the Bento again.",
    )


def _section(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _entries(value: object) -> list[Mapping[str, Any]]:
    listed = value if isinstance(value, Sequence) and not isinstance(value, str) else []
    return [entry for entry in listed if isinstance(entry, Mapping)]


def _model_entries(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Models of the whole Bento and of each of its services, each tag once."""
    services = [entry for service in _entries(document.get("services")) for entry in _entries(service.get("models"))]
    found = [*_entries(document.get("models")), *services]
    return list({str(entry.get("tag")): entry for entry in found}.values())


def _model(entry: Mapping[str, Any], bento: Tag, folder: Path, store: Path | None) -> Model:
    name, _, version = str(entry.get("tag", "")).partition(":")
    if entry.get("registry", "bentoml") != "bentoml":
        raise DeployerError(
            f"Bento {bento} uses the model {name} of the registry {entry['registry']}, which is not handled.",
            hint="Save the model to the BentoML store (bentoml.models.create) and build the Bento with that one.",
        )
    places = [folder / "models", *([store] if store is not None else [])]
    for place in places:
        path = place / name / version
        if TAG_PART.fullmatch(name) and TAG_PART.fullmatch(version) and path.is_dir():
            return Model(Tag(name, version), path)
    raise DeployerError(
        f"Bento {bento} needs the model {entry.get('tag')}, which is in none of: {', '.join(map(str, places))}.",
        hint="Save or import that model (`bentoml models import`), or build the Bento again with a model you have.",
    )


def _routes(document: Mapping[str, Any], folder: Path) -> tuple[Route, ...]:
    """From `schema` (services as classes, BentoML 1.2 on), else from `apis` (the legacy service)."""
    modern = _entries(_section(document, "schema").get("routes"))
    if modern:
        return tuple(_route(route) for route in modern if "name" in route and "route" in route)
    paths = _legacy_paths(folder)
    names = [str(api["name"]) for api in _entries(document.get("apis")) if "name" in api]
    return tuple(Route(name, _path_of(name, paths)) for name in names)


def _route(stated: Mapping[str, Any]) -> Route:
    schemas = (_schema(stated, "input"), _schema(stated, "output"))
    return Route(str(stated["name"]), str(stated["route"]), *schemas, is_task=bool(stated.get("is_task")))


def _variables(document: Mapping[str, Any]) -> dict[str, str]:
    """`docker.env` of earlier versions, then `envs` of BentoML 1.4; one without a value is left to the deployment."""
    listed = _section(document, "docker").get("env") or {}
    if isinstance(listed, list):
        listed = dict(item.split("=", 1) for item in listed if "=" in item)
    named = {entry.get("name"): entry.get("value") for entry in _entries(document.get("envs"))}
    return {str(name): "" if value is None else str(value) for name, value in {**listed, **named}.items()}


def _pip_options(python: Mapping[str, Any]) -> Iterator[str]:
    """What BentoML 1.0 to 1.3 keep in bento.yaml and in a script; 1.4 writes it into the requirements file."""
    if python.get("no_index"):
        yield "--no-index"
    elif python.get("index_url"):
        yield f"--index-url {python['index_url']}"
    for key in ("extra_index_url", "find_links", "trusted_host"):
        yield from (f"--{key.replace('_', '-')} {value}" for value in python.get(key) or ())
    yield from (option.strip() for option in re.split(r"(?:^|\s)(?=-)", str(python.get("pip_args") or "")) if option)


def _requirements_home(document: Mapping[str, Any], folder: Path) -> Path:
    """BentoML 1.4 (`spec: 2`) installs from the service's own folder, the others from the requirements file's."""
    source, environment = folder / "src", folder / "env" / "python"
    places = (source, environment) if document.get("spec") == 2 else (environment,)
    return next((place for place in places if place.is_dir()), folder)


def _path_of(api: str, paths: Mapping[str, str]) -> str:
    return next((path for operation, path in paths.items() if operation.endswith(f"__{api}")), f"/{api}")


def _schema(route: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    value = route.get(key)
    return value if isinstance(value, Mapping) else None


def _legacy_paths(folder: Path) -> dict[str, str]:
    """`<service>__<api>` to path, from the OpenAPI file: bento.yaml leaves out an API's `route=`."""
    file = folder / "apis" / "openapi.yaml"
    try:
        document = yaml.load(file.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506, a safe loader
        methods = document["paths"].items()
        return {str(method["post"]["operationId"]): str(path) for path, method in methods if "post" in method}
    except (OSError, UnicodeError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return {}
