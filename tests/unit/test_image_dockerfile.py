"""What a build with Docker is given: the context, the Dockerfile and pip's settings; and how its output is read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tiny_bento
import yaml

from deployer.errors import DeployerError
from deployer.image import pip_settings, requirements
from deployer.image.dockerfile import write_docker_context
from deployer.image.requirements import Requirements
from deployer.operator.images.buildx_output import BuildxOutput
from deployer.operator.images.pushed_image import title_of

SECRET = "hunter2"  # noqa: S105, the planted one
OUTPUT = """#4 [stage-0 1/6] FROM base
#6 [stage-0 2/6] RUN --mount=type=secret,id=pip ["/bin/sh", "-c", "set -e\\npip", "deployer: dependencies"]
#6 0.512 Collecting tiny
#6 [stage-0 2/6] RUN --mount=type=secret,id=pip ["/bin/sh", "-c", "set -e\\npip", "deployer: dependencies"]
#6 ERROR: executor failed running
------
 > [stage-0 2/6] RUN --mount=type=secret,id=pip ["/bin/sh", "-c", "set -e\\npip", "deployer: dependencies"]:
0.512 Collecting tiny
0.700 ERROR: No matching distribution found for tiny
------
ERROR: failed to solve: executor failed running
"""


def write(folder: Path, *, base: str = "", variables: dict[str, str] | None = None, **keys: object) -> str:
    """The Dockerfile of the tiny Bento in `folder/context`."""
    context = tiny_bento.write(folder / "context", python="3.11")
    document = yaml.safe_load((context / "bento.yaml").read_text("utf-8"))
    (context / "bento.yaml").write_text(yaml.safe_dump({**document, **keys}), "utf-8")
    given = {"PIP_CONFIG_FILE": os.devnull, **(variables or {})}
    made = write_docker_context(context, base=base, secrets=folder / "secrets", variables=given, say=lambda line: None)
    assert made.dockerfile == context / "env" / "docker" / "Dockerfile"
    return made.dockerfile.read_text("utf-8")


def test_each_layer_has_its_place(tmp_path: Path) -> None:
    """System packages, commands, dependencies, later commands, the script, models, service, handler."""
    image = {"python_version": "3.11", "commands": ["first"], "post_commands": ["later"]}
    docker = {"system_packages": ["libgomp1"], "setup_script": "./setup.sh"}

    text = write(tmp_path, image=image, docker=docker)

    order = ["system packages", "command 1", "dependencies", "later command 1", "setup script"]
    marks = [
        *(f'"deployer: {title}"]' for title in order),
        "COPY models/m /",
        '"deployer: service"]',
        '"deployer: handler"]',
    ]
    places = [text.index(mark) for mark in marks]
    assert sorted(places) == places


@pytest.mark.parametrize("base", ["", "none"])
def test_the_default_base_is_for_the_bentos_python(tmp_path: Path, base: str) -> None:
    """With Docker there is always one."""
    assert write(tmp_path, base=base).startswith("FROM public.ecr.aws/docker/library/python:3.11-slim-bookworm\n")


def test_no_password_of_an_index_is_in_the_context(tmp_path: Path) -> None:
    """What is in the context is kept by the Engine; a build secret is not."""
    write(tmp_path, variables={"PIP_INDEX_URL": f"https://me:{SECRET}@index.example/simple"})

    files = [path for path in (tmp_path / "context").rglob("*") if path.is_file()]
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []
    config = tmp_path / "secrets" / "pip.conf"
    assert f"index-url = https://me:{SECRET}@index.example/simple\n" in config.read_text("utf-8")
    assert 0o600 == config.stat().st_mode & 0o777


def test_the_context_is_readable_for_everybody_and_the_store_is_left_alone(tmp_path: Path) -> None:
    """A model's file is a hard link into the user's store: its mode is the store's."""
    context = tiny_bento.write(tmp_path / "context", python="3.11")
    weights = context / "models" / "m" / "1" / "weights.bin"
    weights.chmod(0o600)
    stored = tmp_path / "stored.bin"
    os.link(weights, stored)

    write_docker_context(context, base="base", secrets=tmp_path / "s", variables={}, say=lambda line: None)

    assert 0o600 == stored.stat().st_mode & 0o777
    modes = {path.stat().st_mode & 0o555 for path in context.rglob("*") if path.is_dir()}
    assert ({0o555}, 0o444) == (modes, weights.stat().st_mode & 0o444)


