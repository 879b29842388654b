"""The images of one ECR repository by digest: which are there, and taking some away. No boto3: `ecr` is its client.

To have no such repository is to have no images.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from botocore.exceptions import ClientError

from deployer.errors import DeployerError
from deployer.tools.aws_errors import code
from deployer.tools.aws_leftovers import repository_owner

AT_ONCE = 100  # images that one BatchDeleteImage takes
_GONE = frozenset({"ImageNotFound", "ImageReferencedByManifestList"})  # the latter goes with the list that holds it


@dataclass(frozen=True)
class StoredImage:
    """`pushed` is a time in UTC as ISO 8601."""

    digest: str
    pushed: str
    tags: tuple[str, ...] = ()


class Images:
    """Every method raises DeployerError where AWS refuses or cannot be reached."""

    def __init__(self, ecr: Any, repository: str, explained: Callable[[str], AbstractContextManager[None]]) -> None:
        self._ecr, self._repository, self._explained = ecr, repository, explained

    def owner(self) -> str | None:
        """The deployment that deployer made the repository for; None where there is none, or it is somebody else's."""
        with self._explained(f"Asking whose ECR repository {self._repository} is"):
            return repository_owner(self._ecr, self._repository)

    def has(self, digest: str) -> bool:
        with self._explained(f"Looking up {self._repository}@{digest} in ECR"):
            try:
                self._ecr.describe_images(repositoryName=self._repository, imageIds=[{"imageDigest": digest}])
            except ClientError as error:
                if code(error) in {"RepositoryNotFoundException", "ImageNotFoundException"}:
                    return False
                raise
        return True

    def all(self) -> tuple[StoredImage, ...]:
        """The oldest first."""
        pages = self._ecr.get_paginator("describe_images").paginate(repositoryName=self._repository)
        with self._explained(f"Listing the images of {self._repository}"):
            try:
                found = [_stored(image) for page in pages for image in page["imageDetails"]]
            except ClientError as error:
                if code(error) == "RepositoryNotFoundException":
                    return ()
                raise
        return tuple(sorted(found, key=lambda image: (image.pushed, image.digest)))

    def delete(self, digests: Sequence[str]) -> None:
        """Delete images with all their tags. One that is gone already is no error."""
        for some in _chunks(digests, AT_ONCE):
            with self._explained(f"Deleting images of {self._repository}"):
                answer = self._ecr.batch_delete_image(
                    repositoryName=self._repository, imageIds=[{"imageDigest": digest} for digest in some]
                )
            for failure in answer.get("failures", ()):
                if failure.get("failureCode") not in _GONE:
                    raise DeployerError(
                        f"ECR did not delete {failure.get('imageId', {}).get('imageDigest', 'an image')}"
                        f" of {self._repository}: {failure.get('failureReason', 'it does not say why')}",
                        hint="Run the command again: what is deleted stays so.",
                    )


def _stored(image: dict[str, Any]) -> StoredImage:
    pushed: datetime = image["imagePushedAt"]
    return StoredImage(
        digest=str(image["imageDigest"]),
        pushed=f"{pushed.astimezone(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        tags=tuple(image.get("imageTags", ())),
    )


def _chunks(values: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (values[at : at + size] for at in range(0, len(values), size))
