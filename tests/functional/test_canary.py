"""A canary with the real doors on the local AWS: real aliases, real metrics, real requests, and seconds for minutes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from local_aws import REGION, ROOT, LocalAws, within

from deployer.clock import Clock
from deployer.config import SmokeTest
from deployer.models import SmokeReport
from deployer.releases import LIVE, Alias
from deployer.stages.canary import CanaryFailed, Doors, MovedElsewhere, parse_steps, shift
from deployer.stages.smoke import smoke_test
from deployer.targets.aws import AwsTarget
from deployer.tools.aws import Aws
from deployer.tools.aws_releases import Releases
from deployer.tools.http import Urllib3Http

HANDLER = """
import os

def handle(event, context):
    if os.environ.get("RELEASE") == "bad" and event.get("rawPath") != "/readyz":
        raise ValueError("only the smoke test goes well")
    if os.environ.get("RELEASE") == "sick":
        return {"statusCode": 500, "body": "sick"}
    return {"statusCode": 200, "body": os.environ["AWS_LAMBDA_FUNCTION_VERSION"]}
"""

CHILD = """
import sys
sys.path[:0] = [sys.argv[1] + "/tests", sys.argv[1] + "/tests/functional"]
from pathlib import Path
from local_aws import LocalAws
from test_canary import Canary

Canary(LocalAws(Path(sys.argv[2])), sys.argv[3], sys.argv[4]).run("50%:60s")
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    local = LocalAws(tmp_path_factory.mktemp("local"))
    local.start()
    yield local
    local.stop()


@dataclass
class Canary:
    """Version 2 of a function over version 1. While it waits, requests come to `live`."""

    aws: LocalAws
    function: str
    candidate: str  # the URL of the alias
    answered: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    waiting: Callable[[], None] = lambda: None

    @classmethod
    def of(cls, aws: LocalAws, function: str, release: str) -> Canary:
        aws.function(function, HANDLER)
        functions = aws.aws("lambda")
        functions.update_function_configuration(FunctionName=function, Environment={"Variables": {"RELEASE": release}})
        functions.publish_version(FunctionName=function)
        functions.create_alias(FunctionName=function, Name=LIVE, FunctionVersion="1", Description="as it was")
        return cls(aws, function, aws.url(function, qualifier="candidate", version="2"))

    @cached_property
    def door(self) -> Aws:
        address = self.aws.status().address
        variables = {
            "AWS_ENDPOINT_URL": address.endpoint,
            "AWS_ACCESS_KEY_ID": address.access_key_id,
            "AWS_SECRET_ACCESS_KEY": address.secret_access_key,
        }
        return Aws(AwsTarget(variables=variables).prepare(region=REGION), variables)

    @cached_property
    def lambda_(self) -> Any:
        return self.aws.aws("lambda")

    @property
    def releases(self) -> Releases:
        return self.door.releases(self.function)

    def live(self) -> Alias:
        found = self.releases.alias(LIVE)
        assert found is not None
        return found

    def run(self, steps: str, promote: Callable[[Alias], Alias] = lambda alias: alias) -> Alias:
        door = self.door
        doors = Doors(
            releases=door.releases(self.function),
            metrics=door.release_metrics(self.function),
            smoke_test=self.smoke_test,
            clock=Clock(sleep=self.sleep),
            say=self.said.append,
        )
        return shift(self.live(), "2", parse_steps(steps), doors, promote=promote)

    def smoke_test(self) -> SmokeReport:
        return smoke_test(url=self.candidate, routes=(), options=SmokeTest(timeout=10), http=Urllib3Http())

    def sleep(self, seconds: float) -> None:
        """At least ten requests, for as long as it was asked to sleep."""
        end = time.monotonic() + seconds
        self.waiting()
        while len(self.answered) % 10 or time.monotonic() < end:
            self.answered.append(self.ask())

    def ask(self) -> str:
        """The version that answers."""
        return str(self.lambda_.invoke(FunctionName=self.function, Qualifier=LIVE)["ExecutedVersion"])


