"""What answers, held against what should."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from deployer.models import Tag
from deployer.releases import CANDIDATE, LIVE, Alias, Provisioned, Version
from deployer.stages.drift import inputs_drift, release_drift
from deployer.stages.release import Facts, release_description

INPUTS, OTHER = "a" * 64, "b" * 64


@dataclass
class Releases:
    """A function's aliases and versions, as the door to AWS tells them."""

    aliases: Mapping[str, Alias]
    versions: Mapping[str, Version] = field(default_factory=dict)
    made: Provisioned | None = None

    def provisioned(self, alias: str) -> Provisioned | None:
        return self.made if alias == LIVE else None

    def alias(self, name: str) -> Alias | None:
        return self.aliases.get(name)

    def version(self, qualifier: str) -> Version | None:
        return self.versions.get(qualifier)


@dataclass
class Images:
    """A repository that lacks some images."""

    lost: Collection[str] = ()

    def has(self, digest: str) -> bool:
        return digest not in self.lost


def version(number: str, *, inputs: str = INPUTS, state: str = "Active") -> Version:
    digest = f"sha256:{int(number):064x}"
    description = release_description(Facts(Tag("digits", "v1"), digest, inputs)) if inputs else "by hand"
    return Version(number, digest, description, "2026-11-23T04:05:06Z", state)


def told(releases: Releases, images: Images | None = None) -> list[str]:
    found = release_drift(releases, images or Images())  # type: ignore[arg-type]
    return [f"{drift.what} {drift.where}: {drift.detail}" for drift in found]


def pointing(live: str, candidate: str, *, weights: Mapping[str, float] | None = None) -> dict[str, Alias]:
    return {LIVE: Alias(LIVE, live, weights or {}), CANDIDATE: Alias(CANDIDATE, candidate)}


def test_a_whole_release_has_none() -> None:
    """Also after a rollback, where the candidate is another version."""
    versions = {"1": version("1"), "2": version("2")}
    assert [] == told(Releases(pointing("2", "2"), versions))
    assert [] == told(Releases(pointing("1", "2"), versions))


def test_nothing_released_is_told() -> None:
    """The first `up` was cut off before its second apply."""
    first = Releases({CANDIDATE: Alias(CANDIDATE, "1")}, {"1": version("1")})
    assert ["traffic live: there is no such alias: no version answers; `deployer up` releases one"] == told(first)


def test_traffic_that_is_still_shared_is_told_with_its_share() -> None:
    """A canary that was killed."""
    versions = {"1": version("1"), "2": version("2")}
    assert [
        "traffic live: version 2 takes 10% of what version 1 should have;"
        " `deployer up` or `deployer rollback` ends that"
    ] == told(Releases(pointing("1", "2", weights={"2": 0.1}), versions))


def test_the_weights_of_aws_itself_are_told_only_where_it_gave_up() -> None:
    """They keep the traffic at the version before until the new one's provisioned environments are ready."""
    versions, aliases = {"1": version("1"), "2": version("2")}, pointing("2", "2", weights={"1": 1.0})
    assert [] == told(Releases(aliases, versions, Provisioned("IN_PROGRESS")))
    assert [
        "traffic live: version 1 still answers in place of version 2: AWS could not make the provisioned environments"
        " (FUNCTION_ERROR_INIT_FAILURE); `deployer up` or `deployer rollback` ends that"
    ] == told(Releases(aliases, versions, Provisioned("FAILED", "FUNCTION_ERROR_INIT_FAILURE")))


def test_an_older_version_with_a_share_that_aws_did_not_give_it_is_told() -> None:
    """Without provisioned concurrency the weights are somebody's own."""
    versions = {"1": version("1"), "2": version("2")}
    (line,) = told(Releases(pointing("2", "2", weights={"1": 0.5}), versions))
    assert line.startswith("traffic live: version 1 takes 50% of what version 2 should have;")


def test_a_version_that_cannot_answer_is_told_once() -> None:
    """Inactive, deleted, or with its image gone."""
    releases = Releases(pointing("1", "1"), {"1": version("1", state="Inactive")})
    assert ["version version 1: its state is Inactive: only an Active version answers"] == told(releases)
    assert ["version version 1: an alias points at it, and it is not there"] == told(Releases(pointing("1", "1")))
    whole = Releases(pointing("1", "1"), {"1": version("1")})
    lost = Images({version("1").digest})
    assert ["image version 1: its image sha256:000000000000 is not in ECR any more"] == told(whole, lost)


def test_other_inputs_are_told_with_what_up_would_do() -> None:
    """Nothing where they are the same, and where nothing is released: that is told anyway."""
    live, candidate, stranger = version("1"), version("2", inputs=OTHER), version("3", inputs="")
    asked = [
        (live, live, INPUTS),
        (None, candidate, INPUTS),
        (live, candidate, OTHER),
        (live, live, OTHER),
        (stranger, stranger, OTHER),
    ]
    assert [
        [],
        [],
        ["`deployer up` would release version 2, which is there already"],
        ["version 1 was made of other inputs: `deployer up` would make a new one"],
        ["version 3 does not say what it was made of: `deployer up` would make one"],
    ] == [[drift.detail for drift in inputs_drift(*each)] for each in asked]
