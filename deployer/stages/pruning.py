"""What may go of a deployment's old releases, and taking it away. Whatever may still be needed is kept.

A version is needed while an alias stands for it, or while a rollback would go to it; an image while a version uses it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from deployer.releases import Alias, Release
from deployer.stages.history import History
from deployer.stages.release import previous_version
from deployer.tools.aws_images import Images, StoredImage
from deployer.tools.aws_releases import Releases


@dataclass(frozen=True)
class Pruning:
    """What is to go: versions (the oldest first), images, and the smoke tests kept for versions that are gone."""

    versions: tuple[Release, ...] = ()
    images: tuple[StoredImage, ...] = ()
    smoke_tests: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.versions or self.images or self.smoke_tests)


def versions_to_remove(history: History, aliases: Sequence[Alias], *, keep: int) -> tuple[Release, ...]:
    """All but the newest `keep`, those that an alias stands for or sends a share to, and the rollback's target."""
    kept = {release.version.number for release in history.releases[:keep]}
    for alias in aliases:
        kept |= {alias.version, *alias.weights}
    if history.live is not None:
        kept.add(previous_version(history.live))
    return tuple(release for release in reversed(history.releases) if release.version.number not in kept)


def images_to_remove(
    history: History, images: Sequence[StoredImage], *, removed: Collection[Release], latest: str
) -> tuple[StoredImage, ...]:
    """The images of removed versions, and those that no version uses. `latest` is the digest of `$LATEST`.

    An image that was pushed after the newest version was published may be the next release, on its way.
    """
    used = {release.version.digest for release in history.releases if release not in removed} | {latest}
    orphans = {release.version.digest for release in removed}
    newest = max(release.version.created for release in history.releases)
    unused = (image for image in images if image.digest not in used)
    return tuple(image for image in unused if image.digest in orphans or image.pushed < newest)


def not_of_others(images: Sequence[StoredImage], releases: Releases) -> tuple[StoredImage, ...]:
    """Without those that another function of the region uses: deployments may share a repository."""
    others = releases.digests_of_others() if images else frozenset()
    return tuple(image for image in images if image.digest not in others)


def users_of(images: Sequence[StoredImage], releases: Releases) -> tuple[str, ...]:
    """The other functions of the region that use one of these images, by name."""
    stored = {image.digest for image in images}
    others = releases.images_of_others() if stored else {}
    return tuple(sorted(name for name, digests in others.items() if digests & stored))


def smoke_tests_to_remove(
    history: History, smoke_tests: Collection[str], *, removed: Collection[Release]
) -> tuple[str, ...]:
    """The numbers of versions whose result is kept though they are gone, or about to be."""
    left = {release.version.number for release in history.releases if release not in removed}
    return tuple(sorted((number for number in smoke_tests if number not in left), key=int))


def remove(pruning: Pruning, releases: Releases, images: Images) -> None:
    """Versions first, so that none is ever left without its image; what a killed run left is removed by the next."""
    for release in pruning.versions:
        releases.delete(release.version.number)
    images.delete([image.digest for image in pruning.images])
    releases.forget_smoke_tests(list(pruning.smoke_tests))


def described(pruning: Pruning, *, repository: str) -> tuple[str, ...]:
    """A line for each thing."""
    return tuple(_lines(pruning, repository))


def _lines(pruning: Pruning, repository: str) -> Iterator[str]:
    for release in pruning.versions:
        bento = f" ({release.provenance.bento})" if release.provenance.bento else ""
        yield f"version {release.version.number}{bento}"
    yield from (f"image {image.digest} of ECR repository {repository}" for image in pruning.images)
    yield from (f"smoke test result of version {number}" for number in pruning.smoke_tests)
