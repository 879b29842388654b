"""Which version a rollback means, and which it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.errors import BadInput, DeployerError
from deployer.releases import Alias, Provenance, Release, Version
from deployer.stages.history import History
from deployer.stages.release import live_description
from deployer.stages.rollback_target import check_target, rollback_target

LIVE = Alias("live", "4", description=live_description("2"))


def release(number: int, bento: str = "") -> Release:
    return Release(Version(str(number), f"sha256:{number}", "", f"2026-01-0{number}T00:00:00Z"), Provenance(bento))


RELEASES = tuple(
    release(number, f"digits:{version}" if version else "")
    for number, version in ((5, "abc"), (4, "4"), (3, "2"), (2, "abc"), (1, ""))
)
HISTORY = History("digits", RELEASES, LIVE)


@pytest.mark.parametrize(
    ("to", "number"),
    [
        ("", "2"),
        ("1", "1"),
        ("4", "4"),
        ("digits:abc", "5"),
        ("Digits:ABC", "5"),
        ("abc", "5"),
        ("2", "2"),
        ("digits:2", "3"),
    ],
)
def test_a_number_is_a_version_and_a_tag_means_its_newest_version(to: str, number: str) -> None:
    """Nothing is the version that answered before; a number that is both means the function's version."""
    assert number == rollback_target(HISTORY, LIVE, to).version.number


def test_a_canary_goes_back_to_the_version_that_was_not_left() -> None:
    """Its share of the traffic is what is taken back, whatever answered before both."""
    assert "4" == rollback_target(HISTORY, replace(LIVE, weights={"5": 0.1}), "").version.number


@pytest.mark.parametrize("before", ["2", "5"])
def test_while_aws_makes_provisioned_environments_it_goes_to_the_version_that_answers(before: str) -> None:
    """AWS leaves it all traffic until then: after an `up` to an older one, after a rollback to a newer one."""
    moved = replace(LIVE, weights={before: 1.0}, description=live_description(before))
    assert before == rollback_target(HISTORY, moved, "").version.number


@pytest.mark.parametrize("to", ["6", "digits", "words:abc", "digits:ab", "$LATEST", "live"])
def test_what_names_no_version_is_answered_with_those_that_there_are(to: str) -> None:
    """Aliases and `$LATEST` are none."""
    with pytest.raises(BadInput) as caught:
        rollback_target(HISTORY, LIVE, to)
    assert f"--to: digits has no version or Bento {to}." == caught.value.message
    assert "There are: 5 (digits:abc), 4 (digits:4), 3 (digits:2), 2 (digits:abc), 1." in caught.value.hint


@pytest.mark.parametrize("to", ["digits:abd", "digist:abc"])
def test_a_near_miss_is_named(to: str) -> None:
    """First of all."""
    with pytest.raises(BadInput) as caught:
        rollback_target(HISTORY, LIVE, to)
    assert caught.value.hint.startswith("Did you mean digits:abc")


@pytest.mark.parametrize(
    ("description", "told"),
    [
        (live_description(""), "does not say which version answered before version 4"),
        ("made by hand", "does not say which version answered before version 4"),
        (live_description("9"), "Version 9 of digits, which answered before version 4, is gone."),
    ],
)
def test_without_a_version_before_one_must_be_named(description: str, told: str) -> None:
    """Those that there are stand beside it."""
    with pytest.raises(DeployerError) as caught:
        rollback_target(HISTORY, replace(LIVE, description=description), "")
    assert told in caught.value.message
    assert (1, True) == (caught.value.exit_code, "There are: 5 (digits:abc)" in caught.value.hint)


@pytest.mark.parametrize("state", ["Active", "Inactive", "Pending"])
def test_a_version_that_is_there_with_its_image_may_be_tested(state: str) -> None:
    """The test's first request makes an inactive one ready again."""
    target = replace(RELEASES[3], version=replace(RELEASES[3].version, state=state))
    check_target(target, has_image={"sha256:2"}.__contains__, function="digits", repository="digits")


@pytest.mark.parametrize(
    ("state", "digests", "told"),
    [
        ("Failed", ("sha256:2",), "Version 2 of digits cannot run"),
        ("Active", (), "is not in the ECR repository team/digits"),
    ],
)
def test_a_version_that_cannot_run_is_refused(state: str, digests: tuple[str, ...], told: str) -> None:
    """Before it is asked anything."""
    target = replace(RELEASES[3], version=replace(RELEASES[3].version, state=state))
    with pytest.raises(DeployerError, match=told):
        check_target(target, has_image=digests.__contains__, function="digits", repository="team/digits")
