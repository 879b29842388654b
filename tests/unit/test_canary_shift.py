"""A canary on a clock that does not wait, with an alias, metrics and smoke tests of the test's own."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from deployer.clock import Clock
from deployer.errors import DeployerError, Interrupted
from deployer.models import SmokeCheck, SmokeReport
from deployer.releases import LIVE, Alias
from deployer.stages.canary import CanaryFailed, Doors, MovedElsewhere, parse_steps, shift
from deployer.tools.aws_metrics import VersionMetrics
from deployer.tools.aws_releases import AliasMoved

STARTED = Alias(LIVE, "6", revision="r0", description="The version that answers requests; 5 did before.")
HEALTHY = SmokeReport("https://candidate/", (SmokeCheck("answer", True, "POST /predict answered 200"),), sampled=True)
SICK = replace(HEALTHY, checks=(SmokeCheck("answer", False, "POST /predict answered 500"),))
TENTH, HALF, NONE = {"7": 0.1}, {"7": 0.5}, {}

Hook = Callable[[], None]


def nothing() -> None:
    """A hook that does nothing."""


@dataclass
class FakeTime:
    """Seconds pass in `sleep` only; `hooks` are called at the sleep of that number, the first being 1."""

    seconds: float = 0.0
    sleeps: list[float] = field(default_factory=list)
    hooks: Mapping[int, Hook] = field(default_factory=dict)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.sleeps.append(seconds)
        self.hooks.get(len(self.sleeps), nothing)()

    def clock(self) -> Clock:
        return Clock(now=lambda: self.seconds, sleep=self.sleep)


@dataclass
class FakeReleases:
    """An alias with Lambda's rule: who does not know its revision does not move it.

    `hooks` are called before the move of that number, the first being 1; `afterwards` when it is done.
    """

    now: Alias | None = STARTED
    tried: list[tuple[str, Mapping[str, float]]] = field(default_factory=list)
    hooks: Mapping[int, Hook] = field(default_factory=dict)
    afterwards: Mapping[int, Hook] = field(default_factory=dict)

    def alias(self, name: str) -> Alias | None:
        assert name == LIVE
        return self.now

    def move(self, alias: Alias, version: str, *, weights: Mapping[str, float] | None = None) -> Alias:
        self.tried.append((version, dict(weights or {})))
        number = len(self.tried)
        self.hooks.get(number, nothing)()
        if self.now is None or alias.revision != self.now.revision:
            raise AliasMoved("The alias live of digits was moved by somebody else meanwhile: it is left so.")
        self.now = replace(self.now, version=version, weights=dict(weights or {}), revision=f"r{number}")
        self.afterwards.get(number, nothing)()
        return self.now

    def change(self, **fields: object) -> None:
        """Somebody else's change, which renews the revision."""
        assert self.now is not None
        self.now = replace(self.now, revision=f"{self.now.revision}x", **fields)  # type: ignore[arg-type]

    def lose(self) -> None:
        self.now = None


@dataclass
class FakeMetrics:
    """`told` is what is measured at each reading, the last entry again and again; an exception in it is raised."""

    told: list[VersionMetrics | BaseException] = field(default_factory=lambda: [VersionMetrics("7", 20, p95=80.0)])
    asked: list[float] = field(default_factory=list)

    def of(self, versions: Sequence[str], *, seconds: float) -> tuple[VersionMetrics, ...]:
        assert ("6", "7") == tuple(versions)
        self.asked.append(seconds)
        new = self.told.pop(0) if len(self.told) > 1 else self.told[0]
        if isinstance(new, BaseException):
            raise new
        return VersionMetrics("6", 180, p95=75.0), new


