"""What an older version is asked before it gets traffic again: today's config may not be meant for its Bento.

A rollback must not fail because the samples have changed since, and must not pass by asking less than is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from deployer.config import SmokeTest
from deployer.errors import BadInput
from deployer.models import Route
from deployer.stages.samples import check_samples

_ROUTE = " Set smoke_test.route in the config to send them."


@dataclass(frozen=True)
class Question:
    """What the smoke test is given; `notes` say where that is less than the config asks for."""

    options: SmokeTest
    routes: tuple[Route, ...]
    notes: tuple[str, ...] = ()


def question_for(options: SmokeTest, routes: Sequence[Route], *, is_newest: bool, passed: bool) -> Question:
    """`routes` are empty where they are not known; `is_newest`: there is no newer version.

    An older one that `passed` its own test is not held against the answer that today's config expects: it may be of
    another model. Raises BadInput for samples that cannot be used with the newest one.
    """
    if options.samples is not None and not routes and not options.route:
        return _without_samples(options, "which routes it has is not known", _ROUTE)
    try:
        check_samples(options, routes)
    except BadInput as error:
        if is_newest:
            raise
        return _without_samples(options, error.message.rstrip("."))
    if options.expected is not None and passed and not is_newest:
        note = "smoke_test.expected is not compared: it is a newer version's, and this one has passed its own test."
        return Question(replace(options, expected=None), tuple(routes), (note,))
    return Question(options, tuple(routes))


def _without_samples(options: SmokeTest, why: str, remedy: str = "") -> Question:
    note = f"No samples are sent to this version, only /readyz is asked: {why}.{remedy}"
    return Question(replace(options, samples=None, expected=None, route=""), (), (note,))
