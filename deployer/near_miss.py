"""What a mistyped word was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

CLOSE = 0.6  # of difflib's ratio: what its own get_close_matches takes


def near_miss(word: object, known: Iterable[str]) -> str:
    """` Did you mean X?`, naming two where both are as close, or nothing where none is. Case and `-` for `_` count for
    nothing.
    """
    if not isinstance(word, str):
        return ""
    asked = _plain(word)
    scores = {name: SequenceMatcher(None, asked, _plain(name)).ratio() for name in known}
    best = max(scores.values(), default=0.0)
    close = [name for name, score in scores.items() if score == best >= CLOSE]
    return f" Did you mean {' or '.join(close[:2])}?" if close else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "_")