@dataclass
class Canary:
    """A canary of version 7 over version 6, and all that it touches."""

    time: FakeTime = field(default_factory=FakeTime)
    releases: FakeReleases = field(default_factory=FakeReleases)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    reports: list[SmokeReport] = field(default_factory=lambda: [HEALTHY])
    tested: int = 0
    testing: Mapping[int, Hook] = field(default_factory=dict)  # called in the smoke test of that number
    said: list[str] = field(default_factory=list)
    passing: list[str] = field(default_factory=list)

    def run(
        self,
        steps: str = "10%:60s,50%:60s",
        live: Alias = STARTED,
        promote: Callable[[Alias], Alias] = lambda alias: alias,
    ) -> Alias:
        doors = Doors(
            releases=self.releases,
            metrics=self.metrics,
            smoke_test=self.smoke_test,
            clock=self.time.clock(),
            say=self.said.append,
            update=self.passing.append,
        )
        return shift(live, "7", parse_steps(steps), doors, promote=promote)

    def smoke_test(self) -> SmokeReport:
        self.tested += 1
        self.testing.get(self.tested, nothing)()
        return self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]

    @property
    def weights(self) -> list[Mapping[str, float]]:
        """The weights that were asked for, in their order. The version must not change."""
        assert {"6"} == {version for version, _ in self.releases.tried}
        return [weights for _, weights in self.releases.tried]


def ctrl_c() -> None:
    raise KeyboardInterrupt


def test_the_new_version_goes_up_through_the_steps() -> None:
    """The alias stays at the old version, with the last share: the caller makes the final move."""
    canary = Canary()
    last = canary.run()
    assert [TENTH, HALF] == canary.weights
    assert last == canary.releases.now
    assert ("6", HALF, STARTED.description) == (last.version, last.weights, last.description)
    assert [15.0] * 8 == canary.time.sleeps
    assert 8 == canary.tested
    assert [0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0, 105.0, 120.0] == canary.metrics.asked
    told = "version 7: 20 invocations, 0 errors, p95 80 ms; version 6: 180 invocations, 0 errors, p95 75 ms"
    assert [
        "Version 7 gets 10 % of the requests for 1m",
        f"Version 7 holds at 10 %: {told}",
        "Version 7 gets 50 % of the requests for 1m",
        f"Version 7 holds at 50 %: {told}",
    ] == canary.said
    assert "10 %, 45 s left; version 7: 20 invocations, 0 errors, p95 80 ms" == canary.passing[0]


@pytest.mark.parametrize(
    ("steps", "sleeps"), [("10%:2s", [1.0, 1.0]), ("10%:20s", [10.0, 10.0]), ("10%:40s", [15.0, 15.0, 10.0])]
)
def test_a_step_is_looked_at_twice_at_least_and_at_its_end(steps: str, sleeps: list[float]) -> None:
    """A short one too."""
    canary = Canary()
    canary.run(steps)
    assert sleeps == canary.time.sleeps


def test_a_slow_smoke_test_takes_its_time_from_the_step() -> None:
    """But a step is not over after one look."""
    canary = Canary()
    canary.time.hooks = {1: lambda: canary.time.sleep(100.0)}
    canary.run("10%:30s")
    assert 2 == canary.tested
    assert canary.time.sleeps[-1] == 0.0


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (
            VersionMetrics("7", 20, errors=4),
            "4 of the 20 requests to version 7 ended in an error (version 6: 0 of 180)",
        ),
        (VersionMetrics("7", 20, throttles=20), "20 of the 40 requests to version 7 were throttled"),
        (VersionMetrics("7", 60, p95=900.0), "version 7 takes 900 ms at p95 (version 6: 75 ms)"),
    ],
)
def test_a_worse_version_loses_its_traffic(measured: VersionMetrics, said: str) -> None:
    """At the look that sees it, here in the second step."""
    canary = Canary(metrics=FakeMetrics([VersionMetrics("7", 20)] * 6 + [measured]))
    with pytest.raises(CanaryFailed) as failed:
        canary.run()
    assert [TENTH, HALF, NONE] == canary.weights
    assert 75.0 <= canary.time.seconds <= 90.0
    assert f"Version 7 is not good enough: {said}" in failed.value.message
    assert failed.value.message.endswith("Version 6 alone answers again.")
    assert (4, None) == (failed.value.exit_code, failed.value.report)


def test_a_smoke_test_that_fails_later_takes_the_traffic_away() -> None:
    """The failed report goes with the error."""
    canary = Canary(reports=[HEALTHY, SICK])
    with pytest.raises(CanaryFailed, match="its smoke test failed: answer: POST /predict answered 500") as failed:
        canary.run()
    assert [TENTH, NONE] == canary.weights
    assert SICK == failed.value.report


def test_without_a_measured_request_the_smoke_tests_decide() -> None:
    """And that is said."""
    canary = Canary(metrics=FakeMetrics([VersionMetrics("7")]))
    canary.run("10%:60s")
    assert [TENTH] == canary.weights
    assert "Version 7 holds at 10 %: no request to it is measured yet, its smoke tests alone decide" == canary.said[-1]


