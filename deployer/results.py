"""The frozen values that workflows end with, one for each command that changes something, and what a screen shows."""

from __future__ import annotations

from dataclasses import dataclass

from deployer.models import Change, Image, SmokeReport, Tag


@dataclass(frozen=True)
class UpResult:
    """What `deployer up` made of a Bento and its `models`: `version` is the release's, and was tested.

    `live` is the version that answers at `endpoint` now, another one where the test failed; both are empty where none
    does. `changed` when anything was pushed, applied or moved. `problem`: why a canary lost its traffic again.
    """

    bento: Tag
    image: Image
    function_name: str
    version: str
    live: str
    endpoint: str
    changed: bool
    smoke_test: SmokeReport
    models: tuple[Tag, ...] = ()  # in the Bento's order
    problem: str = ""


@dataclass(frozen=True)
class PlanResult:
    """What `deployer up` would do. `builds`: an image would be made; `live` is the version that answers now, or empty.

    `releases`: a version would be tested and get the traffic: one that is there (`candidate`), or a new one.
    """

    bento: Tag
    builds: bool
    changes: tuple[Change, ...]
    releases: bool
    live: str = ""
    candidate: str = ""

    @property
    def changed(self) -> bool:
        return self.builds or self.releases or bool(self.changes)


@dataclass(frozen=True)
class DownResult:
    """What `deployer down` removed, and what it left as it was told to, a line each; empty when there was nothing."""

    name: str
    target: str
    removed: tuple[str, ...]
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class RollbackResult:
    """What `deployer rollback` did: `live` stands for `version` now and stood for `previous` before, maybe the same.

    `tested` is the version that was to get the traffic; `smoke_test` is None where it had all of it already.
    """

    function_name: str
    version: str
    previous: str
    tested: str
    changed: bool
    smoke_test: SmokeReport | None = None


@dataclass(frozen=True)
class StateResult:
    """Where the terraform state of a deployment is: a file's path, or a place such as `s3://bucket/key`.

    `lock` says who holds its lock, empty where nobody does; `moves_to` where the next `up` brings it, empty: nowhere.
    """

    name: str
    place: str
    resources: tuple[str, ...]
    lock: str = ""
    lock_id: str = ""
    moves_to: str = ""


@dataclass(frozen=True)
class StateBucketResult:
    """The bucket of terraform states, and what was done to it, a line each; empty where nothing had to be."""

    bucket: str
    region: str
    done: tuple[str, ...]


@dataclass(frozen=True)
class PruneResult:
    """What `deployer prune` removed, or would remove (`dry_run`), a line each; empty when there was nothing."""

    removed: tuple[str, ...]
    dry_run: bool = False


@dataclass(frozen=True)
class AdoptResult:
    """What `deployer adopt` did. `holds` are the old deployment's things; `kept` are those that had to stay.

    `version` is what the old API at `old_endpoint` asks, `endpoint` the new one, each empty where there is none; `next`
    is what the user does, in that order; `set_aside` are the new names of the old folder's files.
    """

    name: str
    holds: tuple[str, ...] = ()
    version: str = ""
    old_endpoint: str = ""
    endpoint: str = ""
    next: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
