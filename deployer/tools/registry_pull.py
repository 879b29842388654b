"""Reads an image from a registry over the distribution protocol: one platform's manifest, and blobs to disk.

Whatever arrives is compared with the digest by which it was asked for. An image that Lambda could not run, because of
its format, is refused here by the format's name.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError

from deployer.errors import DeployerError
from deployer.tools.http import Unreachable
from deployer.tools.image_reference import ImageReference
from deployer.tools.oci_layout import IMAGES, INDEXES
from deployer.tools.registry_auth import Login
from deployer.tools.registry_http import PASSING, PIECE, Connection, registry_words, unreachable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

OCI, DOCKER = "application/vnd.oci.image", "application/vnd.docker"
GZIP_LAYERS = (f"{OCI}.layer.v1.tar+gzip", f"{DOCKER}.image.rootfs.diff.tar.gzip")
ACCEPT = {"Accept": ", ".join((*IMAGES, *INDEXES))}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
DOCUMENT_LIMIT = 4 << 20  # bytes of a manifest or a configuration; the protocol's own limit
VARIANTS = {"arm64": ("", "v8"), "amd64": ("", "v1")}


@dataclass(frozen=True)
class Part:
    """A blob that a manifest names."""

    media_type: str
    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """One platform's image. `digest` is of the manifest itself; layers from the bottom up."""

    digest: str
    config: Part
    layers: tuple[Part, ...]


