"""What the builder reads from a Bento folder with its models inside: its Python, environment, models and code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import DeployerError
from deployer.image.archive import Tree

BENTO = "home/bentoml/bento"


@dataclass(frozen=True)
class Context:
    """A Bento folder. `python` is a minor version such as `3.11`; `environment` the Bento's own variables."""

    folder: Path
    tag: str
    bentoml_version: str
    python: str
    environment: Mapping[str, str]

    @property
    def models(self) -> tuple[tuple[str, Tree], ...]:
        """Each model's name and its folder, versions and `latest` file inside."""
        root = self.folder / "models"
        names = sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
        return tuple((name, Tree(root / name, f"{BENTO}/models/{name}")) for name in names)

    @property
    def code(self) -> Tree:
        return Tree(self.folder, BENTO, without=frozenset({"models"}))


def read(folder: Path) -> Context:
    """Raises DeployerError when the folder is no Bento, or one whose models were not put beside it."""
    import yaml  # only a build reads a Bento

    try:
        content = yaml.safe_load((folder / "bento.yaml").read_text("utf-8"))
        tag = f"{content['name']}:{content['version']}"
        bentoml_version = str(content["bentoml_version"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise DeployerError(
            f"{folder} is not a Bento: its bento.yaml is missing or lacks name, version or bentoml_version.",
            hint="Give the folder of one version, as `bentoml build` makes it.",
        ) from error
    _check_models(folder, content, tag)
    return Context(folder, tag, bentoml_version, _python(folder, content), _environment(content))


def _python(folder: Path, content: Mapping[str, Any]) -> str:
    """BentoML 1.4 names it under `image`, earlier versions in a file or under `docker` or `python`."""
    version_file = folder / "env" / "python" / "version.txt"
    candidates = [_section(content, name).get("python_version") for name in ("image", "docker")]
    candidates.append(version_file.read_text("utf-8") if version_file.is_file() else None)
    candidates.append(_section(content, "python").get("version"))
    found = next((str(value).strip() for value in candidates if value), "")
    parts = found.split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        raise DeployerError(
            f"{folder} does not say which Python version its service needs.",
            hint="Set `python_version` (for example under `docker:` in bentofile.yaml) and build the Bento again.",
        )
    return ".".join(parts[:2])


def _environment(content: Mapping[str, Any]) -> dict[str, str]:
    """`docker.env` of earlier versions, then `envs` of BentoML 1.4; a variable without a value is the deployment's."""
    found = _section(content, "docker").get("env") or {}
    if isinstance(found, list):
        found = dict(item.split("=", 1) for item in found if "=" in item)
    named = {item["name"]: item.get("value") for item in content.get("envs") or []}
    return {str(name): str(value) for name, value in {**found, **named}.items() if value not in (None, "")}


def _check_models(folder: Path, content: Mapping[str, Any], tag: str) -> None:
    listed = [*(content.get("models") or [])]
    for service in content.get("services") or []:
        listed += service.get("models") or []
    for model in listed:
        name, _, version = str(model["tag"]).partition(":")
        if model.get("registry", "") != "huggingface" and not (folder / "models" / name / version).is_dir():
            raise DeployerError(
                f"The model {name}:{version} of {tag} is not in {folder / 'models'}.",
                hint="Copy it there from the BentoML store, or use `deployer up --bento`, which does.",
            )


def _section(content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = content.get(name)
    return section if isinstance(section, Mapping) else {}
