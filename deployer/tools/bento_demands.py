"""What a Bento asks of its image beside Python packages: each thing is honoured, or named with the way out.

BentoML up to 1.3, and 1.4 for what its newer form cannot say, keeps it under `docker:` and `conda:`; BentoML 1.4 writes
shell commands under `image:` instead, its own preparation of a Debian image first.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from deployer.errors import DeployerError
from deployer.models import Bento, Demands

# What BentoML puts there by itself: build tools that an image of wheels does without, and 1.4.0 a setting of uv.
_PREPARATION = re.compile(
    r"export UV_COMPILE_BYTECODE=1\Z|apt-get update && apt-get install .*--allow-remove-essential ca-certificates "
    r"|apk add --update bash gcc |yum update && "
)
_APT = re.compile(r"apt-get install -q -y -o Dpkg::Options::=--force-confdef (?P<packages>.+)")
_SCRIPT = re.compile(r"chmod \+x (?P<script>\./env/docker/script__\w+) && (?P=script)")
_OWN_BASES = re.compile(
    r"python:3\.\d+(\.\d+)?-(slim|alpine)|amazonlinux:2|registry\.access\.redhat\.com/ubi8/python-\d+:1|continuumio/.+|"
)
_OTHER_SYSTEMS = ("alpine", "amazonlinux", "ubi8")
DOCKER_HINT = "Set `image: {builder: docker}` in the config, or `auto`, which takes Docker where a Bento needs it."


def read_demands(document: Mapping[str, Any]) -> Demands:
    """From the keys of bento.yaml. Raises DeployerError for what no builder can give: CUDA."""
    docker, conda, image = (_section(document, key) for key in ("docker", "conda", "image"))
    if docker.get("cuda_version"):
        raise DeployerError(
            f"The Bento asks for CUDA {docker['cuda_version']}, and Lambda has no GPUs.",
            hint="Leave `docker: cuda_version:` out of bentofile.yaml, take CPU packages and build the Bento again.",
        )
    commands, post_commands = _commands(image, "commands"), _commands(image, "post_commands")
    before = [command for command in commands if not _APT.fullmatch(command)]
    apt = tuple(_apt_packages(docker, commands))
    script = bool(docker.get("setup_script"))
    base = str(image.get("base_image") or docker.get("base_image") or "")
    dockerfile = [*_conda(conda), *(["a Dockerfile template"] if docker.get("dockerfile_template") else [])]
    words = [f"the apt packages {' '.join(apt)}"] if apt else []
    words += ["a setup script"] if script else []
    words += [_in_words(command) for command in (*before, *post_commands)]
    return Demands(
        base_image="" if _OWN_BASES.fullmatch(base) else base,
        apt=apt,
        commands=tuple(before),
        post_commands=post_commands,
        setup_script=script,
        own_dockerfile=bool(dockerfile),
        docker=(*dockerfile, *words),
        notes=tuple(_notes(document, docker, base)),
    )


def refuse_docker_only(bento: Bento) -> None:
    """Raises DeployerError naming what an image without Docker cannot have."""
    if bento.demands.docker:
        raise DeployerError(
            f"Bento {bento.tag} needs Docker to build its image: it asks for {', '.join(bento.demands.docker)}.",
            hint=f"{DOCKER_HINT} Without Docker: name a base image that has these, and leave them out of the Bento.",
        )


def _section(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = document.get(key)
    return value if isinstance(value, Mapping) else {}


def _commands(image: Mapping[str, Any], key: str) -> tuple[str, ...]:
    listed = [str(command).strip() for command in image.get(key) or ()]
    return tuple(command for command in listed if not _PREPARATION.match(command))


def _apt_packages(docker: Mapping[str, Any], commands: tuple[str, ...]) -> Iterator[str]:
    yield from (str(package) for package in docker.get("system_packages") or ())
    for command in commands:
        if found := _APT.fullmatch(command):
            yield from shlex.split(found["packages"])


def _conda(conda: Mapping[str, Any]) -> list[str]:
    asked = [key for key in ("environment_yml", "dependencies", "pip") if conda.get(key)]
    return [f"conda ({', '.join(asked)})"] if asked else []


def _in_words(command: str) -> str:
    if _SCRIPT.fullmatch(command):
        return "a setup script"
    return f"the command `{command if len(command) <= 60 else command[:57] + '…'}`"


def _notes(document: Mapping[str, Any], docker: Mapping[str, Any], base: str) -> Iterator[str]:
    system = next((name for name in _OTHER_SYSTEMS if docker.get("distro") == name or name in base), None)
    if system is not None and (_OWN_BASES.fullmatch(base) or not base):
        yield f"the Bento asks for {system}; its image is made on Debian, for which Python packages have wheels"
    for service in document.get("services") or ():
        resources = _section(_section(service, "config"), "resources") if isinstance(service, Mapping) else {}
        if resources.get("gpu"):
            yield f"the service {service.get('name')} asks for a GPU; Lambda has none, so it runs on the CPU"