def test_who_cannot_read_metrics_begins_nothing() -> None:
    """Nobody gets a version that cannot be watched."""
    canary = Canary(metrics=FakeMetrics([DeployerError("Reading the metrics of digits: access denied.")]))
    with pytest.raises(DeployerError, match="access denied"):
        canary.run()
    assert STARTED == canary.releases.now


def test_metrics_that_cannot_be_read_any_more_end_it() -> None:
    """The door's own error is what the user gets, and a line says what answers now."""
    lost = DeployerError("Reading the metrics of digits: AWS gave no answer.")
    canary = Canary(metrics=FakeMetrics([VersionMetrics("7"), VersionMetrics("7"), lost]))
    with pytest.raises(DeployerError) as failed:
        canary.run()
    assert failed.value is lost
    assert [TENTH, NONE] == canary.weights
    assert "Version 6 alone answers again." == canary.said[-1]


def test_a_share_that_is_refused_is_no_canary() -> None:
    """Who may not move the alias is not kept waiting for moving it back."""

    def refused() -> None:
        raise DeployerError("Moving the alias live of digits to version 6: access denied.")

    canary = Canary(releases=FakeReleases(hooks={1: refused, 2: refused}))
    with pytest.raises(DeployerError, match="access denied"):
        canary.run()
    assert STARTED == canary.releases.now
    assert [0.0] == canary.time.sleeps


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), ZeroDivisionError("a bug")])
def test_whatever_ends_it_puts_live_back(error: BaseException) -> None:
    """In the middle of the second step; the error goes on as it was."""

    def end() -> None:
        raise error

    canary = Canary(time=FakeTime(hooks={6: end}))
    with pytest.raises(type(error)) as ended:
        canary.run()
    assert ended.value is error
    assert [TENTH, HALF, NONE] == canary.weights
    assert "Version 6 alone answers again." == canary.said[-1]


@pytest.mark.parametrize("when", ["before", "after"])
def test_ctrl_c_in_the_very_move_puts_live_back(when: str) -> None:
    """Whether AWS made the change is not known then: it is asked, and what may be on its way is overtaken."""
    releases = FakeReleases(hooks={1: ctrl_c}) if when == "before" else FakeReleases(afterwards={1: ctrl_c})
    canary = Canary(releases=releases)
    with pytest.raises(KeyboardInterrupt):
        canary.run()
    assert [TENTH, NONE] == canary.weights
    assert canary.releases.now is not None
    assert (NONE, "r2") == (canary.releases.now.weights, canary.releases.now.revision)


def test_a_share_that_comes_after_its_ctrl_c_is_taken_back() -> None:
    """The request that was cut off reaches AWS between reading and clearing."""
    canary = Canary()
    canary.releases.hooks = {1: ctrl_c, 2: lambda: canary.releases.change(weights=TENTH)}
    with pytest.raises(KeyboardInterrupt):
        canary.run()
    assert [TENTH, NONE, NONE] == canary.weights
    assert canary.releases.now is not None
    assert NONE == canary.releases.now.weights


def test_a_second_ctrl_c_does_not_leave_it_half() -> None:
    """Raised by what waits for AWS: putting live back begins anew."""
    canary = Canary(time=FakeTime(hooks={2: ctrl_c}), releases=FakeReleases(hooks={2: ctrl_c}))
    with pytest.raises(KeyboardInterrupt):
        canary.run()
    assert [TENTH, NONE, NONE] == canary.weights
    assert canary.releases.now is not None
    assert NONE == canary.releases.now.weights


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_key_that_is_held_down_is_waited_out(number: signal.Signals) -> None:
    """No request of ours is cut off, and afterwards the signals mean what they meant before."""
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    held = dict.fromkeys(range(2, 20), lambda: signal.raise_signal(number))
    canary = Canary(time=FakeTime(hooks={2: ctrl_c, **dict.fromkeys(range(3, 20), held[2])}))
    canary.releases.hooks = held
    with pytest.raises(KeyboardInterrupt):
        canary.run()
    assert [TENTH, NONE] == canary.weights
    assert handlers == [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]


