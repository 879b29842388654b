"""The push side of the distribution protocol, asked without a server."""

from __future__ import annotations

import json
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


def test_a_mount_from_another_repository_is_answered_as_an_upload(registry: Client) -> None:
    """As ECR may answer: the client then sends the blob."""
    answer = ask(registry, "POST", f"{BASE}/blobs/uploads/?mount={digest_of(BLOB)}&from=other")
    assert answer.status_code == 202


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


@pytest.mark.parametrize("content", [b"{}", b"not json", b"[]", b'{"manifests": []}'])
def test_what_is_no_plain_manifest_is_refused(registry: Client, content: bytes) -> None:
    """Lambda takes no index."""
    assert code_of(ask(registry, "PUT", f"{BASE}/manifests/v1", data=content)) == (400, "MANIFEST_INVALID")


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
