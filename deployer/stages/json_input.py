"""JSON that the user hands in: strictly JSON, and what is not is refused with the place where it ends to be."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from deployer.errors import BadInput


def parse_json(text: bytes, *, whence: str) -> Any:
    """The value. `whence` begins the message. Raises BadInput; NaN and Infinity are no JSON."""
    try:
        return json.loads(text.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise BadInput(f"{whence} is not JSON: {error}.", hint="It is sent as it is: make it valid JSON.") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