def test_after_a_minute_ctrl_c_is_heard_again() -> None:
    """Where AWS hangs, nobody is held."""
    canary = Canary()

    def hang() -> None:
        canary.time.seconds += 61.0
        signal.raise_signal(signal.SIGINT)

    canary.time.hooks = {2: ctrl_c}
    canary.releases.hooks = dict.fromkeys(range(2, 10), hang)
    with pytest.raises(Interrupted, match="live could not be put back"):
        canary.run()


def unreachable() -> None:
    raise DeployerError("Moving the alias live of digits to version 6: AWS gave no answer.")


def test_putting_live_back_is_tried_again() -> None:
    """A network that comes back within seconds."""
    canary = Canary(reports=[SICK], releases=FakeReleases(hooks={2: unreachable, 3: unreachable}))
    with pytest.raises(CanaryFailed, match=r"Version 6 alone answers again\."):
        canary.run()
    assert [TENTH, NONE, NONE, NONE] == canary.weights
    assert [15.0, 0.0, 1.0, 3.0] == canary.time.sleeps


@pytest.mark.parametrize(
    ("ending", "code"), [(KeyboardInterrupt(), 130), (SICK, 4), (DeployerError("AWS gave no answer."), 1)]
)
def test_what_could_not_be_put_back_is_said(ending: BaseException | SmokeReport, code: int) -> None:
    """What went wrong, what is left, how to get out of it, and the exit code of the first."""
    canary = Canary(releases=FakeReleases(hooks=dict.fromkeys(range(2, 10), unreachable)))
    if isinstance(ending, SmokeReport):
        canary.reports = [ending]
    else:
        canary.metrics.told = [VersionMetrics("7"), ending]
    with pytest.raises(DeployerError) as stuck:
        canary.run()
    said = (
        "live could not be put back: version 7 may still get a share of the requests. Moving the alias live of digits"
    )
    assert said in stuck.value.message
    first = "Get new credentials first where these have run out:"
    assert (code, f"{first} `deployer rollback --to 6` then gives all requests to version 6.") == (
        stuck.value.exit_code,
        stuck.value.hint,
    )
    assert not isinstance(stuck.value, CanaryFailed)  # which says that live is as before
    assert canary.releases.now is not None
    assert TENTH == canary.releases.now.weights


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "5", "weights": {}}, "it points at version 5, and is left so"),
        ({"weights": {}}, "it points at version 6, and is left so"),
        ({"weights": {"8": 0.1}}, "it points at version 6, with 10 % for version 8, and is left so"),
        ({"version": "7", "weights": {}}, "it points at version 7, and is left so"),
    ],
)
def test_a_rollback_from_elsewhere_wins(change: Mapping[str, object], said: str) -> None:
    """The canary sees it at its next look, and touches nothing."""
    canary = Canary()
    canary.time.hooks = {2: lambda: canary.releases.change(**change)}
    with pytest.raises(MovedElsewhere, match=said):
        canary.run()
    assert [TENTH] == canary.weights
    assert 30.0 == canary.time.seconds


def test_a_share_that_somebody_lowered_is_theirs() -> None:
    """It is one that the canary has had itself, which does not make it the canary's."""
    canary = Canary()
    canary.time.hooks = {6: lambda: canary.releases.change(weights=TENTH)}
    with pytest.raises(MovedElsewhere, match="it points at version 6, with 10 % for version 7, and is left so"):
        canary.run()
    assert [TENTH, HALF] == canary.weights


@pytest.mark.parametrize("number", [1, 2])
def test_a_rollback_wins_in_the_very_moment_of_a_step(number: int) -> None:
    """It comes between the last look and the move, which Lambda refuses then."""
    canary = Canary()
    canary.releases.hooks = {number: lambda: canary.releases.change(version="5", weights={})}
    with pytest.raises(AliasMoved, match="it points at version 5, and is left so"):
        canary.run()
    assert canary.releases.now is not None
    assert "5" == canary.releases.now.version
    assert number == len(canary.releases.tried)


def test_a_rollback_wins_over_putting_back() -> None:
    """What was wrong is said, and that live is somebody else's now."""
    canary = Canary(reports=[SICK])
    canary.releases.hooks = {2: lambda: canary.releases.change(version="5", weights={})}
    with pytest.raises(CanaryFailed, match=r"its smoke test failed.*it points at version 5, and is left so"):
        canary.run()
    assert canary.releases.now is not None
    assert "5" == canary.releases.now.version


