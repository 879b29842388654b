"""An image's files on disk: each layer unpacked once, an image's tree made of hard links to its layers' files."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import DeployerError
from deployer.files import link_or_copy
from deployer.image.unpack import unpack
from deployer.local.blobs import Blobs


@dataclass(frozen=True)
class UnpackedImage:
    """An image ready to run: its tree and what its config says. `python` is a minor version, or empty."""

    root: Path
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    working_directory: str
    variables: Mapping[str, str]
    python: str


class ImageFiles:
    """Unpacks images into `cache`, which may be deleted while no daemon runs."""

    def __init__(self, blobs: Blobs, cache: Path) -> None:
        self._blobs = blobs
        self._layers, self._roots = cache / "layers", cache / "roots"
        self._lock = threading.Lock()

    def unpack(self, digest: str) -> UnpackedImage:
        """The image with that manifest digest.

        Raises LookupError when the registry does not hold it any more, DeployerError when a layer is damaged.
        """
        manifest = self._json(digest)
        config = self._json(manifest["config"]["digest"])
        with self._lock:
            root = self._root(digest, [layer["digest"] for layer in manifest["layers"]])
        return _unpacked(root, config.get("config") or {})

    def unpack_ahead(self, digest: str) -> None:
        """Begin to unpack in the background, as Lambda prepares an image before a function's first start."""
        threading.Thread(target=self._try_to_unpack, args=(digest,), daemon=True).start()

    def _try_to_unpack(self, digest: str) -> None:
        with suppress(LookupError, DeployerError, OSError):  # the first invoke meets it again and says so
            self.unpack(digest)

    def _json(self, digest: str) -> Any:
        try:
            return json.loads(self._blobs.read(digest))
        except (OSError, ValueError) as error:
            raise LookupError(f"{digest} is not in the local registry: push the image again") from error

    def _root(self, digest: str, layers: Sequence[str]) -> Path:
        place = self._roots / digest.removeprefix("sha256:")
        if place.is_dir():
            return place
        place.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(dir=place.parent, prefix="new-"))
        try:
            unfinished.chmod(0o755)
            for layer in layers:
                _overlay(self._layer(layer), unfinished)
            unfinished.rename(place)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return place

    def _layer(self, digest: str) -> Path:
        place = self._layers / digest.removeprefix("sha256:")
        blob = self._blobs.path(digest)
        if blob is None:
            raise LookupError(f"Layer {digest} is not in the local registry: push the image again")
        unpack([blob], place)
        return place


def _overlay(layer: Path, root: Path) -> None:
    """Put a layer on top of what is there. Our layers take nothing away: there are no whiteouts to apply."""
    for folder, names, files in os.walk(layer):
        target = root / Path(folder).relative_to(layer)
        target.mkdir(exist_ok=True)
        links = [name for name in names if (Path(folder) / name).is_symlink()]
        for name in [*files, *links]:
            (target / name).unlink(missing_ok=True)
            link_or_copy(Path(folder) / name, target / name)


def _unpacked(root: Path, config: Mapping[str, Any]) -> UnpackedImage:
    variables = dict(entry.split("=", 1) for entry in config.get("Env") or () if "=" in entry)
    return UnpackedImage(
        root=root,
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        working_directory=config.get("WorkingDir") or "/",
        variables=variables,
        python=(config.get("Labels") or {}).get("deployer.python", ""),
    )