class ImageSource:
    """One image of one registry, to read."""

    def __init__(
        self, reference: ImageReference, *, login: Login | None, variables: Mapping[str, str], patience: float = 0.5
    ) -> None:
        self._reference = reference
        self._base = f"{reference.url}/v2/{reference.repository}/"
        self._connection = Connection(reference.url, login=login, variables=variables, patience=patience)
        self._stop = threading.Event()

    def current_digest(self) -> str:
        """What the tag stands for now, by a question that counts towards no pull limit; empty when it is not said."""
        answer = self._connection.request("HEAD", f"{self._base}manifests/{self._reference.version}", headers=ACCEPT)
        if answer.status in (401, 403, 404) or answer.status in PASSING:
            raise self._failure("asking for its manifest", answer)
        return answer.headers.get("Docker-Content-Digest", "") if answer.status == 200 else ""

    def manifest(self, architecture: str) -> tuple[str, Manifest]:
        """The digest of what the reference names, and the manifest for linux on `architecture` (amd64, arm64)."""
        digest, document = self._document(self._reference.version)
        kind = str(document["mediaType"])
        if kind not in INDEXES:
            return digest, self._read_manifest(digest, document)
        chosen = self._choose(document, architecture)
        return digest, self._read_manifest(*self._document(chosen))

    def config(self, part: Part) -> Mapping[str, Any]:
        if part.size > DOCUMENT_LIMIT:
            raise self._refused(f"has a configuration of {part.size} bytes", "name another image")
        content = self._fetch(f"blobs/{part.digest}", "fetching its configuration").data
        self._check(content, part.digest, "configuration")
        return self._parse(content, "configuration")

    def download(self, part: Part, path: Path, title: str) -> None:
        """Put the blob into `path`, whole and compared with its digest. Begun afresh when the connection is cut."""
        attempts = self._connection.attempts()
        while True:
            try:
                with self._connection.reading(f"{self._base}blobs/{part.digest}", {}) as answer:
                    if answer.status != 200:
                        raise self._failure(f"fetching {title}", answer)
                    return self._store(answer, part, path, title)
            except HTTPError as error:
                if not attempts.again(None):
                    raise unreachable(self._reference.url, error) from error

    def stop(self) -> None:
        """End the downloads that are under way in other threads."""
        self._stop.set()

    def _store(self, answer: BaseHTTPResponse, part: Part, path: Path, title: str) -> None:
        found, size = hashlib.sha256(), 0
        with path.open("wb") as file:
            for piece in answer.stream(PIECE, decode_content=False):
                if self._stop.is_set():
                    raise DeployerError("The pull was stopped.")
                size += len(piece)
                if size > part.size:
                    raise self._altered(title, f"more than its {part.size} bytes arrived")
                found.update(piece)
                file.write(piece)
        if size < part.size:
            raise self._altered(title, f"{size} of its {part.size} bytes arrived")
        if f"sha256:{found.hexdigest()}" != part.digest:
            raise self._altered(title, f"what arrived has digest sha256:{found.hexdigest()}, not {part.digest}")

    def _document(self, version: str) -> tuple[str, dict[str, Any]]:
        """A manifest or an index with its digest; its `mediaType` is filled in from the answer's header."""
        answer = self._fetch(f"manifests/{version}", "fetching its manifest")
        digest = f"sha256:{hashlib.sha256(answer.data).hexdigest()}"
        expected = version if DIGEST.fullmatch(version) else answer.headers.get("Docker-Content-Digest", digest)
        self._check(answer.data, expected, "manifest")
        document = self._parse(answer.data, "manifest")
        if document.get("schemaVersion") == 1:
            raise self._refused("is in Docker's old format, schema 1", "push it again with a Docker of this decade")
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        return digest, {**document, "mediaType": document.get("mediaType") or kind}

    def _fetch(self, path: str, doing: str) -> BaseHTTPResponse:
        headers = ACCEPT if path.startswith("manifests/") else None
        answer = self._connection.request("GET", f"{self._base}{path}", headers=headers)
        if answer.status != 200:
            raise self._failure(doing, answer)
        return answer

    def _choose(self, index: Mapping[str, Any], architecture: str) -> str:
        """The digest of the manifest for this platform. Attestations have the platform unknown/unknown."""
        entries = [(entry, entry.get("platform") or {}) for entry in index.get("manifests") or []]
        for variant in VARIANTS[architecture]:
            for entry, platform in entries:
                names = (platform.get("os"), platform.get("architecture"), platform.get("variant") or "")
                if names == ("linux", architecture, variant):
                    return self._part(entry).digest
        there = sorted({_platform(platform) for _, platform in entries} - {"unknown/unknown"})
        raise DeployerError(
            f"The image {self._reference} is not made for linux/{architecture}.",
            hint=f"It is there for: {', '.join(there) or 'no platform'}. Choose another image, or architecture.",
        )

    def _read_manifest(self, digest: str, document: Mapping[str, Any]) -> Manifest:
        kind = str(document["mediaType"])
        if kind not in IMAGES or not isinstance(document.get("layers"), list):
            raise self._refused(
                f"has a manifest of type {kind or 'unknown'}", "name an image of Docker's or OCI's format"
            )
        layers = tuple(self._part(part) for part in document["layers"])
        for part in layers:
            if part.media_type not in GZIP_LAYERS:
                raise self._refused(
                    f"has a layer of type {part.media_type}, and Lambda takes gzip layers only",
                    f"copy it with gzip layers: skopeo copy --dest-compress-format gzip docker://{self._reference} "
                    "docker://YOUR-REGISTRY/NAME:TAG",
                )
        return Manifest(digest, self._part(document.get("config")), layers)

    def _part(self, part: Any) -> Part:
        try:
            found = Part(str(part.get("mediaType", "")), part["digest"], int(part["size"]))
            if DIGEST.fullmatch(found.digest):
                return found
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        raise self._refused("has a manifest that names a part without a sha256 digest and a size", "name another image")

    def _parse(self, content: bytes, what: str) -> dict[str, Any]:
        try:
            document = json.loads(content) if len(content) <= DOCUMENT_LIMIT else None
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise self._refused(f"has a {what} that is no JSON object of at most 4 MiB", "name another image")
        return document

    def _check(self, content: bytes, expected: str, what: str) -> None:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if digest != expected:
            raise self._altered(f"the {what}", f"what arrived has digest {digest}, not {expected}")

    def _altered(self, what: str, how: str) -> DeployerError:
        return DeployerError(
            f"{self._reference}: {what} did not arrive as the registry has it: {how}.",
            hint="Run the command again. If it stays, a proxy changes what is sent, or the registry is damaged.",
        )

    def _refused(self, what: str, way_out: str) -> DeployerError:
        hint = f"{way_out[0].upper()}{way_out[1:]}."
        return DeployerError(f"The image {self._reference} cannot be a base: it {what}.", hint=hint)

    def _failure(self, doing: str, answer: BaseHTTPResponse) -> DeployerError:
        words, reference = registry_words(answer), self._reference
        if answer.status in PASSING:
            hint = "The registry asks for patience or has a fault of its own: run the command again in some minutes."
            return Unreachable(f"{reference}: the registry answered {answer.status}{words} while {doing}.", hint=hint)
        if answer.status == 404:
            return DeployerError(
                f"There is no image {reference}: the registry {reference.host} answered 404{words} while {doing}.",
                hint=f"Check the name {reference.repository} and the version {reference.version}.",
            )
        if answer.status in (401, 403):
            return DeployerError(
                f"The registry {reference.host} does not give out {reference}: it answered {answer.status}{words}.",
                hint=f"Log in: `docker login {reference.host}`. Some registries say so of a name that is not there.",
            )
        return DeployerError(f"{reference}: the registry answered {answer.status}{words} while {doing}.")


def _platform(platform: Mapping[str, Any]) -> str:
    parts = (platform.get("os"), platform.get("architecture"), platform.get("variant"))
    return "/".join(str(part) for part in parts if part)
