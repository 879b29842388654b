"""The labels of an image in the registry's own blobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deployer.local.blobs import Blobs


def labels_of(blobs: Blobs, digest: str) -> Mapping[str, str]:
    """Of the image with that manifest digest; none where it, or its configuration, cannot be read."""
    manifest = _document(blobs, digest)
    config = _document(blobs, str(manifest.get("config", {}).get("digest", "")))
    return (config.get("config") or {}).get("Labels") or {}


def _document(blobs: Blobs, digest: str) -> Mapping[str, Any]:
    try:
        path = blobs.path(digest)
        found = json.loads(path.read_bytes()) if path is not None else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
