"""What answers, held against what should: asked of AWS itself, beside what terraform knows."""

from __future__ import annotations

from collections.abc import Iterator

from deployer.drift import Drift
from deployer.releases import CANDIDATE, LIVE, Alias, Provisioned, Version
from deployer.stages.release import read_description, short_inputs
from deployer.tools.aws_images import Images
from deployer.tools.aws_releases import Releases

ACTIVE = "Active"
ENDS = "`deployer up` or `deployer rollback` ends that"


def release_drift(releases: Releases, images: Images) -> Iterator[Drift]:
    """Of the aliases: traffic that is shared, versions that cannot answer, images that are gone, nothing released."""
    live = releases.alias(LIVE)
    if live is None:
        yield Drift(LIVE, "traffic", "there is no such alias: no version answers; `deployer up` releases one")
    else:
        yield from _shared(live, releases.provisioned(LIVE) if live.is_settling else None)
    seen: set[str] = set()
    for alias in (live, releases.alias(CANDIDATE)):
        for number in () if alias is None else sorted({alias.version, *alias.weights} - seen, key=int):
            seen.add(number)
            yield from _unfit(number, releases.version(number), images)


def inputs_drift(live: Version | None, candidate: Version | None, inputs: str) -> Iterator[Drift]:
    """Whether `up` would release something else than what is live. `inputs` is the whole hash of what it is made of."""
    if live is None or _inputs(live) == short_inputs(inputs):
        return
    if candidate is not None and _inputs(candidate) == short_inputs(inputs):
        yield Drift(
            "config", "config", f"`deployer up` would release version {candidate.number}, which is there already"
        )
    elif _inputs(live):
        yield Drift(
            "config", "config", f"version {live.number} was made of other inputs: `deployer up` would make a new one"
        )
    else:
        yield Drift(
            "config", "config", f"version {live.number} does not say what it was made of: `deployer up` would make one"
        )


def _shared(live: Alias, made: Provisioned | None) -> Iterator[Drift]:
    """`made`: where AWS itself leaves traffic with the version before, how far it is."""
    if made is not None:
        if made.has_failed:
            yield Drift(LIVE, "traffic", _not_moved(live, made))
        return
    shares = ", ".join(f"version {number} takes {share:.0%}" for number, share in sorted(live.weights.items()))
    if shares:
        yield Drift(LIVE, "traffic", f"{shares} of what version {live.version} should have; {ENDS}")


def _not_moved(live: Alias, made: Provisioned) -> str:
    why = f"AWS could not make the provisioned environments ({made.reason or 'it gives no reason'})"
    return f"version {live.answering} still answers in place of version {live.version}: {why}; {ENDS}"


def _unfit(number: str, version: Version | None, images: Images) -> Iterator[Drift]:
    where = f"version {number}"
    if version is None:
        yield Drift(where, "version", "an alias points at it, and it is not there")
        return
    if version.state != ACTIVE:
        yield Drift(where, "version", f"its state is {version.state or 'not known'}: only an {ACTIVE} version answers")
    if not images.has(version.digest):
        yield Drift(where, "image", f"its image {version.digest[:19]} is not in ECR any more")


def _inputs(version: Version) -> str:
    return read_description(version.description).inputs
