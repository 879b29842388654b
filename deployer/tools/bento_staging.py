"""Copies of a Bento for one build. The user's store is only read: nothing here writes through to it.

`stage_context` makes the folder the image is built from: the Bento as it is, with every model inside. Model files may
be many GB, so they are hard links (nobody writes to them), everything else is a true copy.
`stage_store` makes the store bentoctl looks into: a description that every BentoML understands, and nothing else.
bentoctl mirrors what it finds there byte for byte, loses file modes on the way, and leaves out new-style models.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from deployer.errors import DeployerError
from deployer.files import link_or_copy
from deployer.models import Bento
from deployer.tools.bento_document import DESCRIPTION

MODELS = "models"
_KEPT_KEYS = ("service", "name", "version", "bentoml_version", "creation_time")

CopyFile = Callable[[str, str], object]


def stage_context(bento: Bento, folder: Path) -> None:
    """Make `folder` (which must not exist) the Bento with its models in `models/<name>/<version>`."""
    folder.mkdir(parents=True)
    for entry in sorted(bento.path.iterdir()):
        _copy(
            entry,
            folder / entry.name,
            root=bento.path,
            copy_file=link_or_copy if entry.name == MODELS else shutil.copy2,
        )
    for model in bento.models:
        place = folder / MODELS / model.tag.name
        if not (place / model.tag.version).exists():
            _copy(model.path, place / model.tag.version, root=model.path, copy_file=link_or_copy)
        if not (place / "latest").exists():
            (place / "latest").write_text(model.tag.version, encoding="utf-8")


def stage_store(bento: Bento, home: Path) -> None:
    """Make `home` a BENTOML_HOME that holds the description of this one Bento."""
    folder = home / "bentos" / bento.tag.name / bento.tag.version
    (folder / "env" / "python").mkdir(parents=True)
    document: dict[str, Any] = yaml.safe_load((bento.path / DESCRIPTION).read_text(encoding="utf-8"))
    kept = {key: document[key] for key in _KEPT_KEYS if key in document}
    (folder / DESCRIPTION).write_text(yaml.safe_dump({**kept, "labels": {}, MODELS: []}, sort_keys=False))
    (folder / "env" / "python" / "version.txt").write_text(bento.python_version)
    (home / "bentos" / bento.tag.name / "latest").write_text(bento.tag.version)


def _copy(source: Path, target: Path, *, root: Path, copy_file: CopyFile) -> None:
    """Copy a file or a folder. Symbolic links become what they point to, which must lie inside `root`."""
    if source.is_symlink():
        _check_inside(source, root)
    if source.is_dir():
        target.mkdir(parents=True)
        for entry in sorted(source.iterdir()):
            _copy(entry, target / entry.name, root=root, copy_file=copy_file)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    copy_file(str(source.resolve()), str(target))


def _check_inside(link: Path, root: Path) -> None:
    """A link out of the Bento would put a file of this machine into the image; a link to a parent has no end."""
    real = link.resolve()
    if not real.exists() or not real.is_relative_to(root.resolve()) or link.parent.resolve().is_relative_to(real):
        raise DeployerError(
            f"{link} is a symbolic link to {link.readlink()}, which cannot be part of an image.",
            hint="Replace the link by the file it points to, and build the Bento (or save the model) again.",
        )
