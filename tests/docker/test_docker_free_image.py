"""The image built without Docker, judged by a real registry, skopeo, a real Engine and AWS's emulator.

Beside it the image that Docker built of the same Bento.
"""

from __future__ import annotations

import email
import gzip
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lambda_rie import answers, docker
from laptop import EXAMPLE, PREDICTIONS, Laptop
from real_bentoctl import bentoctl_python

from deployer.config import DeploymentConfig
from deployer.models import ImagePlan
from deployer.targets.local import LocalTarget
from deployer.tools.bento_staging import stage_context
from deployer.tools.bento_store import BentoStore
from deployer.tools.bentoctl import Bentoctl, Job
from deployer.tools.oci_layout import Layout, read_layout
from deployer.tools.process import Processes

AARCH64 = 183  # e_machine of an ELF header
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SAMPLES = (EXAMPLE / "data" / "sample_features.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def builder(laptop: Laptop, engine: dict[str, str]) -> Laptop:
    """A laptop without a Docker client's variables: what is built here cannot lean on the Engine."""
    assert "DOCKER_HOST" not in laptop.variables
    return replace(laptop, variables={**laptop.variables, "DOCKER_HOST": "unix:///nowhere/docker.sock"})


@pytest.fixture(scope="module")
def context(laptop: Laptop, digits: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that images are built from: the digits Bento with its model inside."""
    folder = tmp_path_factory.mktemp("context") / "bento"
    stage_context(BentoStore.of(os.environ).get(digits), folder)
    return folder


@pytest.fixture(scope="module")
def layout(builder: Laptop, context: Path, base_image: str, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    folder = tmp_path_factory.mktemp("layout") / "image"
    builder.deployer("image", "build", str(context), "--layout", str(folder), "--base", base_image)
    return read_layout(folder)


@pytest.fixture(scope="module")
def image(builder: Laptop, layout: Layout, registry: str) -> str:
    """The reference under which `deployer image push` has put it into the registry."""
    reference = f"{registry}/team/digits:free"
    builder.deployer("image", "push", str(layout.folder), reference)
    return reference


@pytest.fixture(scope="module")
def docker_image(
    laptop: Laptop, digits: str, engine: dict[str, str], base_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same Bento on the same base, built by bentoctl with Docker. `laptop` stops the local AWS that has it."""
    root = tmp_path_factory.mktemp("docker-built")
    (root / "template").mkdir()
    (root / "template" / "main.tf").touch()
    bento = BentoStore.of(os.environ).get(digits)
    target = LocalTarget(runner=Processes(), variables=dict(os.environ))
    job = Job(
        folder=root / "bentoctl",
        terraform=root / "terraform",
        layout=root / "layout",
        template=root / "template",
        bento=bento,
        config=DeploymentConfig(name="docker-built"),
        environment=target.prepare(region="eu-west-1"),
        log=root / "run.log",
        plan=ImagePlan(builder="docker", base=base_image),
    )
    bentoctl = Bentoctl(python=bentoctl_python(), runner=Processes(), variables={**os.environ, **engine})
    bentoctl.init(job)
    bentoctl.build(job)
    reference = f"aws-lambda-{bento.tag.name}:{bento.tag.version}"
    yield reference
    docker(engine, "image", "rm", reference)


@pytest.fixture(scope="module")
def arm64_base(engine: dict[str, str], registry: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A base image whose configuration says arm64; it holds one text file, so nothing in it can run."""
    folder = tmp_path_factory.mktemp("arm64")
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /etc/base\n", encoding="utf-8")
    reference = f"{registry}/arm64-base:1"
    docker(
        engine, "buildx", "build", "--platform", "linux/arm64", "--provenance=false", "--tag", reference, str(folder)
    )
    docker(engine, "push", "--quiet", reference)
    yield reference
    docker(engine, "image", "rm", reference)


def test_a_function_url_event_is_answered(image: str, engine: dict[str, str], emulator: Path) -> None:
    """Pulled and run by Docker with what Lambda leaves a function, cold and warm, the predictions are right."""
    docker(engine, "pull", "--quiet", image)
    found = answers(image, "/predict", SAMPLES, engine=engine, emulator=emulator)
    docker(engine, "image", "rm", image)
    assert [(200, PREDICTIONS)] * 2 == found


def test_the_docker_built_image_answers_the_same(docker_image: str, engine: dict[str, str], emulator: Path) -> None:
    """`builder: docker` makes an image of the same Bento that holds under the same limits."""
    assert [(200, PREDICTIONS)] * 2 == answers(docker_image, "/predict", SAMPLES, engine=engine, emulator=emulator)


def test_the_registry_holds_one_plain_manifest(image: str, layout: Layout) -> None:
    """skopeo finds what was built: an OCI manifest of one platform, no index and no attestation."""
    raw = skopeo("inspect", "--raw", image)
    manifest, shown = json.loads(raw), json.loads(skopeo("inspect", image))
    assert layout.content == raw
    assert layout.manifest.digest == shown["Digest"]
    assert OCI_MANIFEST == manifest["mediaType"]
    assert "manifests" not in manifest
    assert ("linux", "amd64") == (shown["Os"], shown["Architecture"])
    assert all(layer["mediaType"].endswith("tar+gzip") for layer in manifest["layers"])


def test_the_image_says_what_is_in_it(image: str, digits: str, base_image: str) -> None:
    """Labels as any tool reads them: the Bento, SnapStart's permission, the base and its digest."""
    labels = json.loads(skopeo("inspect", image))["Labels"]
    base = json.loads(skopeo("inspect", base_image))
    assert digits == labels["deployer.bento"]
    assert "Allow" == labels["com.amazonaws.lambda.feature.snapstart"]
    assert base_image == labels["org.opencontainers.image.base.name"]
    assert base["Digest"] == labels["org.opencontainers.image.base.digest"]


def test_the_layers_lie_in_the_order_of_their_change(image: str, base_image: str) -> None:
    """Base, dependencies, model, service, handler; each has its line in the history."""
    config = json.loads(skopeo("inspect", "--config", image))
    base = json.loads(skopeo("inspect", "--config", base_image))
    below = len(base["rootfs"]["diff_ids"])
    made = [entry.get("created_by", "") for entry in config["history"] if not entry.get("empty_layer")]
    assert base["rootfs"]["diff_ids"] == config["rootfs"]["diff_ids"][:below]
    titles = [line.removeprefix("deployer: ") for line in made[below:]]
    assert ["dependencies", "model digits_classifier", "service", "handler"] == titles
    assert len(made) == len(config["rootfs"]["diff_ids"])


def test_a_second_push_sends_nothing(builder: Laptop, image: str, layout: Layout) -> None:
    """A real registry says which blobs it has."""
    again = json.loads(builder.deployer("image", "push", str(layout.folder), image).stdout)
    assert ([], layout.manifest.digest) == (again["pushed"], again["digest"])


def test_an_arm64_image_is_arm64_throughout(
    builder: Laptop, context: Path, arm64_base: str, registry: str, tmp_path: Path
) -> None:
    """From this host: the configuration in the registry, the ELF header of every library, the tag of every wheel."""
    argv = ("image", "build", str(context), "--layout", str(tmp_path), "--machine", "aarch64", "--base", arm64_base)
    builder.deployer(*argv)
    reference = f"{registry}/team/digits:arm64"
    builder.deployer("image", "push", str(tmp_path), reference)
    assert "arm64" == json.loads(skopeo("inspect", "--config", reference))["architecture"]
    machines, tags = binaries_and_wheels(read_layout(tmp_path))
    assert len(machines) > 50
    assert {} == {name: machine for name, machine in machines.items() if machine != AARCH64}
    assert len(tags) > 30
    assert {} == {name: tag for name, tag in tags.items() if not tag.endswith(("-any", "_aarch64"))}


def skopeo(*arguments: str) -> str | bytes:
    *options, reference = arguments
    argv = ["skopeo", *options, "--tls-verify=false", f"docker://{reference}"]
    ended = subprocess.run(argv, capture_output=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr.decode("utf-8", "replace")
    return ended.stdout


def binaries_and_wheels(layout: Layout) -> tuple[dict[str, int], dict[str, str]]:
    """The machine of every ELF file in the layers, and the platform tags of every installed wheel, by path."""
    machines: dict[str, int] = {}
    tags: dict[str, str] = {}
    for layer in layout.blobs[:-1]:
        for name, content in files_of(layout.path(layer)):
            if content[:4] == b"\x7fELF":
                machines[name] = int.from_bytes(content[18:20], "little")
            if name.endswith(".dist-info/WHEEL"):
                wheel = email.message_from_bytes(content)
                tags |= {f"{name} {tag}": tag for tag in wheel.get_all("Tag", [])}
    return machines, tags


def files_of(layer: Path) -> Iterator[tuple[str, Any]]:
    """Each file's name and bytes; only the beginning of what is no text of a wheel."""
    with gzip.open(layer) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for entry in tar:
            if entry.isreg() and (file := tar.extractfile(entry)):
                yield entry.name, file.read(64 if not entry.name.endswith("/WHEEL") else -1)
