"""What a published version says of itself: the user's own text, then the Bento and the models it holds. Pure.

Lambda takes at most 256 characters of any kind (its API reference, `FunctionConfiguration.Description`) and keeps with
each published version the text it was published with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from deployer.models import Tag

LONGEST_DESCRIPTION = 256  # characters


def release_description(own: str, bento: Tag, models: Sequence[Tag]) -> str:
    """The fullest text that Lambda takes. `own`, at most 256 characters, is never cut, and neither is a tag.

    Models that find no room are counted instead of named; a Bento that finds none is left out.
    """
    return next((text for text in _fullest_first(own, bento, models) if len(text) <= LONGEST_DESCRIPTION), own)


def _fullest_first(own: str, bento: Tag, models: Sequence[Tag]) -> Iterator[str]:
    before = f"{own} - " if own else ""
    if models:
        for named in range(len(models), -1, -1):
            yield f"{before}{bento} ({_held(models, named)})"
    yield f"{before}{bento}"


def _held(models: Sequence[Tag], named: int) -> str:
    """`model a:1`, `models a:1, b:2`, `models a:1, … and 3 more`, or `4 models`."""
    noun = "model" if len(models) == 1 else "models"
    if not named:
        return f"{len(models)} {noun}"
    left = len(models) - named
    tags = ", ".join(map(str, models[:named]))
    return f"{noun} {tags}, … and {left} more" if left else f"{noun} {tags}"
