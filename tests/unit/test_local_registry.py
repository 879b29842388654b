"""The push side of the distribution protocol, asked without a server."""

from __future__ import annotations

import json
import os
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from local_aws import ACCOUNT, HOST, MANIFEST, REGION, FakeControlPlane, TinyImage, digest_of, tiny_image
from werkzeug.test import Client, TestResponse

from deployer.local.blobs import Blobs
from deployer.local.ecr import Repository
from deployer.local.registry import Registry
from deployer.local.server import wsgi

LOGIN = {"Authorization": f"Basic {b64encode(f'AWS:{ACCOUNT}-auth-token'.encode()).decode()}"}
BASE = f"/v2/{HOST}/team/digits"
BLOB = b"blob" * 100
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.fixture
def registry(tmp_path: Path) -> Client:
    plane = FakeControlPlane(repositories={Repository(ACCOUNT, REGION, "team/digits")})
    return Client(wsgi(Registry(Blobs(tmp_path / "blobs"), plane).answer))


@pytest.fixture
def image() -> TinyImage:
    return tiny_image("", runtime=False)


def ask(registry: Client, method: str, path: str, **request: Any) -> TestResponse:
    headers = {**LOGIN, **request.pop("headers", {})}
    return registry.open(path, method=method, headers=headers, **request)


def begin(registry: Client) -> str:
    return str(ask(registry, "POST", f"{BASE}/blobs/uploads/").headers["Location"])


def push(registry: Client, image: TinyImage, *, tag: str = "v1") -> TestResponse:
    for digest, content in image.blobs.items():
        ask(registry, "PUT", f"{begin(registry)}?digest={digest}", data=content)
    return ask(registry, "PUT", f"{BASE}/manifests/{tag}", data=image.manifest, headers={"Content-Type": MANIFEST})


def code_of(response: TestResponse) -> tuple[int, str]:
    return response.status_code, json.loads(response.data)["errors"][0]["code"]


def test_a_blob_in_one_piece_is_there_afterwards(registry: Client) -> None:
    """POST, PUT, and then HEAD and GET know it."""
    digest = digest_of(BLOB)
    assert ask(registry, "HEAD", f"{BASE}/blobs/{digest}").status_code == 404
    assert ask(registry, "PUT", f"{begin(registry)}?digest={digest}", data=BLOB).status_code == 201
    head, got = ask(registry, "HEAD", f"{BASE}/blobs/{digest}"), ask(registry, "GET", f"{BASE}/blobs/{digest}")
    assert (200, str(len(BLOB)), BLOB) == (head.status_code, head.headers["Content-Length"], got.data)


def test_a_blob_in_chunks_is_put_together(registry: Client) -> None:
    """Each PATCH says where it begins; the last PUT names the digest."""
    location = begin(registry)
    for start in (0, 100, 200, 300):
        chunk = BLOB[start : start + 100]
        answer = ask(registry, "PATCH", location, data=chunk, headers={"Content-Range": f"{start}-{start + 99}"})
        assert (202, f"0-{start + 99}") == (answer.status_code, answer.headers["Range"])
    assert ask(registry, "PUT", f"{location}?digest={digest_of(BLOB)}").status_code == 201


def test_a_chunk_out_of_order_is_refused(registry: Client) -> None:
    """A chunk that was lost must not be skipped."""
    answer = ask(registry, "PATCH", begin(registry), data=b"late", headers={"Content-Range": "100-103"})
    assert code_of(answer) == (416, "RANGE_INVALID")


