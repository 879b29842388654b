"""An image's files on disk, and what its configuration says about running it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import DeployerError
from deployer.image.unpacked import set_aside_unused, unpacked_image, unpacked_layer
from deployer.local.blobs import Blobs
from deployer.tools.oci_layout import variables_of


@dataclass(frozen=True)
class UnpackedImage:
    """An image ready to run: its tree and what its config says. `python` is a minor version, or empty.

    `architecture` is as images write it: `amd64`, `arm64`; empty where the image does not say.
    """

    root: Path
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    working_directory: str
    variables: Mapping[str, str]
    python: str
    architecture: str = ""


class ImageFiles:
    """Unpacks images into `cache`, which may be deleted while no daemon runs."""

    def __init__(self, blobs: Blobs, cache: Path) -> None:
        self._blobs, self._cache = blobs, cache
        self._lock = threading.Lock()

    def unpack(self, digest: str) -> UnpackedImage:
        """The image with that manifest digest.

        Raises LookupError when the registry does not hold it any more, DeployerError when a layer is damaged.
        """
        manifest = self._json(digest)
        config = self._json(manifest["config"]["digest"])
        with self._lock:
            layers = (self._layer(str(layer["digest"])) for layer in manifest["layers"])
            root = unpacked_image(digest, layers, self._cache)
        return _unpacked(root, config)

    def unpack_ahead(self, digest: str) -> None:
        """Begin to unpack in the background, as Lambda prepares an image before a function's first start."""
        threading.Thread(target=self._try_to_unpack, args=(digest,), daemon=True).start()

    def forget_unused(self, *, now: float) -> threading.Thread:
        """Remove blobs and unpacked files that nothing has used for long. Only before anything runs.

        The files themselves go in the background, by the thread that is returned.
        """
        self._blobs.forget_unused(now=now)
        remover = threading.Thread(target=_remove, args=(set_aside_unused(self._cache, now=now),), daemon=True)
        remover.start()
        return remover

    def _try_to_unpack(self, digest: str) -> None:
        with suppress(LookupError, DeployerError, OSError):  # the first invoke meets it again and says so
            self.unpack(digest)

    def _json(self, digest: str) -> Any:
        try:
            return json.loads(self._blobs.read(digest))
        except (OSError, ValueError) as error:
            raise LookupError(f"{digest} is not in the local registry: push the image again") from error

    def _layer(self, digest: str) -> Path:
        blob = self._blobs.path(digest)
        if blob is None:
            raise LookupError(f"Layer {digest} is not in the local registry: push the image again")
        return unpacked_layer(blob, digest, self._cache)


def _remove(folders: Sequence[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _unpacked(root: Path, document: Mapping[str, Any]) -> UnpackedImage:
    config = document.get("config") or {}
    return UnpackedImage(
        root=root,
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        working_directory=config.get("WorkingDir") or "/",
        variables=variables_of(config),
        python=(config.get("Labels") or {}).get("deployer.python", ""),
        architecture=str(document.get("architecture") or ""),
    )
