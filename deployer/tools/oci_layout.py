"""Reads an OCI image layout of one image: its manifest, and the blobs that the manifest names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import DeployerError


@dataclass(frozen=True)
class Descriptor:
    """A blob: what it is, its digest, its bytes, and a word for people."""

    media_type: str
    digest: str
    size: int
    title: str


@dataclass(frozen=True)
class Layout:
    """`content` are the manifest's own bytes; `blobs` its layers from the bottom up, then its configuration."""

    folder: Path
    manifest: Descriptor
    content: bytes
    blobs: tuple[Descriptor, ...]

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


def _read(folder: Path) -> Layout:
    entries = json.loads((folder / "index.json").read_bytes())["manifests"]
    if len(entries) != 1:
        raise ValueError(f"it names {len(entries)} images")
    manifest = _descriptor(entries[0], "manifest")
    content = _blob_path(folder, manifest.digest).read_bytes()
    parts = json.loads(content)
    config = _descriptor(parts["config"], "configuration")
    titles = _titles(json.loads(_blob_path(folder, config.digest).read_bytes()), len(parts["layers"]))
    layers = tuple(_descriptor(part, title) for part, title in zip(parts["layers"], titles, strict=True))
    layout = Layout(folder, manifest, content, (*layers, config))
    for blob in layout.blobs:
        if (found := layout.path(blob).stat().st_size) != blob.size:
            raise ValueError(f"the blob of {blob.title} has {found} bytes instead of {blob.size}")
    return layout


def _titles(config: Mapping[str, Any], count: int) -> list[str]:
    """From the history, which has one entry for each layer in the images that deployer builds."""
    made = [str(entry.get("created_by", "")) for entry in config.get("history", []) if not entry.get("empty_layer")]
    titles = [line.removeprefix("deployer: ") for line in made]
    return titles if len(titles) == count else [f"layer {number + 1}" for number in range(count)]


def _descriptor(part: Mapping[str, Any], title: str) -> Descriptor:
    return Descriptor(part["mediaType"], part["digest"], int(part["size"]), title)


def _blob_path(folder: Path, digest: str) -> Path:
    algorithm, _, name = digest.partition(":")
    if algorithm != "sha256" or len(name) != 64 or not set(name) <= set("0123456789abcdef"):
        raise ValueError(f"{digest!r} is not a sha256 digest")
    return folder / "blobs" / "sha256" / name
