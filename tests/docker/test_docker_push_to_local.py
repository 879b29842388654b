"""The local registry as Docker and skopeo use it: pushed, pulled back, and run by the local AWS."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from local_aws import HOST, PYTHON, LocalAws, digest_of, runtime_interface

BASE = "deployer-base:3.11"
DOCKERFILE = f"""
FROM {BASE}
RUN mkdir /data /data/gone && echo kept > /data/kept && ln /data/kept /data/hard && touch /data/gone/file /data/taken
RUN rm -r /data/gone /data/taken && echo late > /lib/late
COPY opt /opt
COPY home /home
ENV PYTHONPATH=/opt/python:/opt/deployer HOME=/tmp DATA=/data LATE=/lib/late
LABEL deployer.python={PYTHON}
WORKDIR /home/app
ENTRYPOINT ["/usr/local/bin/python3", "-m", "awslambdaric"]
CMD ["app.handle"]
"""
HANDLER = """
import os

def handle(event, context):
    data, late = os.environ["DATA"], os.environ["LATE"]
    with open(late) as file:
        return {"data": sorted(os.listdir(data)), "late": file.read(), "links": os.stat(f"{data}/hard").st_nlink}
"""


@dataclass(frozen=True)
class Client:
    """Docker and skopeo, logged in to the local registry at `gateway` in a configuration folder of their own."""

    aws: LocalAws
    gateway: str
    variables: dict[str, str]

    def repository(self, name: str) -> str:
        """Create it in ECR; its name for clients."""
        self.aws.aws("ecr").create_repository(repositoryName=name)
        return f"{self.gateway}/{HOST}/{name}"

    def docker(self, *argv: str, given: str = "") -> str:
        return self._run("docker", *argv, given=given)

    def skopeo(self, command: str, *argv: str) -> str:
        return self._run("skopeo", command, *argv)

    def _run(self, *argv: str, given: str = "") -> str:
        done = subprocess.run(
            argv, env=self.variables, input=given, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def client(engine: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("local")
    config = folder / "docker"
    config.mkdir()
    (config / "cli-plugins").symlink_to(Path(engine["DOCKER_CONFIG"]) / "cli-plugins")
    aws = LocalAws(folder)
    gateway = aws.start().address.gateway.removeprefix("http://")
    token = aws.aws("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    password = base64.b64decode(token).decode().removeprefix("AWS:")
    logins = {"DOCKER_CONFIG": str(config), "REGISTRY_AUTH_FILE": str(config / "config.json")}
    made = Client(aws, gateway, {**aws.variables, **engine, **logins})
    try:
        made.docker("login", "--username", "AWS", "--password-stdin", gateway, given=password)
        yield made
    finally:
        aws.stop()


@pytest.fixture(scope="module")
def image(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The reference of an image that Docker built and pushed to the local registry."""
    context = tmp_path_factory.mktemp("context")
    for name, content in {**runtime_interface(), "home/app/app.py": HANDLER.encode()}.items():
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_bytes(content)
    (context / "Dockerfile").write_text(DOCKERFILE, encoding="utf-8")
    reference = f"{client.repository('docker-built')}:v1"
    client.docker("build", "--quiet", "--tag", reference, str(context))
    client.docker("push", "--quiet", reference)
    yield reference
    client.docker("image", "rm", "--force", reference)


def test_an_image_that_docker_built_is_run(client: Client, image: str) -> None:
    """On its base, with what its layers took away gone, links kept, and a file behind /lib where it belongs."""
    functions = client.aws.aws("lambda")
    functions.create_function(
        FunctionName="docker-built",
        Role=client.aws.role(),
        PackageType="Image",
        Code={"ImageUri": image.removeprefix(f"{client.gateway}/")},
        Timeout=20,
        MemorySize=256,
    )
    answer = client.aws.invoke("docker-built")
    assert {"data": ["hard", "kept"], "late": "late\n", "links": answer.result.get("links")} == answer.result
    assert answer.result["links"] > 1


def test_an_image_is_pushed_once(client: Client, image: str) -> None:
    """The second push sends nothing; to another repository the layers are mounted or known."""
    assert "Pushed" not in client.docker("push", image)
    other = f"{client.repository('other')}:v1"
    client.docker("tag", image, other)
    said = client.docker("push", other)
    client.docker("image", "rm", other)
    assert "Pushed" not in said


def test_an_image_comes_back_as_it_was(client: Client, image: str) -> None:
    """Docker pulls by tag what it had pushed, and by digest."""
    built = json.loads(client.docker("image", "inspect", image))[0]
    digest = next(one for one in built["RepoDigests"] if one.startswith(image.rpartition(":")[0]))
    client.docker("image", "rm", "--force", image)
    for reference in (digest, image):
        client.docker("pull", "--quiet", reference)
        assert json.loads(client.docker("image", "inspect", reference))[0]["Id"] == built["Id"]


def test_skopeo_copies_and_inspects(client: Client, image: str) -> None:
    """Straight from the registry into another repository, as Docker's and as an OCI image."""
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    place = client.repository("copied")
    flags = ["--src-tls-verify=false", "--dest-tls-verify=false"]
    for form in ("v2s2", "oci"):
        client.skopeo("copy", *flags, "--format", form, f"docker://{image}", f"docker://{place}:{form}")
        seen: dict[str, Any] = json.loads(
            client.skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{place}:{form}")
        )
        assert ("oci" in seen["config"]["mediaType"]) == (form == "oci")


def test_an_index_is_refused_in_words_that_reach_the_user(client: Client, image: str, tmp_path: Path) -> None:
    """skopeo prints the registry's answer, with the way out."""
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    client.skopeo("copy", "--src-tls-verify=false", "--format", "oci", f"docker://{image}", f"oci:{tmp_path}:image")
    _wrap_in_an_index(tmp_path)
    target = f"docker://{client.repository('index')}:v1"
    flags = ["--multi-arch", "all", "--dest-tls-verify=false"]
    with pytest.raises(AssertionError, match=r"Lambda takes one plain image manifest.*--provenance=false"):
        client.skopeo("copy", *flags, f"oci:{tmp_path}:image", target)


def _wrap_in_an_index(layout: Path) -> None:
    """The layout's one image becomes the only entry of an index."""
    head = json.loads((layout / "index.json").read_text(encoding="utf-8"))
    entry = head["manifests"][0]
    names = entry.pop("annotations")
    entry["platform"] = {"architecture": "amd64", "os": "linux"}
    kind = "application/vnd.oci.image.index.v1+json"
    index = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": [entry]}).encode()
    (layout / "blobs" / "sha256" / hashlib.sha256(index).hexdigest()).write_bytes(index)
    head["manifests"] = [{"mediaType": kind, "digest": digest_of(index), "size": len(index), "annotations": names}]
    (layout / "index.json").write_text(json.dumps(head), encoding="utf-8")
