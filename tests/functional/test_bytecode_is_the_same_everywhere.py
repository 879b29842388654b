"""Bytecode depends on its source, its place and the interpreter: not on what else is compiled, by how many or when."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from deployer.image.bytecode import Compiler, find_compiler
from deployer.tools.process import Processes

SOURCES = {
    "names.py": "class Names:\n    def same(self, other):\n        return self.other is other\n",
    "sets.py": "def known(x):\n    return x in {'alpha', 'beta', 'gamma', 'delta', 'b', b'x'}\n",
    "again.py": "from names import Names\nother = Names().same\nset_of = frozenset(('alpha', 'beta'))\nDASH = b'-'\n",
}
MINORS = ("3.10", "3.11", "3.12", "3.13")


def compiled(folder: Path, names: list[str], compiler: Compiler) -> dict[str, bytes]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SOURCES[name], encoding="utf-8")
    compiler.compile(folder, at="opt/python")
    return {name: next((folder / "__pycache__").glob(f"{name[:-3]}.*.pyc")).read_bytes() for name in names}


@pytest.mark.parametrize("minor", MINORS)
def test_alone_or_among_others_with_any_seed(tmp_path: Path, minor: str) -> None:
    """A build that finds part of it in the cache, and one on more processors, make the same image."""
    variables = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(tmp_path)}
    compiler = find_compiler(minor, runner=Processes(), variables=variables)
    if compiler is None:
        pytest.skip(f"this machine has no Python {minor}")
    together = compiled(tmp_path / "together", sorted(SOURCES), compiler)
    for turn in range(3):
        for name in SOURCES:
            alone = compiled(tmp_path / f"{turn}{name}", [name], compiler)
            assert alone == {name: together[name]}


def test_no_module_beside_the_program_comes_before_pythons_own(tmp_path: Path) -> None:
    """The program lies among modules of ours with names such as `inspect`."""
    compiler = find_compiler(f"{sys.version_info.major}.{sys.version_info.minor}", runner=Processes(), variables={})
    assert compiler is not None
    (tmp_path / "json.py").write_text("raise SystemExit(7)\n", encoding="utf-8")
    compiler.compile(tmp_path, at="opt/python")
    assert list((tmp_path / "__pycache__").glob("json.*.pyc"))
