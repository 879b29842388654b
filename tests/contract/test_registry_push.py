"""Pushing a layout to a registry that behaves, and to one that does not."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback_registry import LOGIN, Fault, LoopbackRegistry, serving

from deployer.errors import DeployerError
from deployer.tools.registry import Pushed, Registry

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/digits"


@pytest.fixture
def server() -> Iterator[LoopbackRegistry]:
    with serving() as registry:
        yield registry


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return make_layout(tmp_path / "layout")


def make_layout(folder: Path, *, layers: tuple[bytes, ...] = (b"first" * 1000, b"second" * 500_000)) -> Path:
    """A layout with the layers given; what is in them does not matter to a registry."""
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True)

    def put(content: bytes, media_type: str) -> dict[str, object]:
        name = hashlib.sha256(content).hexdigest()
        (store / name).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(content)}

    history = [{"created_by": f"deployer: part {number}"} for number in range(len(layers))]
    config = put(json.dumps({"history": history}).encode(), "application/vnd.oci.image.config.v1+json")
    parts = [put(layer, "application/vnd.oci.image.layer.v1.tar+gzip") for layer in layers]
    media_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": parts}
    entry = put(json.dumps(manifest).encode(), media_type)
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}), "utf-8")
    return folder


def push(server: LoopbackRegistry, layout: Path, *, tag: str = "v1") -> Pushed:
    return Registry(server.url, repository=REPOSITORY, credentials=LOGIN, patience=0.001).push(layout, tag=tag)


def test_a_push_puts_every_blob_and_the_manifest_under_its_tag(server: LoopbackRegistry, layout: Path) -> None:
    """After a push the registry holds exactly the layout's blobs, and the manifest by tag."""
    done = push(server, layout)
    expected = {f"sha256:{path.name}" for path in (layout / "blobs" / "sha256").iterdir()}
    assert expected - {done.digest} == set(server.blobs)
    assert done.digest == f"sha256:{hashlib.sha256(server.manifests['v1']).hexdigest()}"
    assert set(done.pushed) == set(server.blobs)
    assert done.skipped == ()


def test_a_second_push_sends_nothing(server: LoopbackRegistry, layout: Path) -> None:
    """The same image under the same tag costs one question."""
    first = push(server, layout)
    server.requests.clear()
    second = push(server, layout)
    assert server.requests == [("GET", "manifests")]
    assert Pushed(first.digest, (), (*first.pushed,)) == second


def test_another_tag_sends_the_manifest_alone(server: LoopbackRegistry, layout: Path) -> None:
    """Blobs that are there are found by their digest, whatever the tag."""
    push(server, layout)
    second = push(server, layout, tag="v2")
    assert second.pushed == ()
    assert server.manifests["v1"] == server.manifests["v2"]


def test_a_push_continues_where_a_dead_one_stopped(server: LoopbackRegistry, layout: Path) -> None:
    """Only the blobs that are missing are sent."""
    first = push(server, layout)
    gone = first.pushed[0]
    del server.blobs[gone], server.manifests["v1"]
    assert (gone,) == push(server, layout).pushed


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize(
    ("method", "kind"), [("HEAD", "blobs"), ("POST", "uploads"), ("PUT", "uploads"), ("PUT", "manifests")]
)
def test_a_passing_fault_is_tried_again(
    server: LoopbackRegistry, layout: Path, *, method: str, kind: str, status: int
) -> None:
    """Each request outlives two bad answers."""
    server.faults.append(Fault(method, kind, status, times=2))
    assert push(server, layout).digest == f"sha256:{hashlib.sha256(server.manifests['v1']).hexdigest()}"


@pytest.mark.parametrize("after", [0, 1000])
def test_a_connection_cut_in_a_blob_is_begun_again(server: LoopbackRegistry, layout: Path, after: int) -> None:
    """What was cut off is sent again from its first byte."""
    server.faults.append(Fault("PUT", "uploads", 0, times=2, after=after))
    done = push(server, layout)
    assert set(done.pushed) == set(server.blobs)


