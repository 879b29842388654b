"""The history as it is put together from versions, aliases and the results of smoke tests."""

from __future__ import annotations

from deployer.models import Tag
from deployer.releases import Alias, Release, Version
from deployer.stages.history import arrange
from deployer.stages.release import Facts, release_description


def version(number: int, description: str = "") -> Version:
    return Version(str(number), f"sha256:{number:064}", description, f"2026-01-01T00:00:{number:02}Z")


def arranged(*versions: Version, live: Alias | None = None, candidate: Alias | None = None) -> tuple[Release, ...]:
    return arrange(versions, live=live, candidate=candidate, smoke_tests={"9": "passed", "10": "failed", "3": "passed"})


def test_the_newest_release_is_the_first_by_its_number() -> None:
    """Version 10 is newer than version 9, and each has its own result."""
    told = [(release.version.number, release.smoke_test) for release in arranged(version(9), version(10), version(8))]
    assert [("10", "failed"), ("9", "passed"), ("8", "")] == told


def test_a_release_says_what_its_version_says() -> None:
    """One that deployer did not publish says nothing."""
    facts = Facts(Tag("digits", "abc"), "sha256:" + "0" * 64, "f" * 64, commit="1a2b3c4", author="Ann Example")
    mine, foreign = arranged(version(2, release_description(facts)), version(1, "made by hand"))
    assert ("digits:abc", "1a2b3c4", "Ann Example") == (
        mine.provenance.bento,
        mine.provenance.commit,
        mine.provenance.author,
    )
    assert ("", "", "") == (foreign.provenance.bento, foreign.provenance.commit, foreign.provenance.author)


def test_live_and_candidate_are_the_aliases_own_versions_and_shares_are_those_of_the_traffic() -> None:
    """During a canary two versions answer; the alias stands for one of them."""
    live = Alias("live", "2", weights={"3": 0.25})
    found = arranged(version(1), version(2), version(3), live=live, candidate=Alias("candidate", "3"))
    told = [(release.version.number, release.live, release.candidate, release.share) for release in found]
    assert [("3", False, True, 0.25), ("2", True, False, 0.75), ("1", False, False, 0.0)] == told


def test_before_the_first_release_nothing_is_live() -> None:
    """The candidate may be there already."""
    only = arranged(version(1), candidate=Alias("candidate", "1"))[0]
    assert (False, True, 0.0) == (only.live, only.candidate, only.share)
