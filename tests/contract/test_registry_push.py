"""Pushing a layout to a registry that behaves, and to one that does not."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback_registry import LOGIN, Fault, LoopbackRegistry, basic, serving

from deployer.errors import DeployerError
from deployer.tools.oci_layout import read_layout
from deployer.tools.registry import Pushed, Registry, Silent, nothing
from deployer.tools.registry_auth import Login
from deployer.tools.registry_upload import PushProgress

BASES = "123456789012.dkr.ecr.us-east-1.amazonaws.com/bases/python"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/digits"


@pytest.fixture
def server() -> Iterator[LoopbackRegistry]:
    with serving() as registry:
        yield registry


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    return make_layout(tmp_path / "layout")


def make_layout(
    folder: Path,
    *,
    layers: tuple[bytes, ...] = (b"first" * 1000, b"second" * 500_000),
    below: tuple[bytes, ...] = (),
    base: str = "",
    media_type: str = OCI_MANIFEST,
) -> Path:
    """`below` are the base image's layers. What is in them does not matter to a registry."""
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True)

    def put(content: bytes, media_type: str) -> dict[str, object]:
        name = hashlib.sha256(content).hexdigest()
        (store / name).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{name}", "size": len(content)}

    history = [{"created_by": "/bin/sh -c #(nop) ADD file"} for _ in below]
    history += [{"created_by": "ENV A=b", "empty_layer": True}] if below else []
    history += [{"created_by": f"deployer: part {number}"} for number in range(len(layers))]
    labels = {"org.opencontainers.image.base.name": base} if base else None
    image = {"history": history, "config": {"Labels": labels}}
    config = put(json.dumps(image).encode(), "application/vnd.oci.image.config.v1+json")
    parts = [put(layer, "application/vnd.oci.image.layer.v1.tar+gzip") for layer in (*below, *layers)]
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": parts}
    entry = put(json.dumps(manifest).encode(), media_type)
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}), "utf-8")
    return folder


def push(
    server: LoopbackRegistry,
    layout: Path,
    *,
    tag: str = "v1",
    or_tag: str = "",
    repository: str = REPOSITORY,
    login: Login = lambda: LOGIN,
    progress: PushProgress = Silent(),  # noqa: B008
    before_manifest: Callable[[], None] = nothing,
) -> Pushed:
    registry = Registry(server.url, repository=repository, login=login, patience=0.001)
    return registry.push(layout, tag=tag, or_tag=or_tag, progress=progress, before_manifest=before_manifest)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


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
    assert Pushed(first.digest, (), (*first.pushed,), tag="v1") == second


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
    registry = Registry(server.url, repository=REPOSITORY, login=lambda: ("AWS", "old"), patience=0.001)
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
        Registry(url, repository=REPOSITORY, login=lambda: LOGIN, patience=0.001).push(layout, tag="v1")


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


def test_several_images_in_one_layout_are_refused(server: LoopbackRegistry, layout: Path) -> None:
    """An index of platforms is named as what it is: Lambda takes none."""
    index = json.loads((layout / "index.json").read_text("utf-8"))
    index["manifests"][0]["mediaType"] = "application/vnd.oci.image.index.v1+json"
    (layout / "index.json").write_text(json.dumps(index), "utf-8")
    with pytest.raises(DeployerError, match=r"image\.index\.v1\+json, and Lambda takes one plain image"):
        push(server, layout)


def test_a_layer_that_is_there_twice_is_sent_once(server: LoopbackRegistry, tmp_path: Path) -> None:
    """Images of Docker's share one empty layer between their steps."""
    done = push(server, make_layout(tmp_path / "double", layers=(b"same", b"other", b"same")))
    assert server.count("PUT", "uploads") == 3
    assert len(done.pushed) == 3
    titles = [blob.title for blob in read_layout(tmp_path / "double").blobs]
    assert titles == ["part 0", "part 1", "part 2", "configuration"]


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_the_manifest_keeps_its_media_type(server: LoopbackRegistry, tmp_path: Path, media_type: str) -> None:
    """AWS takes OCI's and Docker's; what is put is the layout's manifest byte for byte."""
    layout = make_layout(tmp_path / "typed", media_type=media_type)
    push(server, layout)
    assert server.manifests["v1"] == read_layout(layout).content
    assert server.put_types == [media_type]


# the base image's layers


def with_base(folder: Path, base: str = f"{BASES}:3.11") -> Path:
    return make_layout(folder, layers=(b"ours",), below=(b"system", b"python"), base=base)


def test_base_layers_are_mounted_from_their_repository(server: LoopbackRegistry, tmp_path: Path) -> None:
    """The same registry has them: no byte of them is sent, and our own layers are not asked for elsewhere."""
    server.mountable[BASES] = {digest(blob): blob for blob in (b"system", b"python", b"ours")}
    done = push(server, with_base(tmp_path / "layout"))
    assert set(done.mounted) == {digest(b"system"), digest(b"python")}
    assert digest(b"ours") in done.pushed
    assert sorted(server.mounts) == sorted((name, BASES) for name in done.mounted)
    assert server.count("PUT", "uploads") == 2