def test_a_blob_that_arrived_although_the_answer_was_lost_is_not_sent_again(
    server: LoopbackRegistry, layout: Path
) -> None:
    """An upload that is gone (404) is begun afresh, after asking whether the blob is there."""
    server.faults.append(Fault("PUT", "uploads", 404, code="BLOB_UPLOAD_UNKNOWN"))
    push(server, layout)
    assert server.count("PUT", "uploads") == 4


def test_a_registry_that_loses_a_blob_gets_it_once_more(server: LoopbackRegistry, layout: Path) -> None:
    """Accepted and then lacking: the manifest is refused, the blob is sent again, the manifest is taken."""
    largest = max((layout / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    server.forgotten.add(f"sha256:{largest.name}")
    assert set(push(server, layout).pushed) == set(server.blobs)


@pytest.mark.parametrize(
    ("fault", "said", "advised"),
    [
        (Fault("HEAD", "blobs", 401, 99), "401", "AWS credentials"),
        (Fault("POST", "uploads", 403, 99), "403 (DENIED: ordered)", "ecr:PutImage"),
        (Fault("POST", "uploads", 404, 99, code="NAME_UNKNOWN"), "404 (NAME_UNKNOWN", REPOSITORY),
        (Fault("PUT", "uploads", 429, 99), "429", "wait"),
        (Fault("PUT", "manifests", 500, 99), "500", "run the command again"),
        (Fault("PUT", "uploads", 400, 99, code="DIGEST_INVALID"), "DIGEST_INVALID", "registry's words"),
        (Fault("PUT", "uploads", 0, 99), "cut", "Run the command again"),
    ],
    ids=lambda value: f"{value.method}-{value.kind}-{value.status}" if isinstance(value, Fault) else "",
)
def test_a_lasting_fault_is_one_error_with_advice(
    server: LoopbackRegistry, layout: Path, *, fault: Fault, said: str, advised: str
) -> None:
    """The message has the registry's status and words, the hint what to do; no tag is left behind."""
    server.faults.append(fault)
    with pytest.raises(DeployerError) as caught:
        push(server, layout)
    assert said in caught.value.message
    assert advised in caught.value.hint
    assert server.manifests == {}


def test_an_expired_login_is_named(server: LoopbackRegistry, layout: Path) -> None:
    """A wrong password is a 401 with advice, never a retry."""
    registry = Registry(server.url, repository=REPOSITORY, credentials=("AWS", "old"), patience=0.001)
    with pytest.raises(DeployerError, match="401"):
        registry.push(layout, tag="v1")
    assert server.requests == [("GET", "manifests")]


def test_a_wrong_digest_in_the_answer_is_an_error(server: LoopbackRegistry, layout: Path) -> None:
    """What the registry says it holds must be what was sent."""
    server.answer_digest = f"sha256:{'0' * 64}"
    with pytest.raises(DeployerError, match="answered with digest sha256:0000"):
        push(server, layout)


def test_nobody_listening_is_said_soon(layout: Path) -> None:
    """A closed port is one error that names the address."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with pytest.raises(DeployerError, match=f"{url} cannot be reached.*[Rr]efused"):
        Registry(url, repository=REPOSITORY, credentials=LOGIN, patience=0.001).push(layout, tag="v1")


def test_blobs_travel_several_at_a_time(server: LoopbackRegistry, tmp_path: Path) -> None:
    """Five layers of some megabytes are not sent one after the other."""
    layers = tuple(bytes([number]) * 8_000_000 for number in range(5))
    push(server, make_layout(tmp_path / "wide", layers=layers))
    assert 2 <= server.most_uploading <= 4


def test_a_layout_that_lacks_a_blob_is_refused_before_anything_is_sent(server: LoopbackRegistry, layout: Path) -> None:
    """A damaged layout is named with the way out."""
    largest = max((layout / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    largest.write_bytes(b"short")
    with pytest.raises(DeployerError, match=r"not a whole OCI layout.*part 1 has 5 bytes"):
        push(server, layout)
    assert server.requests == []
