"""What may go of old releases, and what may not."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from deployer.releases import Alias, Provenance, Release, Version
from deployer.stages.history import History
from deployer.stages.pruning import (
    Pruning,
    described,
    images_to_remove,
    not_of_others,
    smoke_tests_to_remove,
    users_of,
    versions_to_remove,
)
from deployer.stages.release import live_description
from deployer.tools.aws_images import StoredImage

LIVE = Alias("live", "4", description=live_description("2"))
CANDIDATE = Alias("candidate", "9")


def release(number: int, digest: str = "") -> Release:
    version = Version(str(number), digest or f"sha256:{number}", "", f"2026-01-{number:02}T00:00:00Z")
    return Release(version, Provenance(f"digits:v{number}"))


HISTORY = History("digits", tuple(release(number) for number in range(9, 0, -1)), LIVE)


def image(digest: str, day: int) -> StoredImage:
    return StoredImage(f"sha256:{digest}", f"2026-01-{day:02}T00:00:00Z")


@pytest.mark.parametrize(
    ("keep", "aliases", "removed"),
    [
        (1, (LIVE, CANDIDATE), "135678"),
        (3, (LIVE, CANDIDATE), "1356"),
        (20, (LIVE, CANDIDATE), ""),
        (1, (LIVE, CANDIDATE, Alias("beta", "6")), "13578"),
        (1, (Alias("live", "4", weights={"7": 0.1}), CANDIDATE), "13568"),
    ],
)
def test_what_an_alias_stands_for_and_the_way_back_stay(keep: int, aliases: tuple[Alias, ...], removed: str) -> None:
    """Version 2 is where a rollback goes; an alias of the user's own, and a share of the traffic, count too."""
    found = versions_to_remove(HISTORY, aliases, keep=keep)
    assert list(removed) == [one.version.number for one in found]


def test_an_image_stays_while_a_version_uses_it() -> None:
    """Two versions of one image, and `$LATEST`, which may be of an image that was not published yet."""
    history = History("digits", (release(3, "sha256:a"), release(2, "sha256:b"), release(1, "sha256:a")))
    there = [image("a", 1), image("b", 2), image("latest", 1)]
    removed = images_to_remove(history, there, removed=history.releases[1:], latest="sha256:latest")
    assert ["sha256:b"] == [one.digest for one in removed]


def test_an_image_of_no_version_goes_once_a_newer_version_is_there() -> None:
    """A build that failed afterwards left it; one that was pushed later may be on its way to be a release."""
    there = [image("9", 1), image("orphan", 8), image("published-the-same-second", 9), image("on-its-way", 10)]
    removed = images_to_remove(HISTORY, there, removed=(), latest="sha256:9")
    assert ["sha256:orphan"] == [one.digest for one in removed]


def test_an_image_that_was_pushed_again_goes_with_its_version() -> None:
    """When it was pushed says nothing then."""
    history = History("digits", (release(2), release(1)))
    removed = images_to_remove(history, [image("1", 20)], removed=history.releases[1:], latest="sha256:2")
    assert ["sha256:1"] == [one.digest for one in removed]


@dataclass
class Releases:
    """Other functions of the region that use one image; `asked` is how often that was asked for."""

    others: frozenset[str]
    asked: int = 0

    def digests_of_others(self) -> frozenset[str]:
        self.asked += 1
        return self.others


def test_an_image_that_another_function_uses_stays() -> None:
    """Two deployments may share a repository; without an image to delete nothing is asked."""
    releases = Releases(frozenset({"sha256:shared"}))
    assert () == not_of_others((), releases)  # type: ignore[arg-type]
    assert 0 == releases.asked
    assert (image("1", 1),) == not_of_others((image("shared", 1), image("1", 1)), releases)  # type: ignore[arg-type]


def test_results_of_versions_that_are_gone_go() -> None:
    """Those that a killed run left, too."""
    removed = HISTORY.releases[-2:]
    assert ("1", "2", "12") == smoke_tests_to_remove(HISTORY, {"1", "2", "12", "9"}, removed=removed)


def test_each_thing_is_a_line() -> None:
    """With its Bento, where that is known."""
    unknown = Release(Version("2", "sha256:2", "", ""), Provenance())
    there = Pruning((HISTORY.releases[-1], unknown), (image("1", 1),), ("1",))
    assert (
        "version 1 (digits:v1)",
        "version 2",
        "image sha256:1 of ECR repository team/digits",
        "smoke test result of version 1",
    ) == described(there, repository="team/digits")
    assert (False, True) == (bool(Pruning()), bool(there))


def test_who_else_uses_the_images_of_a_repository_is_named() -> None:
    """Another environment, say: `down` of this one leaves its images."""
    images = (image("1", 1), image("2", 2))
    assert ("digits-prod", "words") == users_of(images, Others({"words": {"2"}, "digits-prod": {"1"}, "zip": {"9"}}))  # type: ignore[arg-type]
    assert () == users_of(images, Others({"words": {"9"}}))  # type: ignore[arg-type]
    assert () == users_of((), Others({"words": {"9"}}))  # type: ignore[arg-type]


class Others:
    """What the other functions of the region use."""

    def __init__(self, used: dict[str, set[str]]) -> None:
        self.used = used

    def images_of_others(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(f"sha256:{digest}" for digest in digests) for name, digests in self.used.items()}
