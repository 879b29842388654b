"""Provisioned environments of `live`: AWS keeps the traffic at the version before until they are ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest

from deployer.clock import Clock
from deployer.config import Spec
from deployer.errors import BadInput, DeployerError
from deployer.releases import LIVE, Alias, Provisioned, Version
from deployer.stages.canary_steps import parse_steps
from deployer.stages.provisioned import (
    WAIT_SECONDS,
    NotProvisioned,
    end_shares,
    refuse_canary,
    until_it_answers,
    until_provisioned,
)
from deployer.stages.release import live_description
from deployer.stages.serving import Serving

MOVED = Alias(LIVE, "2", {"1": 1.0}, description=live_description("1"))
WHOLE = replace(MOVED, weights={})
MAKING, READY, GIVEN_UP = Provisioned("IN_PROGRESS"), Provisioned("READY"), Provisioned("FAILED", "INIT_FAILURE")

Seen = tuple[Alias, Provisioned | None]


@dataclass
class Lambda:
    """What AWS says of `live`, one pair after the other; the last one stays. A move is what comes next."""

    seen: list[Seen]
    after: Callable[[Alias], Seen] = lambda alias: (alias, None)
    moves: list[tuple[str, str | None]] = field(default_factory=list)
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)
    updates: list[str] = field(default_factory=list)

    def alias(self, name: str) -> Alias | None:
        assert name == LIVE
        return self.seen[0][0]

    def provisioned(self, alias: str) -> Provisioned | None:
        return self.seen[0][1] if alias == LIVE else None

    def move(
        self,
        alias: Alias,
        version: str,
        *,
        weights: Mapping[str, float] | None = None,
        description: str | None = None,
    ) -> Alias:
        self.moves.append((version, description))
        said = alias.description if description is None else description
        self.seen = [self.after(replace(alias, version=version, weights=dict(weights or {}), description=said))]
        return self.seen[0][0]

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.seen = self.seen[1:] or self.seen

    def wait(self) -> None:
        until_provisioned(self, clock=self.clock(), say=self.said.append)

    def end(self) -> None:
        end_shares(self.seen[0][0], self, clock=self.clock(), say=self.said.append, update=self.updates.append)

    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self.sleep)


@pytest.mark.parametrize(
    ("live", "settling", "answering"),
    [
        (Alias(LIVE, "2"), False, "2"),
        (Alias(LIVE, "1", {"2": 0.1}), False, "1"),
        (Alias(LIVE, "9", {"10": 0.999}), False, "9"),
        (Alias(LIVE, "10", {"9": 1.0}), True, "9"),
        (Alias(LIVE, "10", {"9": 0.4}), True, "9"),
        (Alias(LIVE, "1", {"2": 1.0}), True, "2"),
    ],
)
def test_a_canary_gives_a_newer_version_a_part_and_aws_leaves_the_version_before_what_it_had(
    live: Alias, *, settling: bool, answering: str
) -> None:
    """After an `up` that version is older; after a rollback it is newer and has everything, as no canary gives it."""
    assert (settling, answering) == (live.is_settling, live.answering)


@pytest.mark.parametrize(("weights", "whole"), [({}, True), ({"1": 1.0}, True), ({"3": 0.1}, False)])
def test_a_release_that_aws_still_moves_is_whole(weights: Mapping[str, float], *, whole: bool) -> None:
    """There is nothing left for deployer to move; a canary's share is."""
    version = Version("2", "sha256:2", "", "2026-11-23T04:05:06Z")
    assert whole == Serving(Alias(LIVE, "2", weights), version, "https://live/").is_whole


@pytest.mark.parametrize("alias", [WHOLE, MOVED])
def test_without_provisioned_concurrency_nothing_is_waited_for(alias: Alias) -> None:
    """Then the weights are somebody's own."""
    aws = Lambda([(alias, None)])
    aws.wait()
    assert (0.0, []) == (aws.seconds, aws.said)


def test_a_moved_live_is_waited_for_until_its_version_answers_everything() -> None:
    """Ready environments are not enough while the weights are there, nor are weights that are gone without them."""
    aws = Lambda([(MOVED, READY), (MOVED, MAKING), (WHOLE, MAKING), (WHOLE, READY)])
    aws.wait()
    assert (15.0, 3) == (aws.seconds, len(aws.said))
    assert "version 1 answers until the provisioned environments of version 2 are ready" == aws.said[0]


