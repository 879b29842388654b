"""Bytecode is a function of the source, its place and the interpreter; nothing of this machine decides it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from stand_in_runner import StandInRunner

from deployer.image.bytecode import WITH_A_SEED, Compiler
from deployer.tools.process import Processes

PROBE = "import json, sys; print(json.dumps([sys.flags.hash_randomization, sys.flags.ignore_environment, sys.path]))"


def test_the_hash_seed_is_fixed_and_no_folder_goes_before_the_standard_library(tmp_path: Path) -> None:
    """`-I` would pass by PYTHONHASHSEED, and sets in a .pyc of Python 3.9 would be in another order each time."""
    program = tmp_path / "probe.py"
    program.write_text(PROBE, "utf-8")
    runner = StandInRunner()
    (tmp_path / "module.py").write_text("", "utf-8")
    Compiler(Path(sys.executable), "3.11.7", runner, {"PYTHONPATH": "/mine", "PATH": "/bin"}).compile(tmp_path, at="x")

    asked = runner.asked[-1]
    assert asked.argv[:-1] == (sys.executable, "-S", "-c", WITH_A_SEED)
    said = subprocess.run(
        [*asked.argv[:-1], str(program)], env=dict(asked.env), cwd=tmp_path, capture_output=True, check=True
    )
    randomized, ignores_environment, path = json.loads(said.stdout)
    assert (randomized, ignores_environment) == (0, 0)
    assert not {"", "/mine", str(tmp_path)} & set(path)


def test_bytecode_that_was_pruned_is_made_again_the_same(tmp_path: Path) -> None:
    """And kept again, whole."""
    source = tmp_path / "tree" / "module.py"
    source.parent.mkdir()
    source.write_text("value = {'a', 'b'}\n", "utf-8")
    build = ".".join(map(str, sys.version_info[:3]))
    compiler = Compiler(Path(sys.executable), build, Processes(), os.environ, kept=tmp_path / "kept")
    compiler.compile(source.parent, at="opt/python")
    (kept,) = (path for path in compiler.kept.rglob("*") if path.is_file())
    first = kept.read_bytes()
    kept.unlink()
    for made in source.parent.rglob("*.pyc"):
        made.unlink()
    compiler.compile(source.parent, at="opt/python")
    assert kept.read_bytes() == first
