"""One thing that is wrong with a config: where, and what."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

Keys = tuple[str | int, ...]

SHOWN_CHARACTERS = 60
PLAIN_KEY = re.compile(r"[\w:/+=@-]+")


@dataclass(frozen=True)
class Problem:
    """`keys` lead to the value; `message` is one or more sentences without the key path."""

    keys: Keys
    message: str

    @property
    def path(self) -> str:
        return ".".join(key if PLAIN_KEY.fullmatch(key) else shown(key) for key in map(str, self.keys))


def shown(value: object) -> str:
    """A value as it would be written in JSON, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
