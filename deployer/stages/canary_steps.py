"""The steps of a canary as the user writes them: `10%:5m,50%:5m`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from deployer.errors import BadInput

DEFAULT_SECONDS = 300.0
LONGEST_SECONDS = 24 * 3600.0
UNITS = {"s": 1, "m": 60, "h": 3600}
VALID = "Write shares that rise, between 0% and 100%, each with its time: --canary 10%:5m,50%:5m (units s, m, h)."
_NUMBER = r"[0-9]{1,9}(?:\.[0-9]{1,9})?"
_STEP = re.compile(rf"\s*(?P<percent>{_NUMBER})%(?::(?P<time>{_NUMBER})(?P<unit>[smh]))?\s*")


@dataclass(frozen=True)
class CanaryStep:
    """The new version's share of the traffic, above 0 and below 1, and for how many seconds it is watched there."""

    weight: float
    seconds: float = DEFAULT_SECONDS


def parse_steps(text: str) -> tuple[CanaryStep, ...]:
    """At least one step. Raises BadInput, which names the valid form."""
    steps = tuple(_steps(text))
    for before, after in pairwise(steps):
        if after.weight <= before.weight:
            _refuse(text, f"the share must rise, {percent(after.weight)} comes after {percent(before.weight)}")
    return steps


def percent(weight: float) -> str:
    return f"{weight * 100:.6g} %"


def duration(seconds: float) -> str:
    """In the largest unit that leaves a whole number: `5m`."""
    unit = next((unit for unit in "hm" if seconds and seconds % UNITS[unit] == 0), "s")
    return f"{seconds / UNITS[unit]:.6g}{unit}"


def _steps(text: str) -> Iterator[CanaryStep]:
    for part in text.split(","):
        found = _STEP.fullmatch(part)
        if found is None:
            _refuse(text, f"`{part.strip()}` is no step" if part.strip() else "a step is empty")
        weight = round(float(found["percent"]) / 100, 9)
        seconds = float(found["time"]) * UNITS[found["unit"]] if found["time"] else DEFAULT_SECONDS
        if not 0 < weight < 1:
            _refuse(text, f"{found['percent']}% is not between 0% and 100%")
        if not 0 < seconds <= LONGEST_SECONDS:
            _refuse(text, f"`{part.strip()}`: a step lasts more than 0s, and at most {duration(LONGEST_SECONDS)}")
        yield CanaryStep(weight, seconds)


def _refuse(text: str, why: str) -> NoReturn:
    raise BadInput(f"--canary {text!r}: {why}.", hint=VALID)
