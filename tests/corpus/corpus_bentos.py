"""From a service of `tests/services` and a BentoML line to a Bento in a store of its own, and to its image."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from corpus_lines import Line, variables_of
from corpus_requests import SERVICES

from deployer.image.build import Builder
from deployer.image.layer_cache import BlobCache
from deployer.image.requirements import package_name
from deployer.models import Tag
from deployer.tools.bento_build import build_bento
from deployer.tools.bento_staging import stage_context
from deployer.tools.bento_store import BentoStore
from deployer.tools.oci_layout import read_layout
from deployer.tools.process import Processes


@dataclass(frozen=True)
class Built:
    """A Bento and the image that deployer has made of it."""

    service: str
    tag: Tag
    store: Path
    layout: Path
    digest: str


def lay_out_project(service: str, line: Line, folder: Path) -> Path:
    """A copy of the service's project that asks for exactly the line's packages: each line has one dependency layer."""
    project = folder / "project"
    shutil.copytree(SERVICES / service, project, ignore=shutil.ignore_patterns("__pycache__"))
    file = project / "bentofile.yaml"
    document: dict[str, Any] = yaml.safe_load(file.read_text("utf-8"))
    python = document.setdefault("python", {})
    missing = {package_name(name) for name in python.pop("packages", None) or ()} - line.names
    assert not missing, f"{service}: {sorted(missing)} of its bentofile.yaml is not in locks/{line.version}.txt"
    python |= {"requirements_txt": "./requirements.txt", "lock_packages": False}
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    (project / "requirements.txt").write_text("\n".join([*line.requirements, ""]), "utf-8")
    return project


def build(service: str, line: Line, *, folder: Path, cache: BlobCache) -> Built:
    """The project's own training where it has one, `bentoml build`, and the image as the local target has it."""
    folder.mkdir(parents=True)
    project, store = lay_out_project(service, line, folder), folder / "store"
    if (project / "train.py").is_file():
        line.run("train.py", store=store, cwd=project)
    tag = build_bento(
        project, python=line.python, runner=Processes(), variables=variables_of(store), log=folder / "build.log"
    )
    stage_context(BentoStore(store).get(str(tag)), folder / "context")
    builder = Builder(Processes(), os.environ, cache, lambda _: None, log=folder / "image.log")
    layout = folder / "layout"
    builder.build(folder / "context", layout=layout)
    return Built(service, tag, store, layout, read_layout(layout).manifest.digest)
