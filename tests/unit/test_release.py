"""What a published version says of the Bento, its models and its origin, within Lambda's 256 characters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deployer.models import Tag
from deployer.releases import Alias, Provenance
from deployer.stages.release import (
    LONGEST_DESCRIPTION,
    Facts,
    live_description,
    previous_version,
    read_description,
    release_description,
)

DIGEST, INPUTS = f"sha256:{'0123456789ab' * 6}"[:71], "fedcba9876543210" * 4
FACTS = Facts(Tag("digits", "abc"), DIGEST, INPUTS)
MADE = "[image sha256:0123456789ab, inputs fedcba9876543210]"
KNOWN = "[image sha256:0123456789ab, commit 1a2b3c4, by Ann Example, inputs fedcba9876543210]"
ONE, TWO = Tag("digits", "m1"), Tag("words", "m2")
LONG = tuple(Tag(f"model{number}", "v" * 60) for number in range(5))  # 67 characters each
COMMITTED = replace(FACTS, commit="1a2b3c4", author="Ann Example")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (FACTS, f"digits:abc {MADE}"),
        (replace(FACTS, models=(ONE,)), f"digits:abc (model digits:m1) {MADE}"),
        (replace(FACTS, models=(TWO, ONE)), f"digits:abc (models words:m2, digits:m1) {MADE}"),
        (replace(FACTS, own="Reads digits"), f"Reads digits - digits:abc {MADE}"),
        (COMMITTED, f"digits:abc {KNOWN}"),
        (
            replace(COMMITTED, own="Reads [x] - digits", models=(ONE,)),
            f"Reads [x] - digits - digits:abc (model digits:m1) {KNOWN}",
        ),
    ],
)
def test_the_description_says_what_it_was_made_of_and_is_read_again(facts: Facts, said: str) -> None:
    """The user's own text first; the Bento, commit, author and inputs come back, whatever stands before them."""
    assert release_description(facts) == said
    assert Provenance("digits:abc", INPUTS[:16], facts.commit, facts.author) == read_description(said)


def test_models_without_room_are_counted() -> None:
    """As many tags as fit are named, whole; the rest is a number."""
    text = release_description(replace(FACTS, models=LONG))

    assert text == f"digits:abc (models {LONG[0]}, {LONG[1]}, … and 3 more) {MADE}"


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (90, f" - digits:abc (model digits:m1) {KNOWN}"),
        (145, f" - digits:abc (1 model) {KNOWN}"),
        (158, f" - digits:abc {KNOWN}"),
        (170, " - digits:abc [image sha256:0123456789ab, commit 1a2b3c4, inputs fedcba9876543210]"),
        (190, f" - digits:abc {MADE}"),
    ],
)
def test_what_has_no_room_is_left_out_before_the_users_text(length: int, expected: str) -> None:
    """The models' names, the models, the author, the commit: in this order."""
    own = "ü" * length

    assert f"{own}{expected}" == release_description(replace(COMMITTED, own=own, models=(ONE,)))


@pytest.mark.parametrize("length", range(LONGEST_DESCRIPTION + 1))
@pytest.mark.parametrize("bento", [Tag("digits", "abc"), Tag("b" * 63, "v" * 64)], ids=["short", "longest"])
def test_lambda_takes_every_text_and_the_bento_is_always_read_from_it(length: int, bento: Tag) -> None:
    """At most 256 characters, whatever the length of the user's own."""
    text = release_description(replace(COMMITTED, own="x" * length, bento=bento, models=LONG))

    assert len(text) <= LONGEST_DESCRIPTION
    assert (str(bento), INPUTS[:16]) == (read_description(text).bento, read_description(text).inputs)


@pytest.mark.parametrize("author", ["A, B [x]\n, inputs 0000000000000000]", "", "Ä" * 100])
def test_an_authors_name_breaks_nothing(author: str) -> None:
    """Whatever git holds as a name, the rest is read as it was written."""
    read = read_description(release_description(replace(FACTS, author=author)))

    assert ("digits:abc", INPUTS[:16]) == (read.bento, read.inputs)
    assert len(read.author) <= 40


@pytest.mark.parametrize("text", ["", "digits:abc", "made by hand", "digits:abc [image sha256:x, inputs y]"])
def test_a_version_of_somebody_elses_says_nothing(text: str) -> None:
    """Only what deployer wrote is read."""
    assert Provenance() == read_description(text)


@pytest.mark.parametrize(("previous", "read"), [("3", "3"), ("", "")])
def test_live_remembers_the_version_before(previous: str, read: str) -> None:
    """In its own description, which the call that moves it writes."""
    assert read == previous_version(Alias("live", "4", description=live_description(previous)))


@pytest.mark.parametrize("description", ["", "mine; 3 did before.", "The version that answers requests; x did before."])
def test_a_description_of_somebody_elses_names_no_version(description: str) -> None:
    """Only the sentence that deployer writes counts."""
    assert previous_version(Alias("live", "4", description=description)) == ""
