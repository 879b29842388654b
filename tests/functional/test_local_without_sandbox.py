"""Functions where the system has no user namespaces: plain processes, yet away from the host's packages and /tmp."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from local_aws import ACCOUNT, REGION, FakeControlPlane, tiny_image

from deployer.image.rebased import TMP
from deployer.local.blobs import Blobs
from deployer.local.data_plane import DataPlane
from deployer.local.function_logs import FunctionLogs
from deployer.local.functions import LATEST, FunctionName, FunctionVersion
from deployer.local.image_files import ImageFiles
from deployer.local.interpreters import Interpreters
from deployer.local.invocation import Invocation
from deployer.local.runtime_process import Spawner
from deployer.local.starter import EnvironmentStarter
from deployer.tools.process import Processes
from deployer.tools.sandbox import Isolation

HANDLER = """
import importlib.util, os, tempfile

def handle(event, context):
    with open(os.path.join(os.environ["HOME"], "mark"), "w") as file:
        file.write("x")
    return {
        "host_packages": [name for name in ("moto", "pip", "pytest") if importlib.util.find_spec(name)],
        "secret": os.environ.get("SECRET_OF_THE_HOST"),
        "home": os.environ["HOME"],
        "tempdir": tempfile.gettempdir(),
        "pid": os.getpid(),
    }
"""
FUNCTION = FunctionName(ACCOUNT, REGION, "plain")


@dataclass(frozen=True)
class Plain:
    """A data plane without sandbox and the one function on it."""

    data_plane: DataPlane
    version: FunctionVersion

    def invoke(self) -> Any:
        return json.loads(self.data_plane.invoke(self.version, Invocation(b"{}", "arn")).payload)


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Plain]:
    """The real starter with isolation `none`, and an image in its registry."""
    image = tiny_image(HANDLER)
    blobs = Blobs(tmp_path / "blobs")
    for content in image.blobs.values():
        blobs.add(content)
    version = FunctionVersion(FUNCTION, "1", image.digest, timeout=20, memory_size=256, ephemeral_storage=512)
    plane = FakeControlPlane(versions={(FUNCTION, LATEST): version})
    spawner, logs = Spawner(), FunctionLogs(plane)
    starter = EnvironmentStarter(
        images=ImageFiles(blobs, tmp_path / "cache"),
        interpreters=Interpreters(runner=Processes(), variables={**os.environ, "SECRET_OF_THE_HOST": "yes"}),
        isolation=Isolation("none", "for this test"),
        spawner=spawner,
        logs=logs,
        aws={},
        scratch=tmp_path / "scratch",
    )
    data_plane = DataPlane(plane, starter=starter)
    yield Plain(data_plane, version)
    data_plane.close()
    logs.close()
    spawner.close()


def test_a_plain_process_sees_neither_host_packages_nor_the_hosts_tmp(plain: Plain, tmp_path: Path) -> None:
    """Its home and its temporary folder are one private folder, which goes with the process."""
    told = plain.invoke()
    assert ([], None) == (told["host_packages"], told["secret"])
    assert told["home"] == told["tempdir"] != TMP
    assert Path(told["home"]).parent == tmp_path / "scratch"
    assert (Path(told["home"]) / "mark").exists()
    plain.data_plane.close()
    assert not Path(told["home"]).exists()
