"""Reads an OCI image layout of one image: its manifest, and the blobs that the manifest names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import DeployerError

OURS = "deployer: "  # what our own layers' history begins with
BASE_NAME = "org.opencontainers.image.base.name"
IMAGES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
INDEXES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # as images write architectures: as the kernel and wheels say them
ARCHITECTURES = {machine: architecture for architecture, machine in MACHINES.items()}


@dataclass(frozen=True)
class Descriptor:
    """A blob: what it is, its digest, its bytes, a word for people, and whether the base image brought it."""

    media_type: str
    digest: str
    size: int
    title: str
    of_base: bool = False


@dataclass(frozen=True)
class Layout:
    """`content` are the manifest's own bytes; `blobs` its layers from the bottom up, then its configuration.

    `base` is the base image's reference where one is known.
    """

    folder: Path
    manifest: Descriptor
    content: bytes
    blobs: tuple[Descriptor, ...]
    base: str = ""

    def path(self, blob: Descriptor) -> Path:
        return _blob_path(self.folder, blob.digest)


def read_layout(folder: Path) -> Layout:
    """Raises DeployerError when the folder is no layout, holds several images, or lacks a blob."""
    try:
        return _read(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeployerError(
            f"{folder} is not a whole OCI layout of one image: {error}.",
            hint="Make it again with `deployer image build CONTEXT --layout DIR`.",
        ) from error


def variables_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The environment that an image's `config` section gives to its processes."""
    return dict(entry.split("=", 1) for entry in config.get("Env") or () if "=" in entry)


def _read(folder: Path) -> Layout:
    entries = json.loads((folder / "index.json").read_bytes())["manifests"]
    if len(entries) != 1:
        raise ValueError(f"it names {len(entries)} images")
    manifest = _descriptor(entries[0], "manifest")
    if manifest.media_type not in IMAGES:
        raise ValueError(f"it holds {manifest.media_type}, and Lambda takes one plain image of one platform")
    content = _blob_path(folder, manifest.digest).read_bytes()
    parts = json.loads(content)
    config = _descriptor(parts["config"], "configuration")
    image = json.loads(_blob_path(folder, config.digest).read_bytes())
    labels = (image.get("config") or {}).get("Labels") or {}
    blobs = (*_layers(parts["layers"], image), config)
    layout = Layout(folder, manifest, content, blobs, str(labels.get(BASE_NAME, "")))
    for blob in layout.blobs:
        if (found := layout.path(blob).stat().st_size) != blob.size:
            raise ValueError(f"the blob of {blob.title} has {found} bytes instead of {blob.size}")
    return layout


def _layers(parts: Sequence[Mapping[str, Any]], image: Mapping[str, Any]) -> list[Descriptor]:
    """Titles come from the history, which has one entry for each layer in the images that deployer builds."""
    entries = [entry for entry in image.get("history") or [] if not entry.get("empty_layer")]
    made = [str(entry.get("created_by", "")) for entry in entries]
    below = sum(1 for line in made if not line.startswith(OURS))
    if len(made) != len(parts) or below == len(parts):
        return [_descriptor(part, f"layer {place}/{len(parts)}") for place, part in enumerate(parts, 1)]
    titles = [f"base image {place}/{below}" for place in range(below, 0, -1)]
    return [
        _descriptor(
            part, line.removeprefix(OURS) if line.startswith(OURS) else titles.pop(), of_base=not line.startswith(OURS)
        )
        for part, line in zip(parts, made, strict=True)
    ]


def _descriptor(part: Mapping[str, Any], title: str, *, of_base: bool = False) -> Descriptor:
    return Descriptor(part["mediaType"], part["digest"], int(part["size"]), title, of_base)


def _blob_path(folder: Path, digest: str) -> Path:
    algorithm, _, name = digest.partition(":")
    if algorithm != "sha256" or len(name) != 64 or not set(name) <= set("0123456789abcdef"):
        raise ValueError(f"{digest!r} is not a sha256 digest")
    return folder / "blobs" / "sha256" / name
