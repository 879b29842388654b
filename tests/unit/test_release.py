"""What a published version says of the Bento and the models it holds, within Lambda's 256 characters."""

from __future__ import annotations

import pytest

from deployer.models import Tag
from deployer.stages.release import LONGEST_DESCRIPTION, release_description

BENTO = Tag("digits", "abc")
ONE, TWO = Tag("digits", "m1"), Tag("words", "m2")
LONG = tuple(Tag(f"model{number}", "v" * 60) for number in range(5))  # 67 characters each


@pytest.mark.parametrize(
    ("own", "models", "said"),
    [
        ("", (), "digits:abc"),
        ("", (ONE,), "digits:abc (model digits:m1)"),
        ("", (TWO, ONE), "digits:abc (models words:m2, digits:m1)"),
        ("Reads digits", (), "Reads digits - digits:abc"),
        ("Reads digits", (ONE,), "Reads digits - digits:abc (model digits:m1)"),
    ],
)
def test_the_bento_and_its_models_follow_the_users_own_text(own: str, models: tuple[Tag, ...], said: str) -> None:
    """One model or several, in the Bento's order; nothing is said of models where there is none."""
    assert said == release_description(own, BENTO, models)


def test_models_without_room_are_counted() -> None:
    """As many tags as fit are named, whole."""
    text = release_description("", BENTO, LONG)

    assert text == f"digits:abc (models {LONG[0]}, {LONG[1]}, {LONG[2]}, … and 2 more)"


@pytest.mark.parametrize(
    ("models", "held"), [((Tag("m" * 63, "v" * 64),), " (1 model)"), ((Tag("m" * 63, "v" * 64),) * 3, " (3 models)")]
)
def test_a_name_that_fills_the_text_leaves_a_number(models: tuple[Tag, ...], held: str) -> None:
    """The longest tags there are, 128 characters each, are too much for one text together."""
    bento = Tag("b" * 63, "v" * 64)

    assert f"{bento}{held}" == release_description("", bento, models)


@pytest.mark.parametrize(
    ("length", "added"),
    [
        (225, " - digits:abc (model digits:m1)"),
        (226, " - digits:abc (1 model)"),
        (233, " - digits:abc (1 model)"),
        (234, " - digits:abc"),
        (243, " - digits:abc"),
        (244, ""),
        (256, ""),
    ],
)
def test_the_users_text_is_kept_whole(length: int, added: str) -> None:
    """What is added to it is what it leaves room for: the models, their number, the Bento, nothing."""
    own = "ü" * length

    assert f"{own}{added}" == release_description(own, BENTO, (ONE,))


@pytest.mark.parametrize("length", range(LONGEST_DESCRIPTION + 1))
def test_lambda_takes_every_text(length: int) -> None:
    """At most 256 characters, whatever the length of the user's own."""
    assert len(release_description("x" * length, BENTO, LONG)) <= LONGEST_DESCRIPTION
