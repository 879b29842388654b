"""Reading images from a registry that behaves and from one that does not: references, platforms, digests, faults."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_registry import LOGIN, Fault, LoopbackRegistry, serving
from registry_images import OCI, put_blob, put_image, put_index, put_manifest

from deployer.errors import BadInput, DeployerError
from deployer.tools.http import Unreachable
from deployer.tools.image_reference import parse_reference
from deployer.tools.registry_pull import ImageSource, Manifest, Part

NOWHERE = f"sha256:{'0' * 64}"


@pytest.fixture
def server() -> Iterator[LoopbackRegistry]:
    """A registry that is public."""
    with serving() as registry:
        registry.login = ""
        yield registry


def source(server: LoopbackRegistry, version: str = ":v1", *, logged_in: bool = False) -> ImageSource:
    reference = parse_reference(f"{server.url.removeprefix('http://')}/team/base{version}")
    login = (lambda: LOGIN) if logged_in else None
    return ImageSource(reference, login=login, variables={}, patience=0.001)


def manifest(server: LoopbackRegistry, version: str = ":v1", architecture: str = "amd64") -> Manifest:
    return source(server, version).manifest(architecture)[1]


def refused(server: LoopbackRegistry, architecture: str = "amd64") -> DeployerError:
    with pytest.raises(DeployerError) as caught:
        manifest(server, architecture=architecture)
    return caught.value


def blob(server: LoopbackRegistry, content: bytes) -> Part:
    """What the registry holds from now on."""
    return Part("", put_blob(server, content, "")["digest"], len(content))


def fetch(server: LoopbackRegistry, part: Part, path: Path) -> bytes:
    source(server).download(part, path, "layer 1")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("text", "url", "repository", "version", "name"),
    [
        ("python", "https://registry-1.docker.io", "library/python", "latest", "docker.io/library/python:latest"),
        ("python:3.11", "https://registry-1.docker.io", "library/python", "3.11", "docker.io/library/python:3.11"),
        ("me/base:1", "https://registry-1.docker.io", "me/base", "1", "docker.io/me/base:1"),
        ("docker.io/python:3", "https://registry-1.docker.io", "library/python", "3", "docker.io/library/python:3"),
        ("ghcr.io/a/b/c:1_x", "https://ghcr.io", "a/b/c", "1_x", "ghcr.io/a/b/c:1_x"),
        ("127.0.0.1:5000/base", "http://127.0.0.1:5000", "base", "latest", "127.0.0.1:5000/base:latest"),
        ("localhost:5000/a/b:c", "http://localhost:5000", "a/b", "c", "localhost:5000/a/b:c"),
        ("localhost/base:1", "https://localhost", "base", "1", "localhost/base:1"),
        ("machine:5000/base:1", "https://machine:5000", "base", "1", "machine:5000/base:1"),
        (f"python:3@{NOWHERE}", "https://registry-1.docker.io", "library/python", NOWHERE, ""),
        (f"quay.io/a/b@{NOWHERE}", "https://quay.io", "a/b", NOWHERE, f"quay.io/a/b@{NOWHERE}"),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(text: str, url: str, repository: str, version: str, name: str) -> None:
    """Docker Hub where no host is named, http only for a port of this machine, a digest before a tag."""
    found = parse_reference(text)
    assert (url, repository, version) == (found.url, found.repository, found.version)
    assert name in ("", str(found))


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("https://ghcr.io/a/b", "without https://"),
        ("docker://python:3", "for example python:3"),
        ("Python:3.11", "lower case"),
        ("python@sha256:12", "64 hexadecimal"),
        ("a b", "HOST/"),
        ("", "HOST/"),
        ("ghcr.io/../b", "HOST/"),
        ("python:3\n", "HOST/"),
    ],
)
def test_what_is_no_reference_is_refused_with_an_example(text: str, advice: str) -> None:
    """Before anything is asked of a registry."""
    with pytest.raises(BadInput) as caught:
        parse_reference(text)
    assert advice in caught.value.hint


def test_one_platform_is_chosen_from_an_index(server: LoopbackRegistry) -> None:
    """Linux and this architecture; attestations, Windows and other variants are passed over."""
    intel, arm, other = (put_image(server, tag, environment=[tag]) for tag in ("intel", "arm", "other"))
    platforms = {
        "unknown/unknown": other,
        "windows/amd64": other,
        "linux/arm64/v9": other,
        "linux/amd64/v3": other,
        "linux/amd64": intel,
        "linux/arm64/v8": arm,
    }
    index = put_index(server, "v1", platforms)
    for architecture, chosen in (("amd64", intel), ("arm64", arm)):
        named, found = source(server).manifest(architecture)
        assert (index["digest"], chosen["digest"]) == (named, found.digest)
        assert manifest(server, f"@{index['digest']}", architecture) == found
        assert manifest(server, f"@{chosen['digest']}", architecture) == found


def test_a_platform_that_is_not_there_is_named_with_those_that_are(server: LoopbackRegistry) -> None:
    """Attestations are no platform."""
    image = put_image(server, "one")
    put_index(server, "v1", {"linux/amd64": image, "linux/arm/v7": image, "unknown/unknown": image})
    error = refused(server, "arm64")
    assert "not made for linux/arm64" in error.message
    assert "linux/amd64, linux/arm/v7." in error.hint


@pytest.mark.parametrize(
    ("changes", "said", "advised"),
    [
        ({"schemaVersion": 1, "mediaType": ""}, "schema 1", "Push it again"),
        ({"mediaType": f"{OCI}.layer.v1.tar"}, "manifest of type", "OCI's format"),
        ({"layers": None}, "manifest of type", "OCI's format"),
        ({"config": None}, "without a sha256 digest", "another"),
        ({"config": {"digest": "sha256:../../etc", "size": 3}}, "without a sha256 digest", "another"),
        ({"layers": [{"digest": f"sha512:{'0' * 128}", "size": 1}]}, "without a sha256 digest", "another"),
        *(
            ({"layers": [{"mediaType": kind, "digest": NOWHERE, "size": 1}]}, kind, "skopeo copy")
            for kind in (
                f"{OCI}.layer.v1.tar+zstd",
                f"{OCI}.layer.v1.tar",
                f"{OCI}.layer.nondistributable.v1.tar+gzip",
                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            )
        ),
    ],
)
def test_what_lambda_cannot_run_is_refused_by_its_format(
    server: LoopbackRegistry, changes: dict[str, Any], said: str, advised: str
) -> None:
    """Before a layer is fetched, with the way out."""
    put_image(server, changes=changes)
    error = refused(server)
    assert said in error.message
    assert advised in error.hint
    assert server.count("GET", "blobs") == 0


@pytest.mark.parametrize("content", [b"<html>", b"[]", b"\xff", b'{"a":"' + b" " * (4 << 20) + b'"}'])
def test_an_answer_that_is_no_manifest_is_refused(server: LoopbackRegistry, content: bytes) -> None:
    """A login page of a proxy, for example."""
    server.manifests["v1"] = content
    server.manifest_type = "text/html"
    assert "no JSON object" in refused(server).message


def test_a_manifest_with_another_digest_is_refused(server: LoopbackRegistry) -> None:
    """Than the one by which it was asked for, or the one that the registry says."""
    image = put_image(server, "one")
    put_index(server, "v1", {"linux/amd64": image})
    server.manifests[image["digest"]] = json.dumps({"schemaVersion": 2}).encode()
    assert f"not {image['digest']}" in refused(server).message
    server.answer_digest = NOWHERE
    assert f"not {NOWHERE}" in refused(server).message


def test_a_configuration_is_compared_with_its_digest(server: LoopbackRegistry) -> None:
    """It says what the layers unpack to, so it must be the one that the manifest names."""
    put_image(server)
    part = manifest(server).config
    assert source(server).config(part)["architecture"] == "amd64"
    server.blobs[part.digest] = b"{}"
    with pytest.raises(DeployerError, match="the configuration did not arrive"):
        source(server).config(part)


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("kind", ["manifests", "blobs"])
def test_a_passing_fault_is_tried_again(server: LoopbackRegistry, tmp_path: Path, *, kind: str, status: int) -> None:
    """Each request outlives two bad answers."""
    put_image(server)
    server.faults.append(Fault("GET", kind, status, times=2))
    part = manifest(server).layers[0]
    assert fetch(server, part, tmp_path / "blob") == server.blobs[part.digest]


@pytest.mark.parametrize("after", [0, 1, 100_000])
def test_a_connection_cut_in_a_blob_is_begun_again(server: LoopbackRegistry, tmp_path: Path, after: int) -> None:
    """What was cut off is written afresh from its first byte."""
    part = blob(server, bytes(range(256)) * 1000)
    server.faults.append(Fault("GET", "blobs", 0, times=2, after=after))
    assert fetch(server, part, tmp_path / "blob") == server.blobs[part.digest]
    assert server.count("GET", "blobs") == 3


def test_a_blob_that_is_always_cut_is_one_error(server: LoopbackRegistry, tmp_path: Path) -> None:
    """After six attempts; the address is named."""
    part = blob(server, b"x" * 1000)
    server.faults.append(Fault("GET", "blobs", 0, times=99, after=10))
    with pytest.raises(Unreachable, match=server.url):
        fetch(server, part, tmp_path / "blob")
    assert server.count("GET", "blobs") == 6


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"wrong!", "has digest sha256:"), (b"short", "5 of its 6 bytes"), (b"too long", "more than its 6 bytes")],
)
def test_a_blob_that_is_not_what_was_asked_for_is_an_error(
    server: LoopbackRegistry, tmp_path: Path, content: bytes, said: str
) -> None:
    """At once: asking again would bring the same."""
    part = blob(server, b"right!")
    server.blobs[part.digest] = content
    with pytest.raises(DeployerError, match=said):
        fetch(server, part, tmp_path / "blob")
    assert server.count("GET", "blobs") == 1


@pytest.mark.parametrize(
    ("fault", "said", "advised"),
    [
        (Fault("GET", "manifests", 404, code="MANIFEST_UNKNOWN"), "no image .*404 .MANIFEST_UNKNOWN", "the version v1"),
        (Fault("GET", "manifests", 401), "does not give out .*401", "docker login 127.0.0.1:"),
        (Fault("GET", "manifests", 403), "does not give out .*403", "a name that is not there"),
        (Fault("GET", "manifests", 429, 99), "answered 429", "in some minutes"),
        (Fault("GET", "manifests", 500, 99), "answered 500", "in some minutes"),
        (Fault("GET", "manifests", 418), "answered 418 .*ordered", ""),
    ],
)
def test_a_lasting_fault_is_one_error_with_advice(
    server: LoopbackRegistry, fault: Fault, said: str, advised: str
) -> None:
    """The registry's words, and what to do."""
    put_image(server)
    server.faults.append(fault)
    with pytest.raises(DeployerError, match=said) as caught:
        manifest(server)
    assert advised in caught.value.hint


