"""bentoctl's own buildx backend, tag and push, with our Dockerfile, for one platform and without attestations.

Docker's words become one error with a way out; what was pushed is looked up in the registry itself.
"""

from __future__ import annotations

import csv
import io
import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import bentoctl.cli
import bentoctl.docker_utils
import docker
import docker.errors
from bentoctl.exceptions import BentoctlDockerException
from bentoml.exceptions import BentoMLException

from .buildx_output import BuildxOutput
from .calls import ImageCalls, say, second_tag
from .docker_import import NotImported, import_once
from .pushed_image import PushedImage, Unfit

T = TypeVar("T")
PLATFORMS = {"x86_64": "linux/amd64", "amd64": "linux/amd64", "aarch64": "linux/arm64", "arm64": "linux/arm64"}
CHECK_SECONDS = 60
LARGEST = 10 * 1000**3  # bytes unpacked, all layers together: Lambda's limit
OTHERWISE = "Or build without Docker: `image: {builder: oci}` in the config."
# A sign in what buildx says, and what to do about it.
WAYS_OUT = (
    ("exec format error", "This machine cannot run the other architecture's programs: install QEMU's binfmt support."),
    ("No module named pip", "The base image needs Python with pip: name another with `image: {base: …}`."),
    ("no space left on device", "Docker's disk is full: `docker system df` shows what takes it."),
    (
        "failed to solve with frontend dockerfile.v0: failed to create LLB",
        "Check the base image's name and your login.",
    ),
    ("failed to resolve source metadata", "Check the base image's name and your login to its registry."),
    ("pull access denied", "Check the base image's name and your login to its registry."),
)


