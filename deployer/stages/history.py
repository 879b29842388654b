"""The releases of a deployment, put together from what AWS itself knows: the same on every machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.releases import CANDIDATE, LIVE, Alias, Release, Version
from deployer.stages.release import read_description
from deployer.tools.aws import Aws
from deployer.tools.aws_releases import Releases


@dataclass(frozen=True)
class History:
    """A function's releases, the newest first, and its alias `live`, None until a first version is released."""

    function_name: str
    releases: tuple[Release, ...]
    live: Alias | None = None

    def release(self, number: str) -> Release | None:
        return next((release for release in self.releases if release.version.number == number), None)


def read_history(function: str, releases: Releases, *, region: str) -> History:
    """Raises DeployerError where there is no such function, or nothing of it was ever published."""
    versions = releases.versions()
    if not versions:
        raise DeployerError(
            f"Nothing is deployed: there is no Lambda function {function} with a published version in {region}.",
            hint="Run `deployer up` first, or choose another deployment with --name, -f and --target.",
        )
    live, candidate = releases.alias(LIVE), releases.alias(CANDIDATE)
    arranged = arrange(versions, live=live, candidate=candidate, smoke_tests=releases.smoke_tests())
    return History(function, arranged, live)


def check_is_ours(config: DeploymentConfig, aws: Aws) -> None:
    """Raises DeployerError for a function that another tool or deployment made: it is not ours to change.

    A template of the user's own tags what it makes as it likes.
    """
    owner = aws.function_owner(config.name)
    if owner not in (None, config.name) and config.terraform.template is None:
        raise DeployerError(
            f"The Lambda function {config.name} is no deployment of that name"
            f" (its tag deployer:name is {owner or 'missing'}). Nothing was changed.",
            hint="Choose another deployment with --name or -f.",
        )


def arrange(
    versions: Sequence[Version], *, live: Alias | None, candidate: Alias | None, smoke_tests: Mapping[str, str]
) -> tuple[Release, ...]:
    """Each version with what is known of it, the newest first. The alias's own version is live, whatever its share."""
    shares = _shares(live)
    return tuple(
        Release(
            version=version,
            provenance=read_description(version.description),
            share=shares.get(version.number, 0.0),
            live=live is not None and live.version == version.number,
            candidate=candidate is not None and candidate.version == version.number,
            smoke_test=smoke_tests.get(version.number, ""),
        )
        for version in sorted(versions, key=lambda version: int(version.number), reverse=True)
    )


def _shares(live: Alias | None) -> dict[str, float]:
    """The part of the traffic that each version takes, 0 to 1."""
    if live is None:
        return {}
    others = {version: weight for version, weight in live.weights.items() if version != live.version}
    return {**others, live.version: 1 - sum(others.values())}
