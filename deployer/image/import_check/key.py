"""What the result of an import check depends on: packages, code, settings and the Python. Not the models.

A new version of a model makes a new Bento, whose `bento.yaml` names both: what only tells versions is left out.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from deployer.tools.oci_layout import Layout, variables_of

PIECE = 1 << 20
READ_AHEAD = 1 << 16
BENTO_FILE = "bento.yaml"
NOT_LOADED = ("README.md", "apis/")  # of the Bento's folder: BentoML writes versions into them


def import_key(layout: Layout, config: Mapping[str, Any], *, ground: list[str]) -> str:
    """`ground` says what the import runs on: the interpreter, the sandbox, the check itself."""
    settings = {name: config.get(name) for name in ("Env", "Entrypoint", "WorkingDir", "User")}
    home = variables_of(config).get("BENTO_PATH", "").strip("/")
    layers = [
        _code(layout.path(layer), home) if layer.title == "service" else layer.digest
        for layer in layout.blobs[:-1]
        if not layer.title.startswith("model ")
    ]
    return hashlib.sha256(json.dumps([layers, settings, ground], sort_keys=True).encode()).hexdigest()


def _code(blob: Path, home: str) -> str:
    """A hash of the service layer's files."""
    from isal import igzip

    digest = hashlib.sha256()
    stream = igzip.open(blob)  # type: ignore[no-untyped-call]
    with stream, tarfile.open(fileobj=stream, mode="r|", bufsize=READ_AHEAD) as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]  # or every header of the layer stays in memory
            name = member.name.removeprefix(f"{home}/")
            if name.startswith(NOT_LOADED):
                continue
            head = json.dumps([member.name, member.type.decode(), member.mode, member.linkname])
            digest.update(f"{head}\0".encode("utf-8", "surrogateescape"))
            file = archive.extractfile(member) if member.isreg() else None
            if file is not None:
                _add(digest, file, plain=name != BENTO_FILE)
    return digest.hexdigest()


def _add(digest: Any, file: IO[bytes], *, plain: bool) -> None:
    if not plain:
        digest.update(_without_versions(file.read()))
        return
    size = 0
    while piece := file.read(PIECE):
        digest.update(piece)
        size += len(piece)
    digest.update(f"\0{size}\0".encode())


def _without_versions(content: bytes) -> bytes:
    """`bento.yaml` less its own version and those of its models."""
    import yaml

    try:
        document = yaml.safe_load(content)
        for key in ("version", "creation_time"):
            document.pop(key, None)
        for holder in (document, *(document.get("services") or ())):
            holder["models"] = [str(model["tag"]).partition(":")[0] for model in holder.get("models") or ()]
        return json.dumps(document, sort_keys=True, default=str).encode()
    except (yaml.YAMLError, AttributeError, KeyError, TypeError):
        return content
