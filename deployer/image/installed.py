"""An installed tree made independent of where and by what it was installed.

Files that uv hardlinked from its cache are replaced, never written to.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from pathlib import Path

from deployer.files import replace_file

# Written by the installer about this one installation: paths and times of the building machine.
_LOCAL_RECORDS = ("direct_url.json", "uv_cache.json", "uv_build.json", "REQUESTED", "INSTALLER")
_SHEBANG = re.compile(rb"\A(#!/bin/sh\n'''exec' .*\n' '''\n|#!.*python.*\n)")


def normalise(tree: Path) -> None:
    """Same wheels, same bytes: launchers name no path, records list what is there and what it was shipped as."""
    (tree / ".lock").unlink(missing_ok=True)
    for cached in [path for path in tree.rglob("__pycache__") if path.is_dir()]:
        shutil.rmtree(cached)
    changed = _rewrite_launchers(tree / "bin")
    for info in sorted(tree.glob("*.dist-info")):
        for name in _LOCAL_RECORDS:
            (info / name).unlink(missing_ok=True)
        _rewrite_record(tree, info / "RECORD", changed)


def _rewrite_launchers(folder: Path) -> frozenset[str]:
    """The names in RECORD of the scripts whose first line named the building machine's interpreter."""
    changed = set()
    for script in folder.glob("*"):
        body = script.read_bytes() if script.is_file() else b""
        if found := _SHEBANG.match(body):
            _replace(script, b"#!/usr/bin/env python3\n" + body[found.end() :])
            changed.add(f"bin/{script.name}")
    return frozenset(changed)


def _rewrite_record(tree: Path, record: Path, changed: frozenset[str]) -> None:
    """Drop the lines of files that are gone, and the hash of those that were changed."""
    if not record.is_file():
        return
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    with record.open(newline="", encoding="utf-8") as file:
        for row in csv.reader(file):
            name = re.sub(r"^(\.\./)+bin/", "bin/", row[0])
            if name in changed:
                lines.writerow([name, "", ""])
            elif (tree / name).exists():
                lines.writerow([name, *row[1:]])
    _replace(record, out.getvalue().encode())


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode
    replace_file(path, content)
    path.chmod(mode)