class DockerImages:
    """Stands before BentoML's container module and Docker's push, and hands each call on."""

    def __init__(self, calls: ImageCalls) -> None:
        self._calls, self._job = calls, calls.job
        self._second = ""
        self._container = bentoctl.docker_utils.container
        self._tag, self._push = bentoctl.cli.tag_docker_image, bentoctl.cli.push_docker_image_to_repository
        os.environ["BUILDX_NO_DEFAULT_ATTESTATIONS"] = "1"  # bentoctl passes no such flag; Lambda refuses an index

    def health(self, backend: str) -> bool:
        """bentoctl ignores the answer of BentoML's own check, so that a missing piece is named here."""
        if shutil.which("docker") is None:
            self._calls.fail("Docker is not installed: there is no `docker` on PATH.", f"Install it. {OTHERWISE}")
        server = _ask("docker", "version", "--format", "{{.Server.Version}}")
        if server.returncode != 0:
            where = os.environ.get("DOCKER_HOST") or "its usual socket"
            hint = f"Start Docker, or correct DOCKER_HOST and the permissions of its socket. {OTHERWISE}"
            self._calls.fail(f"No Docker daemon answers at {where}.", hint, _last(server.stderr))
        if _ask("docker", "buildx", "version").returncode != 0:
            hint = f"Install the plugin (the package docker-buildx or docker-buildx-plugin). {OTHERWISE}"
            self._calls.fail("Docker has no buildx, with which bentoctl builds.", hint)
        _use_context()
        return True

    def get_backend(self, backend: str) -> DockerImages:
        self._backend = self._container.get_backend(backend)
        return self

    def build(self, *, context_path: str, **options: object) -> None:
        secrets = Path(self._job["secrets"])
        self._calls.run("dockerfile", context_path, "--base", self._job["base"], "--secrets", str(secrets))
        wanted = PLATFORMS[(self._job["machine"] or platform.machine()).lower()]
        options = {**options, "platform": (wanted,), "progress": "plain", "secret": _secrets(secrets)}
        with BuildxOutput(say) as output:
            try:
                self._backend.build(context_path=context_path, **options)
                return
            except BentoMLException:
                pass  # its message is the whole command line
        self._build_failed(output)

    def _build_failed(self, output: BuildxOutput) -> None:
        text = "\n".join(output.lines)
        hint = next((way for sign, way in WAYS_OUT if sign in text), f"Correct that and run it again. {OTHERWISE}")
        where = f" at {output.failed_step}" if output.failed_step else ""
        self._calls.fail(f"Docker could not build the image{where}:", hint, output.failure)

    def tag(self, local: str, remote: str) -> None:
        self._tag(local, self._address(remote))

    def push(self, *, repository: str, username: str | None = None, password: str | None = None) -> None:
        """As bentoctl does it; then the digest that Docker names, and the manifest that the registry has for it."""
        address, login = self._address(repository), (username, password) if username and password else None
        there = PushedImage(self._job["registry_url"], repository, login)
        before = self._look(there.digest)
        self._check(address)
        say("pushing with Docker")
        try:
            self._push(repository=address, username=username, password=password)
        except (BentoctlDockerException, docker.errors.DockerException) as error:
            if before and "immutable" in str(error).lower() and repository != self._second:
                self._push_second(repository, username=username, password=password)
                return
            hint = "Check that Docker itself reaches the registry and that your AWS keys may push to the repository."
            self._calls.fail(f"Docker could not push {repository}:", hint, _last(str(error)))
        digest = _digest(address)
        self._calls.keep("build", {"layers": self._look(lambda: there.layers(digest))})
        say("pushed" if digest != before else "already there")
        tag = repository.rpartition(":")[2]
        self._calls.keep("push", {"digest": digest, "pushed": [digest] if digest != before else [], "tag": tag})

    def _push_second(self, repository: str, *, username: str | None, password: str | None) -> None:
        """The Bento's tag has an image of other settings already, and may not move: this one gets a tag of its own."""
        local = self._address(repository)
        tag = second_tag(repository, str(docker.from_env().images.get(local).id))
        self._second = f"{repository.rpartition(':')[0]}:{tag}"
        self._tag(local, self._address(self._second))
        self.push(repository=self._second, username=username, password=password)

    def _check(self, image: str) -> None:
        """What Lambda would refuse, and what would fail at the first request."""
        size = int(docker.from_env().images.get(image).attrs["Size"])
        if size > LARGEST:
            hint = "Leave out packages or models that the service does not need, or take a smaller base image."
            self._calls.fail(
                f"The image is {size / 1e9:.2f} GB unpacked, and Lambda takes {LARGEST / 1e9:.0f} GB.", hint
            )
        if not self._job["import_check"]:
            return
        try:
            import_once(image, say, secrets=self._calls.secrets)
        except NotImported as error:
            hint = (
                "Add what is missing to bentofile.yaml and build the Bento again. Where the service cannot be imported "
            )
            hint += "without a network, `image: {import_check: false}` in the config leaves this out."
            self._calls.fail(str(error), hint, error.words)

    def _look(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except Unfit as error:
            self._calls.fail(str(error), f"Run the command again. {OTHERWISE}")

    def _address(self, repository: str) -> str:
        """On the local target another address stands for the registry's host."""
        stand_in = self._job["registry_url"]
        return f"{stand_in.partition('://')[2].rstrip('/')}/{repository}" if stand_in else repository


def _ask(*argv: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(argv, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 1, "", f"{' '.join(argv)} did not answer in {CHECK_SECONDS} s")


def _use_context() -> None:
    """The socket of the user's Docker context: the command finds it by itself, Docker's Python package does not."""
    host = _ask("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}").stdout.strip()
    if host.startswith("unix://"):
        os.environ.setdefault("DOCKER_HOST", host)


def _secrets(folder: Path) -> tuple[str, ...]:
    """`id=NAME,src=PATH` as CSV, in which buildx reads them."""
    named = {"pip": folder / "pip.conf", "ca": folder / "ca.pem"}
    return tuple(_csv(f"id={name}", f"src={path}") for name, path in named.items() if path.is_file())


def _csv(*values: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def _digest(address: str) -> str:
    """What Docker says that it pushed there."""
    repository = address.rpartition(":")[0]
    found: list[Any] = docker.from_env().images.get(address).attrs["RepoDigests"]
    return next((name.partition("@")[2] for name in found if name.partition("@")[0] == repository), "")


def _last(text: str) -> list[str]:
    return [line for line in text.strip().splitlines() if line.strip()][-4:]
