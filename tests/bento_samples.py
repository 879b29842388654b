"""Bentos written by hand in the layout of the BentoML store, as BentoML 1.0 to 1.4 write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

CREATED = "2026-01-01T00:00:00.000000+00:00"
MODEL_BYTES = b"weights\n"


def write_modern(home: Path, tag: str, *, models: Sequence[str] = (), **changes: Any) -> Path:
    """A Bento of BentoML 1.4 (`spec: 2`): models under services, no version.txt. `changes` replace top-level keys."""
    schema = {"name": "Digits", "type": "service", "routes": [ROUTE]}
    keys = {
        "entry_service": "Digits",
        "services": [{"name": "Digits", "service": "", "models": _listed(models), "dependencies": [], "config": {}}],
        "schema": schema,
        "spec": 2,
        "image": {"base_image": "python:3.11-slim", "python_version": "3.11", "python_requirements": ""},
    }
    return _write(
        home, tag, {"service": "service:Digits", "bentoml_version": "1.4.39", "models": [], **keys, **changes}
    )


def write_legacy(home: Path, tag: str, *, models: Sequence[str] = (), **changes: Any) -> Path:
    """A Bento of BentoML 1.0: models at the top, APIs without schema, the Python version in a file of its own."""
    keys = {
        "runners": [],
        "apis": [{"name": "predict", "input_type": "JSON", "output_type": "JSON"}],
        "docker": {"distro": "debian", "python_version": "3.10"},
        "python": {"lock_packages": True},
    }
    document = {"service": "service:svc", "bentoml_version": "1.0.25", "models": _listed(models), **keys, **changes}
    folder = _write(home, tag, document)
    (folder / "env" / "python").mkdir(parents=True)
    (folder / "env" / "python" / "version.txt").write_text("3.11.7")
    return folder


def write_model(home: Path, tag: str) -> Path:
    """A model with one file of weights."""
    name, _, version = tag.partition(":")
    folder = home / "models" / name / version
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(yaml.safe_dump({"name": name, "version": version, "creation_time": CREATED}))
    (folder / "weights.bin").write_bytes(MODEL_BYTES)
    (folder.parent / "latest").write_text(version)
    return folder


ROUTE = {
    "name": "predict",
    "route": "/predict",
    "batchable": False,
    "input": {"type": "object", "properties": {"rows": {"type": "array"}}, "required": ["rows"]},
    "output": {"type": "array", "items": {"type": "number"}},
}


def _listed(models: Sequence[str]) -> list[dict[str, str]]:
    return [{"tag": tag, "module": "none", "creation_time": CREATED} for tag in models]


def _write(home: Path, tag: str, document: dict[str, Any]) -> Path:
    name, _, version = tag.partition(":")
    folder = home / "bentos" / name / version
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "service.py").write_text("# the service\n")
    head = {"name": name, "version": version, "creation_time": CREATED, "labels": {}}
    (folder / "bento.yaml").write_text(yaml.safe_dump({**head, **document}, sort_keys=False))
    return folder
