"""What a published version says of itself, and what the alias `live` says of the version before it. Pure.

Lambda takes at most 256 characters of any kind for either (its API reference, `FunctionConfiguration.Description` and
`AliasConfiguration.Description`) and keeps with each published version the text it was published with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deployer.models import Tag
from deployer.releases import Alias, Provenance

LONGEST_DESCRIPTION = 256  # characters
LONGEST_AUTHOR = 40
INPUTS_LENGTH = 16  # characters of the hash that are kept: 64 bits
LIVE_DESCRIPTION = "The version that answers requests"
_TAG = r"[A-Za-z0-9][A-Za-z0-9._-]*:[A-Za-z0-9._-]+"
_RELEASE = re.compile(
    rf"(?:^|.* - )(?P<bento>{_TAG})(?: \([^()\[\]]*\))?"
    r" \[image sha256:[0-9a-f]{12}(?:, commit (?P<commit>[0-9a-f]+))?(?:, by (?P<author>[^\[\],]+))?"
    r", inputs (?P<inputs>[0-9a-f]{16})\]",
    re.DOTALL,
)
_BEFORE = re.compile(rf"{LIVE_DESCRIPTION}; (?P<version>\d+) did before\.")


@dataclass(frozen=True)
class Facts:
    """What a release is made of. `own` is the user's description; `inputs` and `digest` are whole hashes."""

    bento: Tag
    digest: str
    inputs: str
    own: str = ""
    models: Sequence[Tag] = ()
    commit: str = ""
    author: str = ""


def release_description(facts: Facts) -> str:
    """The fullest text that Lambda takes; `read_description` reads it.

    Where there is no room for everything, the models are counted, then author, commit and models are left out, and at
    last the user's own text is shortened: the Bento, the image and the inputs are what `history` and `up` go by.
    """
    return next(text for text in _fullest_first(facts) if len(text) <= LONGEST_DESCRIPTION)


def read_description(text: str) -> Provenance:
    """What `release_description` wrote; nothing for a version that deployer did not publish."""
    found = _RELEASE.fullmatch(text)
    return (
        Provenance() if found is None else Provenance(**{name: said or "" for name, said in found.groupdict().items()})
    )


def live_description(previous: str) -> str:
    """The description of the alias `live`: it says which version answered before, empty for none."""
    return f"{LIVE_DESCRIPTION}; {previous} did before." if previous else f"{LIVE_DESCRIPTION}."


def previous_version(alias: Alias) -> str:
    """The version that the alias pointed at before its last move; empty where none is known."""
    found = _BEFORE.fullmatch(alias.description)
    return found["version"] if found else ""


def short_inputs(inputs: str) -> str:
    """The part of the inputs' hash that a description holds."""
    return inputs[:INPUTS_LENGTH]


def _fullest_first(facts: Facts) -> Iterator[str]:
    before = f"{facts.own} - " if facts.own else ""
    commit, author = f", commit {facts.commit}" if facts.commit else "", _by(facts.author)
    image, inputs = f"image sha256:{facts.digest.removeprefix('sha256:')[:12]}", short_inputs(facts.inputs)
    for named in range(len(facts.models), -1, -1) if facts.models else ():
        yield f"{before}{facts.bento} ({_held(facts.models, named)}) [{image}{commit}{author}, inputs {inputs}]"
    for more in (f"{commit}{author}", commit, ""):
        yield f"{before}{facts.bento} [{image}{more}, inputs {inputs}]"
    least = f"{facts.bento} [{image}, inputs {inputs}]"
    yield f"{facts.own[: LONGEST_DESCRIPTION - len(least) - len('… - ')]}… - {least}"


def _by(author: str) -> str:
    name = " ".join(re.sub(r"[\[\],\x00-\x1f]", " ", author).split())[:LONGEST_AUTHOR].strip()
    return f", by {name}" if name else ""


def _held(models: Sequence[Tag], named: int) -> str:
    """`model a:1`, `models a:1, b:2`, `models a:1, … and 3 more`, or `4 models`."""
    noun = "model" if len(models) == 1 else "models"
    if not named:
        return f"{len(models)} {noun}"
    left = len(models) - named
    tags = ", ".join(map(str, models[:named]))
    return f"{noun} {tags}, … and {left} more" if left else f"{noun} {tags}"
