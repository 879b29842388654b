"""The Docker-free side of benchmarks/image.py: the builder and the push, called in this process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import memory
from benchmarks.registry_process import Registry
from deployer import directories
from deployer.image.build import Builder, BuiltImage
from deployer.image.layer_cache import BlobCache
from deployer.tools import bentoctl_environment
from deployer.tools import registry as registry_tool
from deployer.tools.oci_layout import read_layout
from deployer.tools.process import Processes

NAME = "docker-free"
MODEL, CODE = "model ", "service"  # how the builder titles the layer that a change is in
IMPORTS = "import deployer.image.build, deployer.tools.registry"


class DockerFree:
    """`base` is a reference in the registry, or `none`. A round begins with nothing but the base in its cache."""

    name = NAME

    def __init__(self, scratch: Path, registry: Registry, context: Path, *, base: str) -> None:
        self.context = context
        self._scratch, self._registry, self._base = scratch, registry, base
        self._cache, self._layout = scratch / "cache", scratch / "layout"
        self._built: BuiltImage | None = None
        self._round = 0
        self.base_pull: list[float] = []

    def begin(self, number: int) -> None:
        """The Engine has the base image before it builds, so the cache gets it too."""
        self._round = number
        shutil.rmtree(self._cache, ignore_errors=True)
        shutil.rmtree(self._layout, ignore_errors=True)
        if self._base != "none":
            started = time.perf_counter()
            pull_base(self._base, BlobCache(self._cache))
            self.base_pull.append(time.perf_counter() - started)

    def warm(self) -> None:
        """Downloads only, in uv's own cache: the builder's is removed again."""
        self.begin(0)
        self.build(first=True)

    def build(self, *, first: bool) -> None:
        self._built = builder(self._cache, base=self._base).build(self.context, layout=self._layout)

    def push(self) -> None:
        push(self._registry, self._layout, tag=f"r{self._round}")

    def changed(self, step: str) -> int | None:
        """The bytes that this step had to send: what was asked to change, the manifest and the configuration."""
        title = {"model": MODEL, "code": CODE}.get(step)
        if title is None or self._built is None:
            return None
        layout = read_layout(self._layout)
        layers = [layer.size for layer in self._built.layers if layer.title.startswith(title)]
        return sum(layers) + layout.manifest.size + layout.blobs[-1].size

    def reset_peak(self) -> None:
        memory.reset_peak()

    def peak_mb(self) -> float | None:
        return memory.peak_mb()

    def reference(self) -> str:
        return f"{self._registry.address}/{NAME}:r{self._round}"

    def for_another_process(self) -> list[str]:
        """Context, cache, layout, registry and base, as words."""
        return [str(self.context), str(self._cache), str(self._layout), f"http://{self._registry.address}", self._base]

    def apart(self) -> dict[str, Any]:
        """What a user waits for beside the two calls that are timed, in seconds."""
        return {
            "interpreter_start_and_imports_s": _seconds([sys.executable, "-c", IMPORTS]),
            "bentoctl_start_s": _bentoctl_start(),
            "import_check_s": self._import_check(),
            "base_pull_s": [round(seconds, 3) for seconds in self.base_pull],
        }

    def _import_check(self) -> float | None:
        try:
            from deployer.image.import_check import ImportCheck
        except ImportError:
            return None
        check = ImportCheck(Processes(), os.environ, self._scratch / "import-check", lambda line: None)
        started = time.perf_counter()
        check.check(self._layout)
        return round(time.perf_counter() - started, 3)


def builder(cache: Path, *, base: str) -> Builder:
    return Builder(Processes(), os.environ, BlobCache(cache), lambda line: None, base=base)


def push(registry: Registry, layout: Path, *, tag: str) -> None:
    target = registry_tool.Registry(f"http://{registry.address}", repository=NAME, variables=os.environ)
    target.push(layout, tag=tag)


def pull_base(reference: str, cache: BlobCache) -> None:
    from deployer.image import base

    machine = "aarch64" if os.uname().machine in ("arm64", "aarch64") else "x86_64"
    base.pull(reference, machine=machine, cache=cache, variables=os.environ, say=lambda line: None)


def _bentoctl_start() -> float | None:
    """bentoctl's own start in its environment; None where that was never made."""
    made = [
        folder for folder in sorted(directories.cache().glob("bentoctl-*")) if bentoctl_environment.is_whole(folder)
    ]
    return _seconds([str(bentoctl_environment.interpreter(made[0])), "-c", "import bentoctl.cli"]) if made else None


def _seconds(argv: list[str]) -> float:
    started = time.perf_counter()
    ended = subprocess.run(argv, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {ended.stderr[-2000:]}")
    return round(time.perf_counter() - started, 3)
