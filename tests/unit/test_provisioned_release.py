"""A release of a config with provisioned concurrency: the traffic has moved when AWS has moved it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest
from idle_toolbox import Reached, idle_toolbox

from deployer.clock import Clock
from deployer.config import DeploymentConfig, Spec
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Image, Tag
from deployer.releases import LIVE, Alias, Provisioned, Version
from deployer.stages.release import live_description
from deployer.stages.serving import Serving
from deployer.toolbox import Deployment, Toolbox
from deployer.tools.bento_store import BentoStore
from deployer.workflows.candidate import Candidate
from deployer.workflows.deployment import Selection
from deployer.workflows.preparation import Prepared
from deployer.workflows.release import move_live
from deployer.workflows.up import UpRequest, up
from deployer.workspace import Workspace

READY = Provisioned("READY")
STARTED = Alias(LIVE, "1", description=live_description(""))
UNKNOWN = cast("Any", None)  # what a move of the traffic does not look at


@dataclass
class Lambda:
    """A function with provisioned concurrency: a moved alias has AWS's weights until the environments have ended."""

    live: Alias = STARTED
    end: Provisioned = READY
    made: Provisioned = READY

    def releases(self, function: str) -> Lambda:
        return self

    def alias(self, name: str) -> Alias | None:
        return self.live if name == LIVE else None

    def provisioned(self, alias: str) -> Provisioned | None:
        return self.made if alias == LIVE else None

    def move(
        self, alias: Alias, version: str, *, weights: Mapping[str, float] | None = None, description: str = ""
    ) -> Alias:
        self.made = Provisioned("IN_PROGRESS")
        self.live = replace(alias, version=version, weights={alias.version: 1.0}, description=description)
        return replace(self.live, weights={})

    def sleep(self, seconds: float) -> None:
        self.made = self.end
        self.live = replace(self.live, weights={} if self.end.is_ready else self.live.weights)

    def clock(self) -> Clock:
        return Clock(now=lambda: 0.0, sleep=self.sleep)


class Store(BentoStore):
    """One that has every Bento."""

    def get(self, tag: str) -> Bento:
        return Bento(Tag("digits", "v1"), self.home, "3.11", "1.4.0", "service:Digits")


def tools_of(folder: Path, aws: Lambda) -> Toolbox:
    tools = idle_toolbox(folder, variables={}, aws=aws, terraform=None)
    return replace(tools, clock=aws.clock(), store=Store(folder))


def released(folder: Path, aws: Lambda) -> bool:
    """Version 2, of a deployment whose version 1 is live."""
    config = DeploymentConfig(name="digits", target="aws", spec=Spec(provisioned_concurrency=2))
    deployment = Deployment(config, Workspace.at(folder, "digits", "aws"), Reached(), folder / "log")
    environment = deployment.target.prepare(region="us-east-1")
    ready = Prepared(UNKNOWN, deployment, environment, UNKNOWN, folder, UNKNOWN, None, "digits", is_settled=True)
    found = Serving(aws.live, Version("1", "sha256:1", "", "2026-11-23T04:05:06Z"), "https://live/")
    candidate = Candidate(Image("digits", "v1", "sha256:2", reused=False), "2", "https://candidate/", changed=True)
    return move_live(ready, found, candidate, (), tools_of(folder, aws))


def test_a_release_ends_when_the_new_version_answers(tmp_path: Path) -> None:
    """The alias names it at once, and AWS leaves the traffic with the version before until it is ready."""
    aws = Lambda()
    assert released(tmp_path, aws)
    assert Alias(LIVE, "2", {}, description=live_description("1")) == aws.live


def test_a_release_that_aws_does_not_end_says_which_version_answers(tmp_path: Path) -> None:
    """Nothing is called released then."""
    aws = Lambda(end=Provisioned("FAILED", "FUNCTION_ERROR_INIT_FAILURE"))
    with pytest.raises(DeployerError, match=r"^Version 1 still answers: .*\(FUNCTION_ERROR_INIT_FAILURE\)"):
        released(tmp_path, aws)


def test_a_canary_beside_provisioned_concurrency_is_refused_before_anything_happens(tmp_path: Path) -> None:
    """The folder gets the log of this run and no other file, not even a lock."""
    config = {"api_version": "v1", "name": "digits", "operator": {"name": "aws-lambda"}, "template": "terraform"}
    path = tmp_path / "digits.yaml"
    path.write_text(json.dumps({**config, "target": "aws", "spec": {"provisioned_concurrency": 2}}), encoding="utf-8")
    tools = tools_of(tmp_path, Lambda())
    request = UpRequest(Selection(config=path), bento="digits:v1", canary="10%")
    with pytest.raises(BadInput, match=r"--canary does not go with spec\.provisioned_concurrency"):
        up(request, tools)
    files = [path for path in (tmp_path / ".deployer" / "digits").rglob("*") if path.is_file()]
    assert {"logs"} == {path.parent.name for path in files}