def test_a_base_is_found_under_the_name_that_its_host_uses(server: LoopbackRegistry, tmp_path: Path) -> None:
    """Without an address that stands for the host, the host is no part of the repository's name."""
    server.mountable["bases/python"] = {digest(b"system"): b"system"}
    base = f"{server.url.removeprefix('http://')}/bases/python@sha256:{'0' * 64}"
    done = push(server, with_base(tmp_path / "layout", base), repository="team/digits")
    assert done.mounted == (digest(b"system"),)
    assert (digest(b"python"), "bases/python") in server.mounts


@pytest.mark.parametrize("base", ["", "docker.io/library/python:3.11", "team/python:3.11", "python", "@", "/", ":"])
def test_nothing_is_mounted_across_registries(server: LoopbackRegistry, tmp_path: Path, base: str) -> None:
    """A base of another registry, or one whose registry is not said, is sent."""
    done = push(server, with_base(tmp_path / "layout", base), repository="team/digits")
    assert (server.mounts, done.mounted) == ([], ())
    assert len(done.pushed) == 4


def test_a_mount_that_is_answered_with_an_upload_is_sent_there(server: LoopbackRegistry, tmp_path: Path) -> None:
    """202: the registry has begun an upload, so none is begun beside it."""
    done = push(server, with_base(tmp_path / "layout"))
    assert len(server.mounts) == 2
    assert server.count("POST", "uploads") == len(done.pushed) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405])
def test_a_mount_that_is_refused_is_sent(server: LoopbackRegistry, tmp_path: Path, status: int) -> None:
    """Whatever the registry has against it, an ordinary upload may still be allowed."""
    server.mountable[BASES] = {digest(b"python"): b"python"}
    server.faults.append(Fault("POST", "mounts", status, times=2, code="DENIED"))
    assert push(server, with_base(tmp_path / "layout")).mounted == ()
    assert set(server.blobs) == {digest(b"system"), digest(b"python"), digest(b"ours")} | config_of(tmp_path / "layout")


def config_of(layout: Path) -> set[str]:
    return {read_layout(layout).blobs[-1].digest}


def test_a_mount_that_brought_nothing_is_followed_by_an_upload(server: LoopbackRegistry, tmp_path: Path) -> None:
    """Mounted and then lacking: the second round sends the blob."""
    server.mountable[BASES] = {digest(b"python"): b"python"}
    server.forgotten.add(digest(b"python"))
    done = push(server, with_base(tmp_path / "layout"))
    assert (done.mounted, len(done.pushed)) == ((), 4)


# beside the uploads


def test_the_manifest_waits_for_the_check(server: LoopbackRegistry, layout: Path) -> None:
    """The check runs while blobs travel, and before it has ended there is no tag."""
    arrived = threading.Event()
    seen: list[object] = []

    def check() -> None:
        arrived.wait(20)
        seen.append(dict(server.manifests))

    class Watch(Silent):
        def end(self, title: str, outcome: str) -> None:
            arrived.set()

    push(server, layout, before_manifest=check, progress=Watch())
    assert arrived.is_set()
    assert seen == [{}]
    assert list(server.manifests) == ["v1"]


def test_a_failed_check_stops_the_uploads_and_leaves_no_tag(server: LoopbackRegistry, tmp_path: Path) -> None:
    """Its error is the push's, and what had not begun is not sent."""

    def check() -> None:
        begun.wait(20)
        raise DeployerError("No module named numpy.")

    class Slow(Silent):
        def sent(self, title: str, count: int) -> None:
            begun.set()
            stopped.wait(0.2)

    begun, stopped = threading.Event(), threading.Event()
    layout = make_layout(tmp_path / "wide", layers=tuple(bytes([number]) * 8_000_000 for number in range(12)))
    with pytest.raises(DeployerError, match="No module named numpy"):
        push(server, layout, before_manifest=check, progress=Slow())
    assert server.manifests == {}
    assert len(server.blobs) < 12


def test_an_image_that_is_there_is_not_checked_again(server: LoopbackRegistry, layout: Path) -> None:
    """The same digest under the same tag was checked when it was pushed; another tag is another push."""
    push(server, layout)
    checked: list[str] = []
    push(server, layout, before_manifest=lambda: checked.append("v1"))
    push(server, layout, before_manifest=lambda: checked.append("v2"), tag="v2")
    assert checked == ["v2"]


def test_ctrl_c_in_the_check_stops_the_push(server: LoopbackRegistry, layout: Path) -> None:
    """It is passed on, and nothing is put."""

    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        push(server, layout, before_manifest=interrupted)
    assert server.manifests == {}


# progress


