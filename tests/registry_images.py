"""Small images put straight into a loopback registry, and manifests with something wrong."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from loopback_registry import LoopbackRegistry

OCI = "application/vnd.oci.image"
GZIP = f"{OCI}.layer.v1.tar+gzip"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def put_blob(server: LoopbackRegistry, content: bytes, kind: str) -> dict[str, Any]:
    """The descriptor of what the registry holds from now on."""
    server.blobs[digest_of(content)] = content
    return {"mediaType": kind, "digest": digest_of(content), "size": len(content)}


def put_manifest(server: LoopbackRegistry, document: Mapping[str, Any], tag: str) -> dict[str, Any]:
    content = json.dumps(document).encode()
    server.manifests[tag] = content
    return {"mediaType": document.get("mediaType", ""), "digest": digest_of(content), "size": len(content)}


def put_image(
    server: LoopbackRegistry,
    tag: str = "v1",
    *,
    layers: Sequence[bytes] = (tar({"etc/os": b"first"}), tar({"etc/more": b"second" * 1000})),
    architecture: str = "amd64",
    environment: Sequence[str] = ("PATH=/usr/bin", "PYTHON_VERSION=3.11.9"),
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An image of one platform under `tag`; `changes` are laid over its manifest. The manifest's descriptor."""
    config = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Env": list(environment)},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer) for layer in layers]},
    }
    parts = [put_blob(server, gzip.compress(layer, mtime=0), GZIP) for layer in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{OCI}.manifest.v1+json",
        "config": put_blob(server, json.dumps(config).encode(), f"{OCI}.config.v1+json"),
        "layers": parts,
    }
    return put_manifest(server, {**manifest, **(changes or {})}, tag)


def put_index(server: LoopbackRegistry, tag: str, platforms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """`platforms`: such as `linux/arm64/v8`, and the descriptor of its manifest."""
    entries = []
    for name, descriptor in platforms.items():
        parts = dict(zip(("os", "architecture", "variant"), name.split("/"), strict=False))
        entries.append({**descriptor, "platform": parts})
    return put_manifest(server, {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": entries}, tag)
