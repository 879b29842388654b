"""The images of ECR in moto, by ECR's rules. No Lambda here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from moto.ecr.models import ecr_backends

from deployer.local.ecr import NoSuchRepository, Repository, TagIsImmutable


def digest_of(repository: Repository, reference: str) -> str | None:
    """Of the image with that tag or digest. Raises NoSuchRepository."""
    for image in _stored(repository).images:
        if reference in image.image_tags or reference == image.image_digest:
            return str(image.image_digest)
    return None


def put(repository: Repository, *, manifest: bytes, media_type: str, tag: str | None) -> str:
    """Raises NoSuchRepository and TagIsImmutable."""
    digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    stored = _stored(repository)
    if tag is not None:
        _free_tag(stored, tag, digest)
    image = next((image for image in stored.images if image.image_digest == digest), None)
    if image is None:
        backend: Any = ecr_backends[repository.account][repository.region]
        backend.put_image(repository.name, manifest.decode("utf-8"), tag, media_type, digest)
    elif tag is not None:
        image.update_tag(tag)
    return digest


def sizes(repository: Repository) -> Mapping[str, int]:
    """Bytes of each image in the repository, config and compressed layers, by digest. Raises NoSuchRepository."""
    return {str(image.image_digest): _size(image.image_manifest) for image in _stored(repository).images}


def _size(manifest: str) -> int:
    described = json.loads(manifest)
    return sum(int(part.get("size", 0)) for part in (described.get("config", {}), *described.get("layers", ())))


def _stored(repository: Repository) -> Any:
    repositories = ecr_backends[repository.account][repository.region].repositories
    if repository.name not in repositories:
        raise NoSuchRepository(repository.name)
    return repositories[repository.name]


def _free_tag(repository: Any, tag: str, digest: str) -> None:
    """Take the tag from another image and keep that image, as ECR does; moto would delete it."""
    for image in repository.images:
        if tag in image.image_tags and image.image_digest != digest:
            if repository.is_tag_immutable():
                raise TagIsImmutable(tag)
            image.remove_tag(tag)
            image.image_tag = image.image_tags[-1] if image.image_tags else None
