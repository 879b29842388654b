"""Pushing to Debian's docker-registry, read back with skopeo: neither is ours."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_registry_push import make_layout

from deployer.tools.oci_layout import read_layout
from deployer.tools.registry import Pushed, Registry

MISSING = [tool for tool in ("docker-registry", "skopeo") if shutil.which(tool) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not on PATH: {', '.join(MISSING)}")

CONFIG = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "{address}"}}
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of an empty registry."""
    folder = tmp_path_factory.mktemp("docker-registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder / "data", address=f"127.0.0.1:{port}"), "utf-8")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=log)
    try:
        wait_for(port)
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("docker-registry does not listen")


def push(address: str, layout: Path, name: str) -> Pushed:
    return Registry(f"http://{address}", repository=name).push(layout, tag="v1")


def skopeo(*arguments: str) -> bytes:
    done = subprocess.run(["skopeo", *arguments], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def raw(address: str, name: str) -> bytes:
    return skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{address}/{name}:v1")


def test_the_registry_has_exactly_the_layouts_manifest(address: str, tmp_path: Path) -> None:
    """One manifest of one platform, byte for byte ours: no index, nothing translated."""
    layout = make_layout(tmp_path / "layout")
    done = push(address, layout, "team/exact")
    assert raw(address, "team/exact") == read_layout(layout).content
    assert len(done.pushed) == 3


def test_a_second_push_sends_nothing_and_a_changed_layer_only_itself(address: str, tmp_path: Path) -> None:
    """What is there is found by its digest, whatever the image."""
    one = make_layout(tmp_path / "one", layers=(b"first" * 1000, b"second" * 1000))
    other = make_layout(tmp_path / "other", layers=(b"first" * 1000, b"changed" * 1000))
    first = push(address, one, "team/again")
    assert push(address, one, "team/again") == Pushed(first.digest, (), first.pushed, tag="v1")
    changed = push(address, other, "team/again")
    assert changed.pushed == (read_layout(other).blobs[1].digest,)
    assert raw(address, "team/again") == read_layout(other).content


def test_base_layers_are_mounted(address: str, tmp_path: Path) -> None:
    """A real registry takes them from the other repository, and they can be read from the new one."""
    below = (b"system" * 1000, b"python" * 1000)
    push(address, make_layout(tmp_path / "base", layers=below), "bases/python")
    layout = make_layout(tmp_path / "layout", layers=(b"ours",), below=below, base=f"{address}/bases/python:3.11")
    done = push(address, layout, "team/mounted")
    assert set(done.mounted) == {blob.digest for blob in read_layout(layout).blobs if blob.of_base}
    skopeo("copy", "--src-tls-verify=false", f"docker://{address}/team/mounted:v1", f"dir:{tmp_path / 'read'}")


def test_the_command_pushes_what_skopeo_wrote(address: str, tmp_path: Path) -> None:
    """An image from elsewhere, by `skopeo copy … oci:`; a loopback registry is spoken to without TLS."""
    push(address, make_layout(tmp_path / "layout"), "team/origin")
    copied = tmp_path / "copied"
    skopeo("copy", "--src-tls-verify=false", f"docker://{address}/team/origin:v1", f"oci:{copied}:any")
    first, second = (deployer_push(copied, f"{address}/team/copied:v1") for _ in range(2))
    assert raw(address, "team/copied") == read_layout(copied).content
    assert len(first["pushed"]) == 3
    assert (second["pushed"], second["digest"]) == ([], first["digest"])


def deployer_push(layout: Path, reference: str) -> Any:
    argv = [sys.executable, "-m", "deployer", "image", "push", "--no-check", str(layout), reference]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("reference", ["127.0.0.1:5000/team/x", f"127.0.0.1:5000/x@sha256:{'0' * 64}"])
def test_a_push_wants_a_tag(tmp_path: Path, reference: str) -> None:
    """An image without a name of its own would replace whatever is the latest."""
    argv = [sys.executable, "-m", "deployer", "image", "push", str(tmp_path), reference]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "names no tag" in done.stderr
