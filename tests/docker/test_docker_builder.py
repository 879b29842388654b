"""`builder: docker`: bentoctl's own buildx, tag and push with a real Engine, into the local AWS's registry."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import tiny_bento
import yaml
from lambda_rie import docker
from laptop import Laptop
from real_bentoctl import bentoctl_python

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.image import manifest
from deployer.models import Image, ImagePlan
from deployer.targets import Environment
from deployer.targets.local import LocalTarget
from deployer.tools.bento_store import BentoStore
from deployer.tools.bentoctl import Bentoctl, Job
from deployer.tools.process import Processes

REGION = "eu-west-1"
OWN_DOCKERFILE = """FROM {base}
RUN useradd -m -u 1034 bentoml && mkdir /home/bentoml/bento
WORKDIR /home/bentoml/bento
COPY --chown=bentoml:bentoml . ./
RUN pip install --break-system-packages --no-index env/python/wheels/tiny-1.0-py3-none-any.whl && echo made > /made
USER bentoml
ENTRYPOINT ["/nothing"]
"""


@dataclass(frozen=True)
class Bench:
    """A store with one Bento, and what it takes to build that with Docker."""

    root: Path
    environment: Environment
    engine: Mapping[str, str]
    base: str
    import_check: bool = False  # the tiny Bento's bentoml is a stand-in that can load nothing

    def write(self, **keys: Any) -> Path:
        """The Bento `tiny:v1`; `keys` are put into its bento.yaml."""
        folder = tiny_bento.write(self.root / "store" / "bentos" / "tiny" / "v1", python="3.11")
        document = yaml.safe_load((folder / "bento.yaml").read_text("utf-8"))
        document["image"] = {**document["image"], **keys.pop("image", {})}
        (folder / "bento.yaml").write_text(yaml.safe_dump({**document, **keys}), "utf-8")
        return folder

    def job(self) -> Job:
        template = self.root / "template"
        template.mkdir(exist_ok=True)
        (template / "main.tf").touch()
        return Job(
            folder=self.root / "work" / "bentoctl",
            terraform=self.root / "work" / "terraform",
            layout=self.root / "work" / "layout",
            template=template,
            bento=BentoStore(self.root / "store").get("tiny"),
            config=DeploymentConfig(name=f"tiny-{self.root.name[-20:].strip('-_').replace('_', '-')}"),
            environment=self.environment,
            log=self.root / "run.log",
            plan=ImagePlan("docker", self.base, "", self.import_check),
        )

    def build(self, lines: list[str] | None = None, **variables: str) -> Image:
        job = self.job()
        bentoctl = Bentoctl(
            python=bentoctl_python(), runner=Processes(), variables={**os.environ, **self.engine, **variables}
        )
        bentoctl.init(job)
        return bentoctl.build(job, on_line=None if lines is None else lines.append)

    def configuration(self) -> dict[str, Any]:
        shown = json.loads(docker(self.engine, "image", "inspect", "aws-lambda-tiny:v1"))
        configuration: dict[str, Any] = shown[0]["Config"]
        return configuration

    def run(self, script: str) -> str:
        limits = ("--rm", "--network", "none", "--read-only", "--tmpfs", "/tmp", "--user", "993:990")  # noqa: S108
        return docker(self.engine, "run", *limits, "--entrypoint", "/bin/sh", "aws-lambda-tiny:v1", "-c", script)


@pytest.fixture
def bench(tmp_path: Path, laptop: Laptop, engine: dict[str, str], base_image: str) -> Bench:
    """`laptop` stops the local AWS at the end of the session."""
    target = LocalTarget(runner=Processes(), variables=dict(os.environ))
    return Bench(tmp_path, target.prepare(region=REGION), engine, base_image)


def test_a_bento_is_built_and_pushed_with_docker(bench: Bench) -> None:
    """Layers in the order of the Docker-free image, its handler and its settings; a second build adds nothing."""
    bench.write(envs=[{"name": "GREETING", "value": 'say "hi" to $USER'}])
    lines: list[str] = []
    first = bench.build(lines)
    second = bench.build()

    titles = [layer.title for layer in first.layers if not layer.title.startswith("base image")]
    assert ["dependencies", "model m", "service", "handler"] == [name for name in titles if name != "working directory"]
    assert all(layer.digest.startswith("sha256:") and layer.size > 0 for layer in first.layers)
    assert [line.partition("] ")[2] for line in lines if "dependencies" in line] == ["dependencies"]
    assert (False, True, first.digest) == (first.reused, second.reused, second.digest)
    _same_settings(bench.configuration(), {"GREETING": 'say "hi" to $USER'})
    assert "42\n" == bench.run("python3 -c 'import tiny, awslambdaric, deployer_runtime; print(tiny.value())'")
    assert "weights" == bench.run("cat /home/bentoml/bento/models/m/1/weights.bin")
    assert "" != bench.run("ls /opt/python/tiny/__pycache__ /opt/deployer/deployer_runtime/__pycache__")


def _same_settings(found: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    made = json.loads(manifest.configuration([], architecture="amd64", environment=environment, labels={}))["config"]
    for key in ("Entrypoint", "Cmd", "WorkingDir"):
        assert found[key] == made[key]
    assert _without_path(found["Env"]) == _without_path(made["Env"])
    labels = found["Labels"]
    assert ("tiny:v1", "3.11", "Allow") == (
        labels["deployer.bento"],
        labels["deployer.python"],
        labels["com.amazonaws.lambda.feature.snapstart"],
    )


def _without_path(entries: list[str]) -> list[str]:
    """PATH is the base image's."""
    return sorted(entry for entry in entries if not entry.startswith("PATH="))


