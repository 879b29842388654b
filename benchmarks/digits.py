"""The digits example as the Bento of a benchmark: built once, staged with its model, changed in one place at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from deployer.files import replace_file
from deployer.tools.bento_document import read_bento
from deployer.tools.bento_staging import stage_context

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits_classifier"


def stage(scratch: Path) -> Path:
    """Train, build the Bento into a store in `scratch`, and make the folder that images are built from."""
    home = scratch / "bentoml"
    home.mkdir(parents=True)
    variables = {**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "PYTHONWARNINGS": "ignore"}
    for arguments in (["train.py"], ["-m", "bentoml", "build", "--output", "tag"]):
        subprocess.run([sys.executable, *arguments], cwd=EXAMPLE, env=variables, check=True, capture_output=True)
    folder = next((home / "bentos" / "digits_classifier").glob("*/bento.yaml")).parent
    context = scratch / "staged"
    stage_context(read_bento(folder, models=home / "models"), context)
    return context


def change_model(context: Path) -> None:
    """The bytes of a new training run: as many as before, and none of them known."""
    file = next(context.glob("models/*/*/saved_model.pkl"))
    replace_file(file, os.urandom(file.stat().st_size))


def change_code(context: Path, number: int) -> None:
    file = context / "src" / "service.py"
    replace_file(file, f"{file.read_text('utf-8')}\n# change {number}\n")


def add_large_file(context: Path, size: int) -> Path:
    """Incompressible for gzip, which looks back 32 kB: the same 64 MB again and again."""
    block = os.urandom(min(size, 64 << 20))
    file = next(context.glob("models/*/*/saved_model.pkl")).with_name("large.bin")
    with file.open("wb") as target:
        left = size
        while left:
            left -= target.write(block[: min(left, len(block))])
    return file
