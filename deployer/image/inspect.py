"""What is in an image layout: each layer with its sizes and contents, the largest packages, and Lambda's limit.

Layers are read as streams and compared with their digests. Names and sizes of packages' files stay, contents do not.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from deployer.errors import DeployerError
from deployer.image.archive import PIECE
from deployer.image.build import BASE_DIGEST, HOME
from deployer.image.python_layers import DEPENDENCIES, HANDLER
from deployer.image.size_limit import LIMIT
from deployer.tools.oci_layout import BASE_NAME, Descriptor, Layout, read_layout

LARGEST = 10
READ_AHEAD = 1 << 16
_DIST_INFO = re.compile(r"(?P<name>[^/]+)-(?P<version>[^/-]+)\.dist-info/(?P<file>[^/]+)")
_BYTECODE = re.compile(r"__pycache__/([^/]+)\.cpython-\d+\.pyc$")
_MODEL = re.compile(rf"{re.escape(HOME)}/models/(?P<name>[^/]+)/(?P<version>[^/]+)/.")


@dataclass(frozen=True)
class LayerReport:
    """`size` is of the compressed blob, `unpacked` of the tar in it; `contents` says in words what is inside."""

    title: str
    digest: str
    size: int
    unpacked: int
    files: int
    contents: str


@dataclass(frozen=True)
class PackageReport:
    """A package of the dependencies: the bytes of its files with their bytecode."""

    name: str
    version: str
    size: int


@dataclass(frozen=True)
class ImageReport:
    """`unpacked` and `limit` are bytes; `packages` are the largest, `base` is empty where there is none."""

    digest: str
    architecture: str
    base: str
    base_digest: str
    labels: Mapping[str, str]
    layers: tuple[LayerReport, ...]
    size: int
    unpacked: int
    limit: int
    packages: tuple[PackageReport, ...]


def inspect_layout(folder: Path) -> ImageReport:
    """Raises DeployerError where the folder is no whole layout, or a layer is not what its digest says."""
    layout = read_layout(folder)
    image = json.loads(layout.path(layout.blobs[-1]).read_bytes())
    labels = {str(name): str(value) for name, value in ((image.get("config") or {}).get("Labels") or {}).items()}
    seen = [_read(layout, blob) for blob in layout.blobs[:-1]]
    layers = tuple(_report(blob, found) for blob, found in zip(layout.blobs[:-1], seen, strict=True))
    packages = sorted((one for found in seen for one in _packages(found)), key=lambda one: (-one.size, one.name))
    return ImageReport(
        digest=layout.manifest.digest,
        architecture=str(image.get("architecture", "")),
        base=labels.get(BASE_NAME, ""),
        base_digest=labels.get(BASE_DIGEST, ""),
        labels=labels,
        layers=layers,
        size=sum(layer.size for layer in layers),
        unpacked=sum(layer.unpacked for layer in layers),
        limit=LIMIT,
        packages=tuple(packages[:LARGEST]),
    )


@dataclass
class _Contents:
    """What one pass over a layer has found. `sizes` are of the files in `DEPENDENCIES`, `records` what each owns."""

    unpacked: int = 0
    files: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    handler: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)

    def add(self, name: str, size: int, content: IO[bytes] | None) -> None:
        self.files += 1
        if name.startswith(f"{DEPENDENCIES}/"):
            inside = name.removeprefix(f"{DEPENDENCIES}/")
            self.sizes[inside] = size
            info = _DIST_INFO.fullmatch(inside)
            if info and info["file"] in {"METADATA", "RECORD"}:
                owned = self.records.setdefault((info["name"], info["version"]), [])
                owned += _recorded(content) if content is not None and info["file"] == "RECORD" else []
        elif info := _DIST_INFO.fullmatch(name.removeprefix(f"{HANDLER}/")):
            self.handler.add(info["name"])
        elif model := _MODEL.match(name):
            self.models.add(f"{model['name']}:{model['version']}")


class _Counted:
    """A stream that knows how much of it was read."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source, self.count = source, 0

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self.count += len(piece)
        return piece


def _read(layout: Layout, blob: Descriptor) -> _Contents:
    from isal import igzip

    found = _Contents()
    try:
        if _digest_of(layout.path(blob)) != blob.digest:
            raise _damaged(layout, blob, "its bytes are not those that its digest names")
        with igzip.open(layout.path(blob), "rb") as file:  # type: ignore[no-untyped-call]
            stream = _Counted(cast("IO[bytes]", file))
            _walk(cast("IO[bytes]", stream), found)
            while stream.read(READ_AHEAD):
                pass
    except (OSError, EOFError, zlib.error, tarfile.TarError, UnicodeError, csv.Error) as error:
        raise _damaged(layout, blob, str(error)) from error
    found.unpacked = stream.count
    return found


def _digest_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def _walk(stream: IO[bytes], found: _Contents) -> None:
    with tarfile.open(fileobj=stream, mode="r|", bufsize=READ_AHEAD) as archive:
        for member in archive:
            if not member.isdir():
                record = member.isreg() and member.name.endswith(".dist-info/RECORD")
                found.add(member.name, member.size, archive.extractfile(member) if record else None)
            archive.members = []  # type: ignore[attr-defined]  # or every header of the layer stays in memory


def _recorded(content: IO[bytes]) -> list[str]:
    return [row[0] for row in csv.reader(content.read().decode("utf-8").splitlines()) if row]


def _report(blob: Descriptor, found: _Contents) -> LayerReport:
    return LayerReport(blob.title, blob.digest, blob.size, found.unpacked, found.files, _words(blob, found))


def _words(blob: Descriptor, found: _Contents) -> str:
    if blob.of_base:
        return "the base image's system"
    if found.records:
        return _counted(len(found.records), "package")
    if found.models:
        return f"model {', '.join(sorted(found.models))}"
    if found.handler:
        return f"the Lambda handler with {_counted(len(found.handler), 'package')}"
    return "the Bento's own files" if blob.title == "service" else ""


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _packages(found: _Contents) -> list[PackageReport]:
    """Each file counts for the package whose record names it, bytecode for that of its source. Names as PyPI's."""
    owner = {path: package for package, paths in found.records.items() for path in paths}
    totals = dict.fromkeys(found.records, 0)
    for path, size in found.sizes.items():
        package = owner.get(_BYTECODE.sub(r"\1.py", path))
        if package is not None:
            totals[package] += size
    return [PackageReport(name.replace("_", "-"), version, size) for (name, version), size in totals.items()]


def _damaged(layout: Layout, blob: Descriptor, why: str) -> DeployerError:
    return DeployerError(
        f"The layer {blob.title} of {layout.folder} is damaged: {why}.",
        hint="Make the layout again with `deployer image build CONTEXT --layout DIR`.",
    )