def test_commands_and_a_setup_script_are_run(bench: Bench) -> None:
    """Commands before the packages, later ones and the script after them, with the Bento's own scripts at hand."""
    image = {"commands": ["echo 'one\ntwo' > /made; ls env/docker >> /made"]}
    later = {"post_commands": ["python3 -c 'import tiny; print(tiny.value())' >> /made"]}
    folder = bench.write(image={**image, **later}, docker={"setup_script": "./setup.sh"})
    (folder / "env" / "docker").mkdir()
    (folder / "env" / "docker" / "setup_script").write_text("#!/bin/sh\npwd >> /made\n", "utf-8")

    bench.build()

    assert ["one", "two", "setup_script", "42", "/home/bentoml/bento"] == bench.run("cat /made").split()


def test_the_bentos_own_dockerfile_is_the_base_of_the_handler(bench: Bench) -> None:
    """For conda and for templates: all that the Bento's Dockerfile made is there, the entry point is ours."""
    folder = bench.write(docker={"dockerfile_template": "./Dockerfile.template"})
    (folder / "env" / "docker").mkdir()
    (folder / "env" / "docker" / "Dockerfile").write_text(OWN_DOCKERFILE.format(base=bench.base), "utf-8")

    image = bench.build()

    assert "handler" in [layer.title for layer in image.layers]
    imports = "python3 -c 'import tiny, awslambdaric, deployer_runtime; print(tiny.value())'"
    assert ["made", "42", "import", "tiny"] == bench.run(f"cat /made; {imports}; cat $BENTO_PATH/src/*.py").split()
    assert ["python3", "-m", "awslambdaric"] == bench.configuration()["Entrypoint"]


def test_a_step_that_fails_is_shown_with_its_last_words(bench: Bench) -> None:
    """bentoctl itself would end with exit code 0 or with its whole command line."""
    bench.write(image={"commands": ["echo about to fail; nothing-like-this --now"]})

    with pytest.raises(DeployerError) as caught:
        bench.build()

    assert "at [2/7] command 1:" in str(caught.value)
    assert "nothing-like-this: not found" in str(caught.value)
    assert caught.value.log is not None
    assert "about to fail" in caught.value.log.read_text("utf-8")


def test_a_service_that_cannot_be_imported_is_not_pushed(bench: Bench) -> None:
    """It is tried in a container as Lambda's; the error is the service's own."""
    bench.write()

    with pytest.raises(DeployerError, match="cannot be imported from the image that Docker built") as caught:
        replace(bench, import_check=True).build()
    assert "AttributeError" in caught.value.message
    assert "import_check: false" in (caught.value.hint or "")


def test_a_base_of_another_python_is_refused(bench: Bench) -> None:
    """Packages for one Python do not load in another."""
    bench.write(image={"python_version": "3.12"})

    with pytest.raises(DeployerError, match=r"python3 is not Python 3\.12, for which the Bento was built"):
        bench.build()


def test_a_base_that_is_not_there_is_named(bench: Bench) -> None:
    """Docker's own words, and what to check."""
    bench.write()

    with pytest.raises(DeployerError) as caught:
        replace(bench, base=f"{bench.base}-of-nobody").build()

    assert "3.11-of-nobody" in str(caught.value)
    assert "base image" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"DOCKER_HOST": "unix:///nowhere/docker.sock"}, "No Docker daemon answers at unix:///nowhere/docker.sock"),
        ({"PATH": str(Path(sys.executable).parent)}, "Docker is not installed"),
        ({"DOCKER_CONFIG": "/nowhere"}, "Docker has no buildx"),
    ],
)
def test_a_docker_that_cannot_build_is_named(bench: Bench, variables: dict[str, str], message: str) -> None:
    """Each with what to do; building without Docker is always one way."""
    bench.write()

    with pytest.raises(DeployerError, match=message) as caught:
        bench.build(**variables)
    assert "builder: oci" in (caught.value.hint or "")


def test_a_registry_that_is_not_there_is_named(bench: Bench) -> None:
    bench.write()
    elsewhere = replace(bench, environment=replace(bench.environment, registry_url="http://127.0.0.1:1"))

    with pytest.raises(DeployerError, match=r"The registry of .* cannot be asked"):
        elsewhere.build()
