"""The values of a working folder's variables, `terraform.tfvars.json`: bentoctl's operator writes it, a release adds
what is known only after the image.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployer.errors import DeployerError
from deployer.files import replace_file

VALUES_FILE = "terraform.tfvars.json"


def update_values(folder: Path, **values: Any) -> None:
    """Set these variables, keep the others. The file is for its owner alone: it holds the function's environment."""
    file = folder / VALUES_FILE
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeployerError(
            f"{file} cannot be read: {error}.", hint="Run `deployer up` again: it writes it."
        ) from error
    text = json.dumps({**known, **values}, indent=2, ensure_ascii=False) + "\n"
    replace_file(file, text, private=True)


@contextmanager
def values_kept(folder: Path) -> Iterator[None]:
    """Whatever the block writes there, afterwards the variables have the values that they had before."""
    file = folder / VALUES_FILE
    before = file.read_text(encoding="utf-8") if file.exists() else None
    try:
        yield
    finally:
        if before is None:
            file.unlink(missing_ok=True)
        else:
            replace_file(file, before, private=True)
