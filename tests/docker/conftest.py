"""A real Docker Engine, a real registry and AWS's emulator; `scripts/engine` installs and starts the Engine.

Without one the tests of this folder skip, unless DEPLOYER_ENGINE names its folder: then a silent Engine fails them.
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from lambda_rie import docker

HERE = Path(__file__).parent
DEFAULT_FOLDER = "/var/lib/deployer-engine"
BASE = "deployer-base:3.11"
REGISTRY = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.docker)


@pytest.fixture(scope="session")
def engine_folder() -> Path:
    return Path(os.environ.get("DEPLOYER_ENGINE") or DEFAULT_FOLDER)


@pytest.fixture(scope="session")
def engine(engine_folder: Path) -> dict[str, str]:
    """The variables with which docker, buildx and the docker package find the Engine of `scripts/engine`."""
    host = engine_folder / "docker.sock"
    variables = {"DOCKER_HOST": f"unix://{host}", "DOCKER_CONFIG": str(engine_folder / "config")}
    if not host.exists() or shutil.which("docker") is None:
        _without(f"no Docker Engine in {engine_folder}; as root on Debian `make engine-start` starts one")
    docker(variables, "version")
    return variables


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of Debian's docker-registry, empty, on a loopback port. Docker needs no TLS there."""
    if shutil.which("docker-registry") is None:
        _without("there is no docker-registry; as root on Debian `make engine-start` installs it")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    (folder / "config.yml").write_text(REGISTRY.format(folder=folder / "data", address=address), encoding="utf-8")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
        try:
            _wait_for(address, server, folder / "log")
            yield address
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture(scope="session")
def base_image(engine: dict[str, str], registry: str) -> Iterator[str]:
    """Reference of Debian with Python 3.11 in that registry, as Docker pushes it."""
    reference = f"{registry}/base:3.11"
    docker(engine, "tag", BASE, reference)
    docker(engine, "push", "--quiet", reference)
    yield reference
    docker(engine, "image", "rm", reference)


@pytest.fixture(scope="session")
def emulator(engine_folder: Path) -> Path:
    """AWS's Runtime Interface Emulator for this machine."""
    machine = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    binary = engine_folder / "emulator" / f"aws-lambda-rie-{machine}"
    if not binary.exists():
        _without(f"{binary} is missing; as root on Debian `make engine-start` fetches it")
    return binary


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    host, _, port = address.partition(":")
    for _ in range(100):
        assert server.poll() is None, log.read_text(encoding="utf-8")
        with socket.socket() as client:
            if client.connect_ex((host, int(port))) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"docker-registry does not listen at {address}:\n{log.read_text(encoding='utf-8')}")


def _without(reason: str) -> NoReturn:
    if os.environ.get("DEPLOYER_ENGINE"):
        pytest.fail(f"DEPLOYER_ENGINE is set, but {reason}", pytrace=False)
    pytest.skip(reason)