def test_bytes_that_are_not_the_digests_are_refused_and_forgotten(registry: Client) -> None:
    """A damaged blob never appears under its digest."""
    location, digest = begin(registry), digest_of(BLOB)
    assert code_of(ask(registry, "PUT", f"{location}?digest={digest}", data=BLOB[:-1])) == (400, "DIGEST_INVALID")
    assert ask(registry, "HEAD", f"{BASE}/blobs/{digest}").status_code == 404
    assert code_of(ask(registry, "PUT", f"{location}?digest={digest}", data=BLOB)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_blob_of_another_repository_is_mounted(registry: Client) -> None:
    """201 and no upload: the blob is there already."""
    digest = digest_of(BLOB)
    ask(registry, "PUT", f"{begin(registry)}?digest={digest}", data=BLOB)
    answer = ask(registry, "POST", f"{BASE}/blobs/uploads/?mount={digest}&from={HOST}/other")
    assert (201, digest) == (answer.status_code, answer.headers["Docker-Content-Digest"])
    assert answer.headers["Location"].endswith(f"{BASE}/blobs/{digest}")


@pytest.mark.parametrize("source", ["other", f"{HOST.replace(REGION, 'eu-west-1')}/other", ""])
def test_what_cannot_be_mounted_is_to_be_uploaded(registry: Client, source: str) -> None:
    """A blob of another region's registry, and one that is nowhere: 202, and the client sends it."""
    digest = digest_of(BLOB)
    ask(registry, "PUT", f"{begin(registry)}?digest={digest}", data=BLOB)
    absent = ask(registry, "POST", f"{BASE}/blobs/uploads/?mount={digest_of(b'absent')}&from={HOST}/other")
    other = ask(registry, "POST", f"{BASE}/blobs/uploads/?mount={digest}&from={source}")
    assert (202, 202) == (absent.status_code, other.status_code)
    assert ask(registry, "PUT", f"{other.headers['Location']}?digest={digest}", data=BLOB).status_code == 201


def test_an_image_is_pulled_as_it_was_pushed(registry: Client, image: TinyImage) -> None:
    """By tag and by digest, byte for byte, with its media type."""
    assert push(registry, image).headers["Docker-Content-Digest"] == image.digest
    for reference in ("v1", image.digest):
        answer = ask(registry, "GET", f"{BASE}/manifests/{reference}")
        assert (image.manifest, MANIFEST) == (answer.data, answer.content_type)


def test_a_manifest_whose_blobs_are_missing_is_refused(registry: Client, image: TinyImage) -> None:
    """An image that cannot be run never gets into ECR."""
    answer = ask(registry, "PUT", f"{BASE}/manifests/v1", data=image.manifest)
    assert code_of(answer) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert ask(registry, "HEAD", f"{BASE}/manifests/v1").status_code == 404


@pytest.mark.parametrize("content", [b"{}", b"not json", b"[]", b"null", b'{"config": {}, "layers": [1]}'])
def test_what_is_no_plain_manifest_is_refused(registry: Client, content: bytes) -> None:
    """Whatever it is, the answer is a refusal and no error of ours."""
    assert code_of(ask(registry, "PUT", f"{BASE}/manifests/v1", data=content)) == (400, "MANIFEST_INVALID")


@pytest.mark.parametrize("named", [INDEX, DOCKER_LIST])
def test_an_index_is_refused_with_the_way_out(registry: Client, named: str) -> None:
    """Lambda takes none; buildx makes one for its attestations, and the answer says how it does not."""
    content = json.dumps({"schemaVersion": 2, "mediaType": named, "manifests": [{"digest": digest_of(BLOB)}]})
    answer = ask(registry, "PUT", f"{BASE}/manifests/v1", data=content, headers={"Content-Type": named})
    assert code_of(answer) == (400, "MANIFEST_INVALID")
    said = json.loads(answer.data)["errors"][0]["message"]
    assert all(word in said for word in ("index", "--provenance=false", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"))


@pytest.mark.parametrize("said", [True, False], ids=["said", "left-out"])
def test_an_image_of_docker_keeps_its_media_type(registry: Client, image: TinyImage, said: bool) -> None:
    """By tag and by digest; Docker reads a manifest according to the type that it comes with."""
    manifest = json.loads(image.manifest)
    manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
    manifest["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    manifest.pop("mediaType")
    content = json.dumps({**manifest, **({"mediaType": DOCKER_MANIFEST} if said else {})}).encode()
    push(registry, image)
    ask(registry, "PUT", f"{BASE}/manifests/v2", data=content, headers={"Content-Type": DOCKER_MANIFEST})
    for method in ("HEAD", "GET"):
        for reference in ("v2", digest_of(content)):
            answer = ask(registry, method, f"{BASE}/manifests/{reference}")
            assert (200, DOCKER_MANIFEST) == (answer.status_code, answer.content_type)
            assert answer.headers["Docker-Content-Digest"] == digest_of(content)


def test_a_repository_that_nobody_created_is_refused(registry: Client) -> None:
    """As in ECR, before any bytes are sent."""
    answer = ask(registry, "POST", f"/v2/{HOST}/other/blobs/uploads/")
    assert code_of(answer) == (404, "NAME_UNKNOWN")


@pytest.mark.parametrize("path", ["/v2/", f"{BASE}/manifests/v1", f"{BASE}/blobs/{digest_of(BLOB)}"])
def test_nothing_is_answered_without_ecrs_login(registry: Client, path: str) -> None:
    """A forgotten login shows here and not first on AWS."""
    for headers in ({}, {"Authorization": "Basic QVdTOndyb25n"}):
        answer = registry.get(path, headers=headers)
        assert (answer.status_code, "Basic" in answer.headers["WWW-Authenticate"]) == (401, True)


@pytest.mark.parametrize("digest", ["sha256:short", "sha256:" + "../" * 21 + "x", "md5:0"])
def test_a_digest_that_is_none_reaches_no_file(registry: Client, digest: str) -> None:
    """Path traversal through a digest is refused by its shape."""
    assert ask(registry, "PUT", f"{begin(registry)}?digest={digest}", data=b"x").status_code == 400


def test_blobs_that_nobody_asks_for_are_forgotten(tmp_path: Path) -> None:
    """A month after the last push or run that wanted them; the folder of uploads stays."""
    blobs = Blobs(tmp_path)
    old, used = blobs.add(b"old"), blobs.add(b"used")
    for digest in (old, used):
        os.utime(tmp_path / digest.removeprefix("sha256:"), (1, 1))
    assert blobs.path(used) is not None
    blobs.forget_unused(now=time.time())
    assert (None, b"used") == (blobs.path(old), blobs.read(used))
    assert blobs.begin().exists()