def test_a_private_image_is_read_with_a_login(server: LoopbackRegistry, tmp_path: Path) -> None:
    """Tokens and blobs alike, and a token that runs out between two layers."""
    with serving() as private:
        private.bearer, private.expires_after = True, 2
        put_image(private)
        reader = source(private, logged_in=True)
        found = reader.manifest("amd64")[1]
        for place, part in enumerate((*found.layers, *found.layers)):
            reader.download(part, tmp_path / str(place), "layer")
            assert (tmp_path / str(place)).read_bytes() == private.blobs[part.digest]
        assert len(private.token_requests) == 3


def test_blobs_are_read_from_another_host_without_the_login(server: LoopbackRegistry, tmp_path: Path) -> None:
    """ECR's lie in S3, behind a redirect."""
    with serving() as private:
        put_image(private)
        server.blobs, private.blobs_elsewhere = private.blobs, server.url
        reader = source(private, logged_in=True)
        reader.download(reader.manifest("amd64")[1].layers[0], tmp_path / "blob", "layer")
        assert (tmp_path / "blob").stat().st_size > 0
    assert [""] == [sent for _, sent in server.authorizations]


def test_nobody_listening_is_said_soon() -> None:
    """A closed port is one error that names the address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    reference = parse_reference(f"127.0.0.1:{port}/base")
    with pytest.raises(Unreachable, match=f"127.0.0.1:{port} cannot be reached"):
        ImageSource(reference, login=None, variables={}, patience=0.001).manifest("amd64")


def test_an_old_manifest_without_a_type_takes_the_answers_type(server: LoopbackRegistry) -> None:
    """OCI leaves `mediaType` out of a manifest as it likes."""
    put_image(server)
    document = json.loads(server.manifests["v1"])
    del document["mediaType"]
    put_manifest(server, document, "v1")
    assert len(manifest(server).layers) == 2
