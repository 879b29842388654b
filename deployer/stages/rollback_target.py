"""Which version a rollback goes to and whether it may, decided before anything is asked; and the move itself."""

from __future__ import annotations

from collections.abc import Callable

from deployer.errors import BadInput, DeployerError
from deployer.near_miss import near_miss
from deployer.releases import LIVE, Alias, Release
from deployer.stages.history import History
from deployer.stages.release import live_description, previous_version
from deployer.tools.aws_releases import AliasMoved, Releases

LISTED = 20
TRIES = 3  # to move an alias that somebody else moves at the same time


def rollback_target(history: History, live: Alias, to: str = "") -> Release:
    """The version that `to` names, else the default one: `to` is a version's number or a Bento's tag or version.

    Raises BadInput for a `to` that names none, DeployerError where there is no default one.
    """
    if to:
        return _named(to, history)
    number = default_target(live)
    if not number:
        raise DeployerError(
            f"The alias live of {history.function_name} does not say which version answered before"
            f" version {live.version}: there was none, or it was moved by something else than deployer.",
            hint=f"Name a version with --to. {_there_are(history)}",
        )
    found = history.release(number)
    if found is None:
        raise DeployerError(
            f"Version {number} of {history.function_name}, which answered before version {live.version}, is gone.",
            hint=f"Name another version with --to. {_there_are(history)}",
        )
    return found


def default_target(live: Alias) -> str:
    """The version before live's last move; while a canary shares its traffic, the one that it has not left yet."""
    return live.version if live.weights and not live.is_settling else previous_version(live)


def check_target(target: Release, *, has_image: Callable[[str], bool], function: str, repository: str) -> None:
    """Raises DeployerError for a version that cannot run. `has_image` asks the repository for a digest.

    Lambda sets an image that was not used for weeks aside (`Inactive`): the first request makes it ready again.
    """
    number, digest = target.version.number, target.version.digest
    if target.version.state == "Failed":
        problem = f"Version {number} of {function} cannot run: its state is Failed. Nothing was changed."
        raise DeployerError(problem, hint="Name another version with --to; `deployer history` lists them.")
    if not has_image(digest):
        raise DeployerError(
            f"The image of version {number} of {function} is not in the ECR repository {repository} any more"
            f" ({digest}). Nothing was changed.",
            hint="Name another version with --to, or deploy that Bento again with `deployer up --bento`.",
        )


def move_live(releases: Releases, live: Alias, number: str, *, named: bool) -> Alias:
    """Give all traffic to a version; `live` is the alias as it was read, and its description says what was before.

    Where somebody else moves it meanwhile, as a canary does, it is moved all the same if the version was `named`, or is
    the default one still. Raises AliasMoved otherwise.
    """
    for left in reversed(range(TRIES)):
        description = None if live.version == number else live_description(live.version)
        try:
            return releases.move(live, number, description=description)
        except AliasMoved:
            now = releases.alias(LIVE)
            if now is None or not left or not (named or default_target(now) == number):
                raise
            live = now
    raise ValueError(TRIES)


def _named(to: str, history: History) -> Release:
    """A number is a version's first of all; of several versions of a Bento the newest is meant."""
    found = history.release(to)
    if found is not None:
        return found
    wanted = to.lower()
    for release in history.releases:
        bento = release.provenance.bento
        if bento and wanted in (bento, bento.partition(":")[2]):
            return release
    bentos = [release.provenance.bento for release in history.releases if release.provenance.bento]
    hint = f"{near_miss(wanted, bentos)} {_there_are(history)}".lstrip()
    raise BadInput(f"--to: {history.function_name} has no version or Bento {to}.", hint=hint)


def _there_are(history: History) -> str:
    named = [_with_bento(release) for release in history.releases]
    more = f" and {len(named) - LISTED} more" if len(named) > LISTED else ""
    return f"There are: {', '.join(named[:LISTED])}{more}."


def _with_bento(release: Release) -> str:
    bento = release.provenance.bento
    return f"{release.version.number} ({bento})" if bento else release.version.number
