"""A Bento with BentoML's packages and one model, whose service each test writes anew; a small system for a base."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from bento_projects import build, lay_out, run

from deployer.image import archive
from deployer.image.archive import Tree
from deployer.image.base import Base
from deployer.image.build import Builder
from deployer.image.layer_cache import BlobCache
from deployer.image.manifest import TitledBlob
from deployer.tools.process import Processes

SERVICE = """
import bentoml

{at_import}

@bentoml.service(name="small")
class Small:
    model = bentoml.models.BentoModel("weights:latest")

    @bentoml.api
    def double(self, value: float) -> float:
        return 2 * value
"""
MODEL = """
import bentoml, pathlib
with bentoml.models.create("weights") as model:
    pathlib.Path(model.path_of("weights.txt")).write_text("1 2 3")
"""
NOT_NEEDED = shutil.ignore_patterns("test", "site-packages", "idlelib", "tkinter", "lib2to3", "config-*", "ensurepip")
# Of PEP 600's list of what a wheel may leave to the system.
EXPECTED_BY_WHEELS = [f"lib{name}" for name in ("stdc++.so.6", "gcc_s.so.1", "z.so.1", "m.so.6", "dl.so.2", "rt.so.1")]
EXPECTED_BY_WHEELS += [f"lib{name}" for name in ("util.so.1", "pthread.so.0", "resolv.so.2")]
LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")


def write_bento(folder: Path) -> Path:
    """Built with BentoML's own command, its model inside."""
    project, store = folder / "project", folder / "store"
    project.mkdir(parents=True)
    (project / "service.py").write_text(SERVICE.format(at_import=""), "utf-8")
    (project / "bentofile.yaml").write_text("service: service:Small\ninclude:\n  - service.py\n", "utf-8")
    run([sys.executable, "-c", MODEL], store=store, cwd=project)
    return lay_out(build(project, store=store), store=store, folder=folder / "bento")


def write_service(bento: Path, at_import: str) -> None:
    code = SERVICE.format(at_import=textwrap.dedent(at_import))
    (bento / "src" / "service.py").write_text(code, "utf-8")


def builder(cache: BlobCache, *, base: Base | None = None) -> Builder:
    """A real one; the base image is handed in instead of pulled."""

    def pulled(reference: str, **_: object) -> Base:
        assert base is not None
        return base

    return Builder(Processes(), os.environ, cache, print, base="small" if base else "none", pull_base=pulled)


def small_system(folder: Path, cache: BlobCache) -> Base:
    """A base image: this interpreter, the libraries that it needs, and nothing else of this machine."""
    prefix, root = Path(sys.base_prefix), folder / "system"
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = root / "usr/local/lib" / name
    shutil.copytree(prefix / "lib" / name, library, ignore=NOT_NEEDED)
    _copy(Path(sys.executable).resolve(), root / "usr/local/bin" / name)
    (root / "usr/local/bin/python3").symlink_to(name)
    _copy(Path(shutil.which("env") or "/usr/bin/env").resolve(), root / "usr/bin/env")
    for found in _libraries([*library.glob("lib-dynload/*.so"), *(root / "usr").glob("*/bin/*"), root / "usr/bin/env"]):
        _copy(found, root / found.relative_to("/"))
    blob, _ = cache.get(f"small-system-{folder.name}", lambda writer: _write(root, writer.write))
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [blob.diff_id]},
        "history": [{"created_by": "a small system"}],
    }
    return Base("small", f"sha256:{'0' * 64}", (TitledBlob("base image 1/1", blob),), config)


def _write(root: Path, into: archive.Write) -> None:
    """Each top-level folder at its place: a `Tree` has no root of its own."""
    pieces: list[bytes] = []
    for folder in sorted(root.iterdir()):
        pieces.clear()
        archive.write(Tree(folder, folder.name), pieces.append)
        for piece in pieces[:-1]:  # the last is the end marker of each archive
            into(piece)
    into(pieces[-1])


def _libraries(files: list[Path]) -> Iterator[Path]:
    """What the dynamic loader of this machine finds for them, and the loader itself."""
    found: set[str] = set()
    for file in files:
        shown = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
        found |= set(LIBRARY.findall(shown))
    expected = {Path(path).parent / name for path in found for name in EXPECTED_BY_WHEELS}
    yield from sorted({*map(Path, found), *(path for path in expected if path.is_file())})


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)  # the file itself, where it is a link
