"""What an alias stands for on AWS now, and whether that was made of the same inputs."""

from __future__ import annotations

from dataclasses import dataclass

from deployer.releases import Alias, Version
from deployer.stages.release import read_description, short_inputs
from deployer.tools.aws_releases import Releases


@dataclass(frozen=True)
class Serving:
    """An alias, the version that it points at, and the base URL of its Function URL (empty where it has none)."""

    alias: Alias
    version: Version
    endpoint: str

    @property
    def is_whole(self) -> bool:
        """Whether this version answers, and answers everything."""
        return not self.alias.weights and self.version.state == "Active" and bool(self.endpoint)


def serving(releases: Releases, name: str) -> Serving | None:
    """None where there is no such alias."""
    alias = releases.alias(name)
    version = releases.version(alias.version) if alias else None
    return Serving(alias, version, releases.url(name) or "") if alias and version else None


def is_made_of(found: Serving | None, inputs: str) -> bool:
    """Whether the alias wholly serves a version of these inputs (their whole hash)."""
    if found is None or not found.is_whole:
        return False
    return read_description(found.version.description).inputs == short_inputs(inputs)
