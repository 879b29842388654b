"""The steps of a canary as they are typed."""

from __future__ import annotations

import pytest

from deployer.errors import BadInput
from deployer.stages.canary_steps import CanaryStep, duration, parse_steps


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("10%", (CanaryStep(0.1, 300.0),)),
        ("10%:30s", (CanaryStep(0.1, 30.0),)),
        ("10%:5m,50%:1h", (CanaryStep(0.1, 300.0), CanaryStep(0.5, 3600.0))),
        ("10%, 50%:5m", (CanaryStep(0.1, 300.0), CanaryStep(0.5, 300.0))),
        ("0.5%:1.5m,33.3%,99.9%:24h", (CanaryStep(0.005, 90.0), CanaryStep(0.333), CanaryStep(0.999, 86400.0))),
    ],
)
def test_shares_that_rise_each_with_its_time(text: str, steps: tuple[CanaryStep, ...]) -> None:
    """A share is of one, a time in seconds."""
    assert steps == parse_steps(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a step is empty"),
        (" ", "a step is empty"),
        ("10%,", "a step is empty"),
        ("10", "`10` is no step"),
        ("10:5m", "`10:5m` is no step"),
        ("10%:5", "`10%:5` is no step"),
        ("10%:5d", "`10%:5d` is no step"),
        ("10%:5M", "`10%:5M` is no step"),
        ("10%:m", "`10%:m` is no step"),
        ("10%:5m:6m", "`10%:5m:6m` is no step"),
        ("-10%", "`-10%` is no step"),
        ("nan%", "`nan%` is no step"),
        ("10%:nans", "`10%:nans` is no step"),
        ("inf%", "`inf%` is no step"),
        ("1e1%", "`1e1%` is no step"),
        ("\u0661\u0660%", "`\u0661\u0660%` is no step"),
        ("10%;50%", "`10%;50%` is no step"),
        ("0%", "0% is not between 0% and 100%"),
        ("0.0%:5m", "0.0% is not between 0% and 100%"),
        ("100%", "100% is not between 0% and 100%"),
        ("250%", "250% is not between 0% and 100%"),
        ("10%:0s", "`10%:0s`: a step lasts more than 0s, and at most 24h"),
        ("10%:25h", "`10%:25h`: a step lasts more than 0s, and at most 24h"),
        ("10%,10%", "the share must rise, 10 % comes after 10 %"),
        ("10%,50%,20%", "the share must rise, 20 % comes after 50 %"),
    ],
)
def test_anything_else_is_refused_with_the_valid_form(text: str, why: str) -> None:
    """What is wrong, and an example to copy."""
    with pytest.raises(BadInput) as refused:
        parse_steps(text)
    assert f"--canary {text!r}: {why}." == refused.value.message
    assert "--canary 10%:5m,50%:5m (units s, m, h)" in refused.value.hint


@pytest.mark.parametrize(
    ("seconds", "said"), [(300.0, "5m"), (3600.0, "1h"), (90.0, "90s"), (0.5, "0.5s"), (86400.0, "24h")]
)
def test_a_time_is_said_as_it_is_typed(seconds: float, said: str) -> None:
    """In the largest unit that leaves a whole number."""
    assert said == duration(seconds)
