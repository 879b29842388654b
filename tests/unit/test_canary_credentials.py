"""A canary begins with credentials that last to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from idle_toolbox import Reached, idle_toolbox

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.models import Image
from deployer.releases import LIVE, Alias, Version
from deployer.stages.canary_credentials import check_credentials_last
from deployer.stages.canary_steps import parse_steps
from deployer.stages.serving import Serving
from deployer.targets import Environment
from deployer.toolbox import Deployment
from deployer.workflows.candidate import Candidate
from deployer.workflows.preparation import Prepared
from deployer.workflows.release import move_live
from deployer.workspace import Workspace

NOW = 1_800_000_000.0
STEPS = parse_steps("10%:5m,50%:10m")  # and five minutes to spare
LOG_IN = "Run `aws sso login --profile prod` first."


def told(expires: float | None, *, temporary: bool = True) -> str:
    variables = {"AWS_SESSION_TOKEN": "token"} if temporary else {}
    environment = Environment("aws", "eu-west-1", variables=variables, expires=expires, log_in=LOG_IN)
    return check_credentials_last(STEPS, environment, now=lambda: NOW)


def test_credentials_that_last_are_nothing_to_speak_of() -> None:
    """Keys of an IAM user do not end."""
    assert ("", "") == (told(NOW + 20 * 60), told(None, temporary=False))


@pytest.mark.parametrize(("left", "minutes"), [(20 * 60 - 1, 19), (60, 1), (-60, 0)])
def test_a_canary_that_outlasts_its_credentials_is_refused(left: float, minutes: int) -> None:
    """It is said how to get others, and nothing was moved."""
    with pytest.raises(DeployerError) as refused:
        told(NOW + left)
    assert refused.value.message.startswith(
        f"The canary takes 15m and up to 5m more, and these credentials end in {minutes} minutes: "
    )
    assert refused.value.message.endswith("It got none.")
    assert f"{LOG_IN} Then run the same command again, or write shorter steps." == refused.value.hint


def test_temporary_credentials_of_unknown_length_are_remarked_upon() -> None:
    """A session token of the shell says nothing of its end."""
    assert "the canary takes 15m: should they end before that" in told(None)


class Unmoved:
    """A function whose alias `live` is at version 1: there is nothing that would move it."""

    live = Alias(LIVE, "1", revision="r")

    def releases(self, function: str) -> Unmoved:
        return self

    def alias(self, name: str) -> Alias:
        return self.live


def test_no_request_goes_to_a_version_that_could_not_be_taken_back(tmp_path: Path) -> None:
    """The first thing that happens to the traffic is that nothing happens to it."""
    aws, unknown = Unmoved(), cast("Any", None)
    config = DeploymentConfig(name="digits", target="aws")
    deployment = Deployment(config, Workspace.at(tmp_path, "digits", "aws"), Reached(), tmp_path / "log")
    ends = Environment("aws", "us-east-1", expires=1.0, log_in=LOG_IN)  # in 1970
    ready = Prepared(unknown, deployment, ends, unknown, tmp_path, unknown, None, "digits", is_settled=True)
    found = Serving(aws.live, Version("1", "sha256:1", "", "2026-11-23T04:05:06Z"), "https://live/")
    candidate = Candidate(Image("digits", "v1", "sha256:2", reused=False), "2", "https://candidate/", changed=True)
    tools = idle_toolbox(tmp_path, variables={}, aws=aws, terraform=None)
    with pytest.raises(DeployerError, match="these credentials end in 0 minutes"):
        move_live(ready, found, candidate, STEPS, tools)
