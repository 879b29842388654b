"""The files of tests/golden/expected: what people and programs see. `make golden` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

EXPECTED = Path(__file__).parent / "golden" / "expected"


def held(name: str, shown: str) -> None:
    """Fail where what is shown is not what the file holds."""
    path = EXPECTED / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
