"""What a Bento asks of its image beside Python packages, read from bento.yaml as BentoML 1.0 to 1.4 write it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from bento_samples import write_legacy, write_modern

from deployer.errors import DeployerError
from deployer.models import Demands
from deployer.tools.bento_demands import read_demands
from deployer.tools.bento_document import read_bento

PREPARATION = (
    "apt-get update && apt-get install -q -y --no-install-recommends --allow-remove-essential"
    " ca-certificates gnupg2 bash build-essential git"
)
APT = "apt-get install -q -y -o Dpkg::Options::=--force-confdef"
SCRIPT = "chmod +x ./env/docker/script__0a1b && ./env/docker/script__0a1b"


def image(**keys: Any) -> dict[str, Any]:
    return {"image": {"base_image": "python:3.11-slim", "python_version": "3.11", **keys}}


def test_a_plain_bento_asks_for_nothing(tmp_path: Path) -> None:
    """BentoML's own base and its own preparation of it are no wish of the user's."""
    modern = write_modern(
        tmp_path, "modern:v1", **image(commands=["export UV_COMPILE_BYTECODE=1", PREPARATION, PREPARATION])
    )
    legacy = write_legacy(tmp_path, "legacy:v1")
    assert [read_bento(path, models=None).demands for path in (modern, legacy)] == [Demands(), Demands()]


@pytest.mark.parametrize(
    ("document", "demands"),
    [
        (
            {"docker": {"system_packages": ["libgomp1", "git"]}},
            Demands(apt=("libgomp1", "git"), docker=("the apt packages libgomp1 git",)),
        ),
        (
            image(commands=[PREPARATION, f"{APT} libgomp1 'a b'"]),
            Demands(apt=("libgomp1", "a b"), docker=("the apt packages libgomp1 a b",)),
        ),
        ({"docker": {"setup_script": "setup.sh"}}, Demands(setup_script=True, docker=("a setup script",))),
        (image(commands=[SCRIPT]), Demands(commands=(SCRIPT,), docker=("a setup script",))),
        (
            image(post_commands=["echo done"]),
            Demands(post_commands=("echo done",), docker=("the command `echo done`",)),
        ),
        (
            {"docker": {"dockerfile_template": "Dockerfile.j2"}},
            Demands(own_dockerfile=True, docker=("a Dockerfile template",)),
        ),
        (
            {"conda": {"channels": ["defaults"], "dependencies": ["h2o"], "pip": None, "environment_yml": None}},
            Demands(own_dockerfile=True, docker=("conda (dependencies)",)),
        ),
        ({"conda": {"channels": ["defaults"], "dependencies": None}}, Demands()),
        (image(base_image="example.com/team/base:1"), Demands(base_image="example.com/team/base:1")),
        ({"docker": {"base_image": "debian:12"}}, Demands(base_image="debian:12")),
    ],
)
def test_each_wish_is_read_and_named(document: dict[str, Any], demands: Demands) -> None:
    """`docker` holds the words for people, the other fields what the Docker builder does."""
    assert read_demands(document) == demands


@pytest.mark.parametrize(
    ("document", "note"),
    [
        ({"docker": {"distro": "alpine"}}, "alpine"),
        (image(base_image="python:3.11-alpine"), "alpine"),
        ({"services": [{"name": "Digits", "config": {"resources": {"gpu": 1}}}]}, "asks for a GPU"),
    ],
)
def test_what_is_done_otherwise_is_told(document: dict[str, Any], note: str) -> None:
    """Neither stops a deployment, both may surprise."""
    demands = read_demands(document)
    assert demands.docker == ()
    assert note in " ".join(demands.notes)


def test_cuda_is_refused_with_the_way_out() -> None:
    """No builder can give it a GPU."""
    with pytest.raises(DeployerError) as caught:
        read_demands({"docker": {"cuda_version": "12.1.1"}})
    assert "CUDA 12.1.1" in caught.value.message
    assert "CPU packages" in caught.value.hint