def test_a_good_version_gets_all_in_the_end(aws: LocalAws) -> None:
    """Both versions answer and are measured; the last move gets the alias as the last step left it."""
    canary = Canary.of(aws, "good", "good")
    left: list[Alias] = []

    def promote(alias: Alias) -> Alias:
        left.append(alias)
        return canary.releases.move(alias, "2")

    assert canary.run("30%:1s,60%:1s", promote) == canary.live()
    assert ("2", {}) == (canary.live().version, canary.live().weights)
    assert [("1", {"2": 0.6}, "as it was")] == [(one.version, one.weights, one.description) for one in left]
    measured = canary.door.release_metrics("good").of(("1", "2"), seconds=30)
    assert {"1", "2"} == set(canary.answered)
    assert [canary.answered.count(version) for version in "12"] == [one.invocations for one in measured]
    assert [(0, 0)] * 2 == [(one.errors, one.throttles) for one in measured]
    assert all(one.p95 is not None and 0 < one.p95 < 5000 for one in measured)
    assert "Version 2 gets 30 % of the requests for 1s" == canary.said[0]
    assert canary.said[-1].startswith("Version 2 holds at 60 %: version 2: ")


def test_a_version_that_fails_under_traffic_loses_it(aws: LocalAws) -> None:
    """Its smoke test goes well: Lambda's metrics tell. The users have their old version again within the step."""
    canary = Canary.of(aws, "failing", "bad")
    with pytest.raises(CanaryFailed, match=r"requests to version 2 ended in an error \(version 1: 0 of \d+\)"):
        canary.run("50%:6s")
    assert ["Version 2 gets 50 % of the requests for 6s"] == canary.said
    assert ("1", {}, "as it was") == (canary.live().version, canary.live().weights, canary.live().description)
    assert {"1"} == {canary.ask() for _ in range(8)}


def test_a_version_that_answers_wrongly_loses_its_traffic(aws: LocalAws) -> None:
    """A status is no error to Lambda: the repeated smoke test tells."""
    canary = Canary.of(aws, "sick", "sick")
    with pytest.raises(CanaryFailed, match="its smoke test failed: answer: GET /readyz answered 500"):
        canary.run("50%:1s")
    assert ("1", {}) == (canary.live().version, canary.live().weights)


def test_a_rollback_meanwhile_is_left_as_it_is(aws: LocalAws) -> None:
    """Somebody clears the weights while the canary waits."""
    canary = Canary.of(aws, "rolled-back", "good")
    left: list[Alias] = []

    def roll_back() -> None:
        if not left:
            left.append(canary.releases.move(canary.live(), "1", description="rolled back"))

    canary.waiting = roll_back
    with pytest.raises(MovedElsewhere, match="it points at version 1, and is left so"):
        canary.run("50%:2s")
    assert left == [canary.live()]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_ctrl_c_puts_live_back(aws: LocalAws, number: signal.Signals) -> None:
    """A real signal to a real process, and more of them while live is put back."""
    canary = Canary.of(aws, f"interrupted-{number.name.lower()}", "good")
    script = f"from deployer.cli.failures import treat_signals_as_ctrl_c as t; t()\n{CHILD}"
    argv = [sys.executable, "-c", script, str(ROOT), str(aws.folder), canary.function, canary.candidate]
    child = subprocess.Popen(argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
    try:
        assert within(20, lambda: {"2": 0.5} == canary.live().weights)
        while child.poll() is None:
            child.send_signal(number)
            time.sleep(0.1)
        said = child.communicate(timeout=20)[1]
    finally:
        child.kill()
        child.wait()
    assert "KeyboardInterrupt" in said
    assert ("1", {}, "as it was") == (canary.live().version, canary.live().weights, canary.live().description)
