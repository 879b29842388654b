"""The real `docker-registry` on loopback behind a counting proxy, emptied between samples but for the base image."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.counting_proxy import Counter, counting

PROGRAM = "docker-registry"


class Registry:
    """`address` is HOST:PORT as clients use it; it stays the same while the storage is replaced."""

    def __init__(self, folder: Path, port: int, counter: Counter, address: str) -> None:
        self._folder, self._port, self._counter = folder, port, counter
        self.address = address
        self._process: subprocess.Popen[bytes] | None = None

    def fresh(self) -> None:
        """An empty registry, or one that holds what there was when `keep` was called."""
        self.stop()
        shutil.rmtree(self._storage, ignore_errors=True)
        if self._template.is_dir():
            shutil.copytree(self._template, self._storage)
        self._start()

    def keep(self) -> None:
        """What the registry holds now is what a fresh one has."""
        shutil.rmtree(self._template, ignore_errors=True)
        shutil.copytree(self._storage, self._template)

    def received(self) -> int:
        """Bytes of all request bodies so far."""
        return self._counter.read()

    def stored(self) -> int:
        """Bytes of all blobs and manifests."""
        return sum(path.stat().st_size for path in self._storage.glob("docker/registry/v2/blobs/**/data"))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    @property
    def _storage(self) -> Path:
        return self._folder / "storage"

    @property
    def _template(self) -> Path:
        return self._folder / "template"

    def _start(self) -> None:
        config = self._folder / "config.yml"
        settings = {
            "version": 0.1,
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(self._storage)}},
            "http": {"addr": f"127.0.0.1:{self._port}", "relativeurls": True},
        }
        config.write_text(json.dumps(settings), "utf-8")  # JSON is YAML
        with (self._folder / "log").open("ab") as log:
            argv = [PROGRAM, "serve", str(config)]
            environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment)
        _wait(f"http://127.0.0.1:{self._port}/v2/")


@contextmanager
def running(folder: Path) -> Iterator[Registry]:
    """A registry with its files in `folder`; it ends with the block."""
    folder.mkdir(parents=True)
    inner, outer = _free_ports(2)
    with counting(outer, to=inner) as counter:
        registry = Registry(folder, inner, counter, f"127.0.0.1:{outer}")
        try:
            registry.fresh()
            yield registry
        finally:
            registry.stop()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [open_socket.getsockname()[1] for open_socket in sockets]
    for open_socket in sockets:
        open_socket.close()
    return ports


def _wait(url: str, *, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  our own loopback address
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
