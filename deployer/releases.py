"""The frozen values of releases: what Lambda says of versions and aliases, and what a version's description says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LIVE = "live"  # the alias whose Function URL answers the users
CANDIDATE = "candidate"  # the alias of the newest version, which is tested through its own Function URL
PASSED, FAILED = "passed", "failed"


@dataclass(frozen=True)
class Version:
    """A published version. `digest` is of its image (`sha256:…`), `created` a time in UTC as ISO 8601.

    `state` is Lambda's: only an `Active` version answers.
    """

    number: str
    digest: str
    description: str
    created: str
    state: str = "Active"


@dataclass(frozen=True)
class Alias:
    """An alias. `weights`: the shares, 0 to 1, of its traffic that other versions take."""

    name: str
    version: str
    weights: Mapping[str, float] = field(default_factory=dict)
    revision: str = ""
    description: str = ""

    @property
    def is_settling(self) -> bool:
        """Whether the weights are such as AWS itself sets, where a moved alias has provisioned concurrency.

        The version before keeps the traffic then: an older one, or after a rollback a newer one that has all of it. A
        canary gives a newer version a part.
        """
        return any(int(other) < int(self.version) or weight == 1 for other, weight in self.weights.items())

    @property
    def answering(self) -> str:
        """The version that a move to `version` leaves the traffic with; while AWS has not ended one, that before."""
        return next(iter(self.weights)) if self.is_settling else self.version


@dataclass(frozen=True)
class Provisioned:
    """Provisioned concurrency of an alias. `status` is Lambda's; `reason`, why it gave up, too."""

    status: str
    reason: str = ""

    @property
    def is_ready(self) -> bool:
        return self.status == "READY"

    @property
    def has_failed(self) -> bool:
        return self.status == "FAILED"


@dataclass(frozen=True)
class Provenance:
    """What a version was made of, as its description says it; empty texts where it does not.

    `bento` is a tag; `inputs` the short hash of all that decides a release; `commit` and `author` are git's.
    """

    bento: str = ""
    inputs: str = ""
    commit: str = ""
    author: str = ""


@dataclass(frozen=True)
class Release:
    """A version and where it stands. `share`: its part of live's traffic, 0 to 1; `smoke_test`: passed, failed, ""."""

    version: Version
    provenance: Provenance
    share: float = 0.0
    live: bool = False
    candidate: bool = False
    smoke_test: str = ""
