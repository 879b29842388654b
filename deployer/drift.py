"""One difference between what is there and what state and config say. A frozen value, no imports of ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Drift:
    """`where` is a terraform address, an alias, a version or `config`; `what` is one of the words below.

    `changed` and `deleted`: outside terraform. `planned`: terraform would do something there, though nobody changed
    it outside. `traffic`, `version`, `image`: what answers is not what should. `config`: `up` would release anew.
    """

    where: str
    what: str
    detail: str