@pytest.mark.parametrize(
    ("moved", "count", "seconds"),
    [(WHOLE, None, 0.0), (WHOLE, 2, 5.0), (MOVED, None, 5.0)],
    ids=["the usual one", "of a config that provisions", "of a config that is older than what is provisioned"],
)
def test_a_move_is_waited_for_where_aws_may_not_have_ended_it(moved: Alias, count: int | None, seconds: float) -> None:
    """Nobody else asks AWS about provisioned concurrency."""
    aws = Lambda([(MOVED, MAKING), (WHOLE, READY)])
    until_it_answers(moved, Spec(provisioned_concurrency=count), aws, clock=aws.clock(), say=aws.said.append)
    assert seconds == aws.seconds


@pytest.mark.parametrize(
    ("alias", "told", "way_out"),
    [
        (
            MOVED,
            "Version 1 still answers: AWS could not make the provisioned environments of version 2 (INIT_FAILURE).",
            "`deployer rollback --to 2` gives version 2 the traffic without them, `deployer rollback --to 1` leaves it"
            " to version 1. AWS's reason, and spec.provisioned_concurrency, say what to correct before the next"
            " `deployer up`.",
        ),
        (
            WHOLE,
            "Version 2 answers: AWS could not make the provisioned environments of version 2 (INIT_FAILURE).",
            "It answers without them, with cold starts. AWS's reason, and spec.provisioned_concurrency, say what to"
            " correct before the next `deployer up`.",
        ),
    ],
)
def test_environments_that_aws_gave_up_are_told_with_the_version_that_answers(
    alias: Alias, told: str, way_out: str
) -> None:
    """And how either version gets the traffic."""
    with pytest.raises(NotProvisioned) as caught:
        Lambda([(alias, MAKING), (alias, GIVEN_UP)]).wait()
    assert (told, way_out) == (caught.value.message, caught.value.hint)


def test_the_wait_ends() -> None:
    """AWS goes on by itself, and nothing is taken back."""
    aws = Lambda([(MOVED, MAKING)])
    with pytest.raises(DeployerError, match=r"Version 1 still answers: .* version 2 are not ready after 15") as caught:
        aws.wait()
    assert "`deployer rollback --to 2` gives version 2 the traffic without them" in caught.value.hint
    assert (WAIT_SECONDS, []) == (aws.seconds, aws.moves)


@pytest.mark.parametrize(("alias", "back"), [(Alias(LIVE, "1", {"2": 0.1}), "1"), (Alias(LIVE, "2", {"1": 0.5}), "2")])
def test_shares_that_nobody_watches_end(alias: Alias, back: str) -> None:
    """A killed canary's, and an older version's without provisioned concurrency; the description stays."""
    aws = Lambda([(alias, None)])
    aws.end()
    assert [(back, None)] == aws.moves
    assert [f"Version {back} has all the traffic again, which a canary had begun to move"] == aws.said


def test_aws_is_left_to_end_its_own() -> None:
    """A run that was killed while it waited goes on with that."""
    aws = Lambda([(MOVED, MAKING), (WHOLE, READY)])
    aws.end()
    assert ([], WHOLE) == (aws.moves, aws.seen[0][0])
    assert ([], 1) == (aws.said, len(aws.updates))


@pytest.mark.parametrize("then", [READY, GIVEN_UP])
def test_where_aws_gave_up_live_goes_back_to_the_version_that_answers(then: Provisioned) -> None:
    """What is corrected can be released then; a rollback without --to has no version before that it could mean."""
    aws = Lambda([(MOVED, GIVEN_UP)], after=lambda alias: (alias, then))
    aws.end()
    assert [("1", live_description(""))] == aws.moves
    assert aws.said[0].startswith("Version 1 still answers: AWS could not make")
    assert "live points at version 1 again" == aws.said[1]


@pytest.mark.parametrize(("count", "steps"), [(None, "10%"), (2, "")])
def test_a_canary_or_provisioned_concurrency_is_allowed(count: int | None, steps: str) -> None:
    """One of them."""
    refuse_canary(parse_steps(steps) if steps else (), Spec(provisioned_concurrency=count))


def test_a_canary_beside_provisioned_concurrency_is_refused() -> None:
    """AWS itself sets the weights then."""
    with pytest.raises(BadInput, match=r"--canary .* spec\.provisioned_concurrency") as caught:
        refuse_canary(parse_steps("10%"), Spec(provisioned_concurrency=2))
    assert "without --canary" in caught.value.hint
