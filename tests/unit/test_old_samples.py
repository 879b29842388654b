"""What an older version is asked before it gets the traffic back."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.config import SmokeTest
from deployer.errors import BadInput
from deployer.models import Route
from deployer.stages.old_samples import Question, question_for

PREDICT = Route("predict", "/predict", {"type": "array", "items": {"type": "number"}})
OTHER = Route("classify", "/classify")


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    file = tmp_path / "samples.json"
    file.write_text("[1.0]", encoding="utf-8")
    return file


def test_the_newest_version_is_asked_what_the_config_says(samples: Path) -> None:
    """The answer is compared, whatever the version's own test said."""
    options = SmokeTest(route="/predict", samples=samples, expected=[1.0])
    assert Question(options, (PREDICT,)) == question_for(options, (PREDICT,), is_newest=True, passed=True)


def test_without_known_routes_the_configs_route_is_taken_at_its_word(samples: Path) -> None:
    """There are no schemas then."""
    options = SmokeTest(route="/predict", samples=samples)
    assert Question(options, ()) == question_for(options, (), is_newest=False, passed=False)


@pytest.mark.parametrize("is_newest", [True, False])
def test_without_any_route_only_readyz_is_asked(samples: Path, is_newest: bool) -> None:
    """And that is said."""
    asked = question_for(SmokeTest(samples=samples, expected=[1.0]), (), is_newest=is_newest, passed=False)
    assert (None, None, ()) == (asked.options.samples, asked.options.expected, asked.routes)
    assert (
        "No samples are sent to this version, only /readyz is asked: which routes it has is not known."
        " Set smoke_test.route in the config to send them."
    ) == asked.notes[0]


@pytest.mark.parametrize(("passed", "expected"), [(True, None), (False, [1.0])])
def test_the_expected_answer_of_a_newer_version_binds_only_one_that_never_passed(
    samples: Path, passed: bool, expected: object
) -> None:
    """The samples are sent all the same."""
    options = SmokeTest(route="/predict", samples=samples, expected=[1.0])
    asked = question_for(options, (PREDICT,), is_newest=False, passed=passed)
    assert (samples, expected, passed) == (asked.options.samples, asked.options.expected, bool(asked.notes))


@pytest.mark.parametrize(
    "routes", [(OTHER,), (Route("predict", "/predict", {"type": "string"}),)], ids=["route", "schema"]
)
def test_samples_that_an_older_version_does_not_take_are_not_sent(samples: Path, routes: tuple[Route, ...]) -> None:
    """They are for a newer one; with the newest they are a mistake."""
    options = SmokeTest(route="/predict", samples=samples)
    asked = question_for(options, routes, is_newest=False, passed=True)
    assert (None, "") == (asked.options.samples, asked.options.route)
    assert asked.notes[0].startswith("No samples are sent to this version, only /readyz is asked: smoke_test.")
    with pytest.raises(BadInput):
        question_for(options, routes, is_newest=True, passed=True)