class Recorded:
    """Every call, in its order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, object]] = []

    def begin(self, title: str, size: int) -> None:
        self.calls.append(("begin", title, size))

    def sent(self, title: str, count: int) -> None:
        self.calls.append(("sent", title, count))

    def end(self, title: str, outcome: str) -> None:
        self.calls.append(("end", title, outcome))

    def of(self, title: str) -> list[tuple[str, object]]:
        return [(what, value) for what, name, value in self.calls if name == title]


def test_progress_is_told_for_each_blob(server: LoopbackRegistry, tmp_path: Path) -> None:
    """Its size, the bytes that went so far, and how it ended; what is not sent only ends."""
    server.mountable[BASES] = {digest(b"system"): b"system"}
    server.blobs[digest(b"python")] = b"python"
    layout = make_layout(
        tmp_path / "layout", layers=(b"x" * 2_500_000,), below=(b"system", b"python"), base=f"{BASES}:3.11"
    )
    progress = Recorded()
    push(server, layout, progress=progress)
    sizes = [1 << 20, 2 << 20, 2_500_000]
    assert progress.of("base image 1/2") == [("end", "mounted")]
    assert progress.of("base image 2/2") == [("end", "already there")]
    assert progress.of("part 0") == [("begin", 2_500_000), *[("sent", size) for size in sizes], ("end", "pushed")]
    again = Recorded()
    push(server, layout, progress=again)
    assert again.calls == [("end", "the whole image", "already there")]


def test_progress_begins_again_with_a_blob_that_was_cut_off(server: LoopbackRegistry, layout: Path) -> None:
    """A bar goes back to its start, and the blob ends once."""
    server.faults.append(Fault("PUT", "uploads", 503, times=3))
    progress = Recorded()
    push(server, layout, progress=progress)
    assert sum(1 for what, _, _ in progress.calls if what == "begin") == 6
    assert sum(1 for what, _, _ in progress.calls if what == "end") == 3


# logins and tags


@pytest.mark.parametrize("uses", range(1, 11))
def test_a_login_that_runs_out_in_a_push_is_renewed(server: LoopbackRegistry, layout: Path, uses: int) -> None:
    """At whatever request it happens; a blob's body is then sent again from its first byte."""
    logins = [LOGIN, ("AWS", "the next")]
    server.later_logins, server.expires_after = {basic(*logins[1])}, uses
    server.used[basic(*logins[1])] = -1000  # does not run out
    done = push(server, layout, login=lambda: logins.pop(0))
    assert logins == []
    assert set(done.pushed) == set(server.blobs)
    assert done.digest == digest(server.manifests["v1"])


@pytest.mark.parametrize(("status", "code"), [(400, "TAG_INVALID"), (403, "TAG_INVALID"), (409, "CONFLICT")])
def test_an_immutable_tag_is_named(server: LoopbackRegistry, tmp_path: Path, status: int, code: str) -> None:
    """The other image, and the ways out."""
    push(server, make_layout(tmp_path / "one", layers=(b"one",)))
    words = "The image tag 'v1' already exists and cannot be overwritten because the tag is immutable."
    server.faults.append(Fault("PUT", "manifests", status, code=code, message=words))
    with pytest.raises(DeployerError, match=r"The tag v1 of .*digits is immutable") as caught:
        push(server, make_layout(tmp_path / "two", layers=(b"two",)))
    assert digest(server.manifests["v1"]) in caught.value.message
    assert "put-image-tag-mutability" in caught.value.hint


def test_another_image_gets_the_second_tag_where_the_first_may_not_move(
    server: LoopbackRegistry, tmp_path: Path
) -> None:
    """The first stays with its image; a second push of the same finds it under its own tag."""
    one, two = make_layout(tmp_path / "one", layers=(b"one",)), make_layout(tmp_path / "two", layers=(b"two",))
    first = push(server, one)
    server.faults.append(Fault("PUT", "manifests", 400, code="TAG_INVALID", message="the tag is immutable"))
    second = push(server, two, or_tag="v1-two")
    assert ("v1", "v1-two") == (first.tag, second.tag)
    assert [first.digest, second.digest] == [digest(server.manifests[tag]) for tag in ("v1", "v1-two")]
    server.requests.clear()
    again = push(server, two, or_tag="v1-two")
    assert (second.digest, "v1-two", ()) == (again.digest, again.tag, again.pushed)
    assert server.requests == [("GET", "manifests")] * 2


def test_an_immutable_tag_that_got_the_same_image_meanwhile_is_no_failure(
    server: LoopbackRegistry, layout: Path
) -> None:
    """Two pushes of one image at once: the slower one finds its work done."""

    def other() -> None:
        push(server, layout)
        server.faults.append(Fault("PUT", "manifests", 400, code="TAG_INVALID", message="the tag is immutable"))

    assert push(server, layout, before_manifest=other).digest == digest(server.manifests["v1"])