def test_values_are_written_so_that_nothing_in_them_is_expanded(tmp_path: Path) -> None:
    """A Dockerfile expands `$NAME` in ENV."""
    text = write(tmp_path, envs=[{"name": "GREETING", "value": 'say "$HOME" \\o/'}])
    assert 'GREETING="say \\"\\$HOME\\" \\\\o/"' in text


def test_a_value_with_a_line_break_is_refused(tmp_path: Path) -> None:
    """A Dockerfile cannot hold it, and half of it would be worse."""
    with pytest.raises(DeployerError, match="line break"):
        write(tmp_path, envs=[{"name": "KEY", "value": "one\ntwo"}])


def test_a_dockerfile_that_is_missing_is_named(tmp_path: Path) -> None:
    """Conda needs the Bento's own."""
    with pytest.raises(DeployerError, match="needs its own Dockerfile"):
        write(tmp_path, conda={"dependencies": ["numpy"]})


def test_the_users_index_goes_before_the_bentos(tmp_path: Path) -> None:
    """Further ones of both are added up; what lies on this machine is left out, and that is said."""
    own = tmp_path / "pip.conf"
    own.write_text(
        "[global]\nextra-index-url = https://two.example/s file:///opt/x\ntrusted-host = two.example\n", "utf-8"
    )
    wanted = Requirements(
        (),
        index_url="https://bento.example/s",
        extra_index_urls=("https://three.example/s",),
        trusted_hosts=("three.example",),
    )
    said: list[str] = []

    variables = {"UV_DEFAULT_INDEX": "https://one.example/s", "PIP_CONFIG_FILE": str(own)}
    pip_settings.write(tmp_path / "secrets", wanted, variables, said.append)

    lines = (tmp_path / "secrets" / "pip.conf").read_text("utf-8").splitlines()
    assert "index-url = https://one.example/s" in lines
    assert ["extra-index-url = https://two.example/s", "    https://three.example/s"] == lines[4:6]
    assert ["trusted-host = two.example", "    three.example"] == lines[6:8]
    assert 1 == len(said)


def test_with_docker_pip_reads_what_uv_without_building_cannot() -> None:
    """Repositories, source archives and pip's own options."""
    text = "git+https://host.example/x.git\n./wheels/y.tar.gz\n--no-binary z\n--index-url https://one.example/s\nbentoml==1.4.39"

    wanted = requirements.parse(text, bentoml_version="1.4.39", wheels_only=False)

    assert wanted.lines[:3] == ("git+https://host.example/x.git", "./wheels/y.tar.gz", "--no-binary z")
    assert wanted.index_url == "https://one.example/s"


def test_buildx_is_read_while_it_writes(capfd: pytest.CaptureFixture[str]) -> None:
    """Each step once for the user, everything for the log, the failing step's own words for the error."""
    said: list[str] = []
    with BuildxOutput(said.append) as output:
        os.write(2, OUTPUT.encode())

    assert ["[1/6] FROM base", "[2/6] dependencies"] == said
    assert "[2/6] dependencies" == output.failed_step
    assert ["Collecting tiny", "ERROR: No matching distribution found for tiny"] == output.failure
    assert OUTPUT == capfd.readouterr().err


@pytest.mark.parametrize(
    ("created_by", "title"),
    [
        ("RUN /bin/sh -c set -e\npip || true deployer: later command 2 # buildkit", "later command 2"),
        ("RUN /bin/sh -c x deployer: dependencies", "dependencies"),
        ("COPY models/digits /home/bentoml/bento/models/digits # buildkit", "model digits"),
        ("WORKDIR /home/bentoml/bento/src", "working directory"),
        ("/bin/sh -c #(nop) ADD file:1 in / ", ""),
    ],
)
def test_a_layer_of_ours_is_known_by_its_history(created_by: str, title: str) -> None:
    """Docker keeps the instruction that made a layer."""
    assert title == title_of(created_by)
