"""A look into the registry after Docker's push: Lambda takes one plain manifest and no index. Reads only."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import requests

MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
SECONDS = 60
OURS = re.compile(r"\bdeployer: (?P<title>[a-z ]+?(?: \d+)?)(?: # buildkit)?$")
MODEL = re.compile(r"COPY models/(?P<name>\S+) ")


class Unfit(Exception):
    """The registry does not have what Lambda takes."""


class PushedImage:
    """`repository` is `HOST/NAME:TAG`; `url` is the address that stands for the host, if any does."""

    def __init__(self, url: str | None, repository: str, login: tuple[str, str] | None) -> None:
        host, _, path = repository.partition("/")
        name, _, self._tag = path.rpartition(":")
        self._reference, self._login = repository, login
        self._base = f"{url.rstrip('/')}/v2/{host}/{name}" if url else f"https://{host}/v2/{name}"

    def digest(self) -> str | None:
        """Of the tag; None where the registry has no such image."""
        manifest = self._get(f"manifests/{self._tag}")
        return f"sha256:{hashlib.sha256(manifest.content).hexdigest()}" if manifest else None

    def layers(self, digest: str) -> list[dict[str, Any]]:
        """Title, digest and size of each layer. Raises Unfit unless the tag is the plain manifest `digest`."""
        answer = self._get(f"manifests/{self._tag}")
        if answer is None:
            raise Unfit(f"Docker said that it pushed {self._reference}, but the registry has no such image.")
        manifest = answer.json()
        kind = manifest.get("mediaType") or answer.headers.get("Content-Type", "")
        if kind in INDEXES or "manifests" in manifest:
            raise Unfit(
                f"{self._reference} was pushed as an index of several images, which Lambda refuses. Attestations"
                " (provenance, SBOM) make one: they are off here, unless Docker's own settings demand them."
            )
        found = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        if kind not in MANIFESTS or found != digest:
            raise Unfit(f"Docker said that it pushed {self._reference} as {digest}, but the registry has {found}.")
        config = self._get(f"blobs/{manifest['config']['digest']}")
        titles = _titles(config.json() if config else {}, len(manifest["layers"]))
        parts = zip(titles, manifest["layers"], strict=True)
        return [{"title": title, "digest": layer["digest"], "size": layer["size"]} for title, layer in parts]

    def _get(self, path: str) -> requests.Response | None:
        try:
            headers = {"Accept": ", ".join((*MANIFESTS, *INDEXES))}
            answer = requests.get(f"{self._base}/{path}", headers=headers, auth=self._login, timeout=SECONDS)
        except requests.RequestException as error:
            raise Unfit(f"The registry of {self._reference} cannot be asked: {error}") from error
        if answer.status_code not in (requests.codes.ok, requests.codes.not_found):
            raise Unfit(
                f"The registry of {self._reference} answered {answer.status_code} when it was asked for {path}."
            )
        return answer if answer.ok else None


def _titles(config: dict[str, Any], count: int) -> list[str]:
    history = [entry for entry in config.get("history", []) if not entry.get("empty_layer")]
    if len(history) != count:
        return [f"layer {number}" for number in range(1, count + 1)]
    found = [title_of(str(entry.get("created_by", ""))) for entry in history]
    base = next((number for number, title in enumerate(found) if title), count)
    return [
        title or (f"base image {number}/{base}" if number <= base else f"layer {number}")
        for number, title in enumerate(found, 1)
    ]


def title_of(created_by: str) -> str:
    """Of a layer of our Dockerfile; empty for any other."""
    if ours := OURS.search(created_by):
        return ours["title"]
    if model := MODEL.search(created_by):
        return f"model {model['name']}"
    return "working directory" if created_by.startswith("WORKDIR") else ""
