"""The base image: the system and the Python that our layers lie on, pulled by digest and kept in the cache.

Its layers are blobs of the cache like any other. A record notes what a name stood for, so that a second pull asks
for the digest alone, and a registry that cannot be reached stops no build that had the image before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployer.errors import DeployerError
from deployer.files import replace_file, used
from deployer.image.layer_cache import Blob, BlobCache
from deployer.image.manifest import TitledBlob
from deployer.tools.base_image import DEFAULT_BASE
from deployer.tools.http import Unreachable
from deployer.tools.oci_layout import ARCHITECTURES, variables_of

if TYPE_CHECKING:
    from deployer.tools.image_reference import ImageReference
    from deployer.tools.registry_pull import ImageSource, Manifest, Part

AT_ONCE = 4
PIECE = 1 << 20

Say = Callable[[str], None]


@dataclass(frozen=True)
class Base:
    """A pulled base image: `digest` is of its single-platform manifest, `config` its image configuration."""

    reference: str
    digest: str
    layers: tuple[TitledBlob, ...]
    config: Mapping[str, Any]


def pull(
    reference: str,
    *,
    machine: str,
    cache: BlobCache,
    variables: Mapping[str, str],
    say: Say,
    python: str = "",
    patience: float = 0.5,
) -> Base:
    """Bring the image of `reference` for `machine` (`x86_64`, `aarch64`) into the cache.

    With `python`, a minor version such as `3.11`, an image that says to have another one is refused.
    `variables` are the user's environment: proxies, certificates and Docker's logins.
    """
    from deployer.tools.image_reference import parse_reference
    from deployer.tools.registry_login import login_for
    from deployer.tools.registry_pull import ImageSource

    named = parse_reference(reference)
    source = ImageSource(named, login=login_for(named.host, variables), variables=variables, patience=patience)
    base, how = _Pull(named, ARCHITECTURES[machine], cache, source, say).run()
    _check_python(base, python)
    say(f"base image {base.reference}: {how}, {sum(layer.blob.size for layer in base.layers) / 1e6:.1f} MB")
    return base


@dataclass(frozen=True)
class _Pull:
    reference: ImageReference
    architecture: str
    cache: BlobCache
    source: ImageSource
    say: Say

    def run(self) -> tuple[Base, str]:
        """The base, and how it was had. The registry is not asked about a digest that is here whole."""
        named, kept = self._kept()
        if kept is not None and self.reference.digest:
            return kept, "cached"
        try:
            if kept is not None and named == self.source.current_digest():
                return kept, "cached"
            return self._pulled(kept)
        except Unreachable as error:
            if kept is None:
                raise
            self.say(f"{error.message.rstrip('.')}: the base image is used as it was pulled before, {kept.digest}")
            return kept, "cached"

    def _pulled(self, kept: Base | None) -> tuple[Base, str]:
        named, manifest = self.source.manifest(self.architecture)
        if kept is not None and kept.digest == manifest.digest:
            self._keep(named, kept)
            return kept, "cached"
        config = self.source.config(manifest.config)
        self._check_config(config, manifest)
        base = Base(str(self.reference), manifest.digest, self._layers(manifest, config), config)
        self._keep(named, base)
        return base, "pulled"

    def _layers(self, manifest: Manifest, config: Mapping[str, Any]) -> tuple[TitledBlob, ...]:
        """Each once, several at a time. The first failure, or Ctrl-C, stops the others too."""
        parts = {part.digest: part for part in manifest.layers}
        titles = [_title(place, len(manifest.layers)) for place in range(len(manifest.layers))]
        names = dict(zip((part.digest for part in manifest.layers), titles, strict=True))
        with ThreadPoolExecutor(AT_ONCE) as threads:
            running = {name: threads.submit(self._layer, part, names[name]) for name, part in parts.items()}
            try:
                wait(running.values(), return_when=FIRST_EXCEPTION)
                failed = next((error for task in running.values() if task.done() and (error := task.exception())), None)
                if failed is not None:
                    raise failed
            except BaseException:
                self.source.stop()
                threads.shutdown(wait=True, cancel_futures=True)
                raise
        blobs = [running[part.digest].result() for part in manifest.layers]
        for blob, expected, title in zip(blobs, config["rootfs"]["diff_ids"], titles, strict=True):
            if blob.diff_id != expected:
                raise _damaged(self.reference, f"{title} unpacks to {blob.diff_id}, not to {expected}")
        return tuple(TitledBlob(title, blob) for title, blob in zip(titles, blobs, strict=True))

    def _layer(self, part: Part, title: str) -> Blob:
        def fill(path: Path) -> Blob:
            self.source.download(part, path, title)
            return self._measured(path, part, title)

        return self.cache.adopt(_layer_key(part.digest), fill)[0]

    def _measured(self, path: Path, part: Part, title: str) -> Blob:
        from isal import igzip, isal_zlib

        inside, unpacked = hashlib.sha256(), 0
        try:
            with igzip.open(path) as file:  # type: ignore[no-untyped-call]
                while piece := file.read(PIECE):
                    inside.update(piece)
                    unpacked += len(piece)
        except (igzip.BadGzipFile, EOFError, isal_zlib.IsalError) as error:  # type: ignore[misc]
            raise _damaged(self.reference, f"{title} is not whole gzip data") from error
        return Blob(part.digest, part.size, f"sha256:{inside.hexdigest()}", unpacked)

    def _check_config(self, config: Mapping[str, Any], manifest: Manifest) -> None:
        platform = f"{config.get('os')}/{config.get('architecture')}"
        if platform != f"linux/{self.architecture}":
            raise DeployerError(
                f"The image {self.reference} is for {platform}, and linux/{self.architecture} is needed.",
                hint="Choose another base image, or the other architecture.",
            )
        names = (config.get("rootfs") or {}).get("diff_ids") or []
        if len(names) != len(manifest.layers):
            raise _damaged(self.reference, f"{len(manifest.layers)} layers, and its configuration names {len(names)}")

    def _record(self) -> Path:
        name = hashlib.sha256(f"{self.reference} {self.architecture}".encode()).hexdigest()
        return self.cache.record(f"base-{name}")

    def _keep(self, named: str, base: Base) -> None:
        layers = [layer.blob.digest for layer in base.layers]
        document = {"named": named, "digest": base.digest, "layers": layers, "config": base.config}
        replace_file(self._record(), json.dumps(document))

    def _kept(self) -> tuple[str, Base | None]:
        """What the name stood for when it was last pulled, and the image, unless a part of it was pruned."""
        try:
            document = json.loads(self._record().read_bytes())
            digests, count = document["layers"], len(document["layers"])
            blobs = [self.cache.find(_layer_key(digest)) for digest in digests]
            layers = [TitledBlob(_title(place, count), blob) for place, blob in enumerate(blobs) if blob is not None]
            base = Base(str(self.reference), document["digest"], tuple(layers), document["config"])
            used(self._record())
            return document["named"], base if len(layers) == count else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return "", None


def _check_python(base: Base, wanted: str) -> None:
    """Official images say their version in PYTHON_VERSION; of others nothing is known before they start."""
    there = variables_of(base.config.get("config") or {}).get("PYTHON_VERSION", "")
    if wanted and there and ".".join(there.split(".")[:2]) != wanted:
        raise DeployerError(
            f"The base image {base.reference} has Python {there}, and the Bento needs {wanted}.",
            hint=f"Choose a base image with Python {wanted}, for example {DEFAULT_BASE.format(python=wanted)}.",
        )


def _damaged(reference: ImageReference, how: str) -> DeployerError:
    return DeployerError(
        f"The image {reference} is damaged: {how}.",
        hint="Pull it again after its owner has repaired it, or name another base image.",
    )


def _title(place: int, count: int) -> str:
    return f"base image {place + 1}/{count}"


def _layer_key(digest: str) -> str:
    return f"base-layer-{digest.removeprefix('sha256:')}"
