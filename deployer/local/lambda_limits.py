"""Lambda's limits on descriptions and tags, which moto does not know: its API reference (TagResource, CreateFunction).

What may be in a tag is said by the page "Using tags on Lambda functions" of its developer guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from deployer.local.refusal import Refused

DESCRIPTION = 256  # characters
TAGS = 50  # of one function
TAG_KEY, TAG_VALUE = 128, 256  # characters
TAG_TEXT = re.compile(r"[\w\s.:/=+\-@]*")


def require_description(asked: Mapping[str, Any]) -> None:
    """Raises Refused where the request's description is too long."""
    description = asked.get("Description") or ""
    if len(description) > DESCRIPTION:
        message = (
            f"1 validation error detected: Value '{description}' at 'description' failed to satisfy constraint: "
            f"Member must have length less than or equal to {DESCRIPTION}"
        )
        raise Refused(message, kind="ValidationException")


def require_tags(given: Mapping[str, str], *, kept: Mapping[str, str]) -> None:
    """Raises Refused where a function that has the tags `kept` may not get these."""
    for key, value in given.items():
        reserved = key.lower().startswith("aws:")
        fits = 0 < len(key) <= TAG_KEY and len(value) <= TAG_VALUE
        if reserved or not fits or not TAG_TEXT.fullmatch(key) or not TAG_TEXT.fullmatch(value):
            raise Refused(f"The tag {key}={value} is not one that Lambda takes.")
    if len({**kept, **given}) > TAGS:
        raise Refused("Number of tags exceeds resource tag limit.")