def test_an_alias_that_is_gone_ends_it() -> None:
    """`down` during a canary."""
    canary = Canary()
    canary.time.hooks = {2: canary.releases.lose}
    with pytest.raises(MovedElsewhere, match="it is gone"):
        canary.run()


def test_a_new_permission_is_no_rollback() -> None:
    """Lambda gives the alias another RevisionId for it: the canary goes on with that."""
    canary = Canary()
    canary.time.hooks = {4: canary.releases.change}
    canary.releases.hooks = {1: canary.releases.change}
    last = canary.run()
    assert [TENTH, TENTH, HALF] == canary.weights
    assert last == canary.releases.now


def test_a_share_whose_answer_was_lost_is_still_ours() -> None:
    """boto3 asks again then, and Lambda answers that the alias is not as it was read."""
    canary = Canary()
    canary.releases.hooks = {1: lambda: canary.releases.change(weights=TENTH)}
    canary.run("10%:60s")
    assert [TENTH, TENTH] == canary.weights


def test_shares_of_a_canary_that_was_killed_are_taken_over() -> None:
    """Its weights are still there; they are replaced, and cleared if this one fails."""
    left = replace(STARTED, weights={"5": 0.5})
    canary = Canary(releases=FakeReleases(now=left), reports=[SICK])
    with pytest.raises(CanaryFailed):
        canary.run(live=left)
    assert [TENTH, NONE] == canary.weights


def test_a_clearing_whose_answer_was_lost_is_done() -> None:
    """Also where a killed canary had left weights, so that none is not what this one found."""
    left = replace(STARTED, weights={"5": 0.5})
    canary = Canary(releases=FakeReleases(now=left, afterwards={2: unreachable}), reports=[SICK])
    with pytest.raises(CanaryFailed, match=r"Version 6 alone answers again\."):
        canary.run(live=left)
    assert [TENTH, NONE] == canary.weights


def test_the_last_move_is_part_of_it() -> None:
    """It gets the alias with its revision of now, and what it makes of that is the result."""
    canary = Canary()
    canary.time.hooks = {8: canary.releases.change}
    last = canary.run(promote=lambda alias: canary.releases.move(alias, "7"))
    assert last == canary.releases.now
    assert [("6", TENTH), ("6", HALF), ("7", NONE)] == canary.releases.tried


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DeployerError("Moving the alias live: AWS gave no answer.")])
def test_a_last_move_that_fails_puts_live_back(error: BaseException) -> None:
    """Nothing must stay at the last share because of a Ctrl-C in the end."""

    def promote(alias: Alias) -> Alias:
        raise error

    canary = Canary()
    with pytest.raises(type(error)) as ended:
        canary.run(promote=promote)
    assert ended.value is error
    assert [TENTH, HALF, NONE] == canary.weights


def test_ctrl_c_after_the_last_move_leaves_it() -> None:
    """The new version was good enough, and AWS has moved to it."""
    canary = Canary(releases=FakeReleases(afterwards={3: ctrl_c}))
    with pytest.raises(KeyboardInterrupt):
        canary.run(promote=lambda alias: canary.releases.move(alias, "7"))
    assert "7" == canary.releases.tried[-1][0]
    assert "live is not as the canary left it: it points at version 7, and is left so." == canary.said[-1]


def never(alias: Alias) -> Alias:
    raise AssertionError("not to be moved any more")


def test_a_rollback_before_the_last_move_wins() -> None:
    """It comes while the last smoke test runs."""
    canary = Canary()
    canary.testing = {2: lambda: canary.releases.change(version="5", weights={})}
    with pytest.raises(MovedElsewhere, match="it points at version 5, and is left so"):
        canary.run("10%:1s", promote=never)
    assert [TENTH] == canary.weights


def test_a_rollback_wins_over_the_last_move() -> None:
    """Lambda refuses the move of an alias that is not as it was read."""
    canary = Canary()
    canary.releases.hooks = {2: lambda: canary.releases.change(version="5", weights={})}
    with pytest.raises(AliasMoved):
        canary.run("10%:1s", promote=lambda alias: canary.releases.move(alias, "7"))
    assert canary.releases.now is not None
    assert "5" == canary.releases.now.version
