"""What an alias stands for on AWS now, and whether that was made of the same inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deployer.config import DeploymentConfig
from deployer.releases import LIVE, Alias, Version
from deployer.stages.release import read_description, short_inputs
from deployer.tools.aws import Aws
from deployer.tools.aws_releases import Releases


@dataclass(frozen=True)
class Serving:
    """An alias, the version that it points at, and the base URL that asks it (empty where there is none)."""

    alias: Alias
    version: Version
    endpoint: str

    @property
    def is_whole(self) -> bool:
        """Whether this version answers, and answers everything, now or when AWS has ended the move to it by itself."""
        moved = not self.alias.weights or self.alias.is_settling
        return moved and self.version.state == "Active" and bool(self.endpoint)


def serving(releases: Releases, name: str) -> Serving | None:
    """With its Function URL; None where there is no such alias."""
    alias = releases.alias(name)
    version = releases.version(alias.version) if alias else None
    return Serving(alias, version, releases.url(name) or "") if alias and version else None


def live_serving(aws: Aws, config: DeploymentConfig) -> Serving | None:
    """What the alias `live` stands for, with the endpoint that the config has: its Function URL or an HTTP API."""
    found = serving(aws.releases(config.name), LIVE)
    if found is None or config.spec.endpoint == "function_url":
        return found
    return replace(found, endpoint=aws.http_api_endpoint(config.name, stage=config.spec.stage))


def is_made_of(found: Serving | None, inputs: str) -> bool:
    """Whether the alias wholly serves a version of these inputs (their whole hash)."""
    if found is None or not found.is_whole:
        return False
    return read_description(found.version.description).inputs == short_inputs(inputs)
