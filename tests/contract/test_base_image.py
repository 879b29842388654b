"""The base image in the build's cache: pulled once, checked, taken from the cache when there is no network."""

from __future__ import annotations

import base64
import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from loopback_registry import LOGIN, Fault, LoopbackRegistry, serving
from registry_images import GZIP, digest_of, put_blob, put_image, put_index, tar

from deployer.errors import DeployerError
from deployer.image.base import Base, pull
from deployer.image.layer_cache import BlobCache
from deployer.image.manifest import TitledBlob
from deployer.tools.http import Unreachable

NOBODY = {"HOME": "/nonexistent"}


@pytest.fixture
def server() -> Iterator[LoopbackRegistry]:
    """A registry that is public."""
    with serving() as registry:
        registry.login = ""
        yield registry


@pytest.fixture
def cache(tmp_path: Path) -> BlobCache:
    return BlobCache(tmp_path / "cache")


class Puller:
    """Pulls, and keeps what was said."""

    def __init__(self, server: LoopbackRegistry, cache: BlobCache) -> None:
        self.host, self.cache, self.said = server.url.removeprefix("http://"), cache, list[str]()

    def __call__(self, version: str = ":v1", *, machine: str = "x86_64", **others: Any) -> Base:
        self.said.clear()
        options = {"variables": NOBODY, "patience": 0.001, **others}
        return pull(
            f"{self.host}/team/base{version}", machine=machine, cache=self.cache, say=self.said.append, **options
        )


@pytest.fixture
def puller(server: LoopbackRegistry, cache: BlobCache) -> Puller:
    return Puller(server, cache)


def nothing_is_kept(cache: BlobCache) -> bool:
    folders = ("blobs/sha256", "records", "scratch")
    return [path for folder in folders for path in (cache.root / folder).iterdir()] == []


def stored(cache: BlobCache, layers: Sequence[TitledBlob]) -> list[bytes]:
    return [gzip.decompress(cache.path(layer.blob.digest).read_bytes()) for layer in layers]


def test_a_pull_brings_every_layer_with_its_sizes(server: LoopbackRegistry, puller: Puller, cache: BlobCache) -> None:
    """Under the digest of the registry, with the digest and the size of what is inside."""
    layers = [tar({"a": b"1" * 5000}), tar({"b": b"2"}), tar({"a": b"3"})]
    image = put_image(server, layers=layers)
    base = puller()
    assert layers == stored(cache, base.layers)
    assert (image["digest"], f"{puller.host}/team/base:v1") == (base.digest, base.reference)
    assert base.config["config"]["Env"][1] == "PYTHON_VERSION=3.11.9"
    for layer, content in zip(base.layers, layers, strict=True):
        assert (digest_of(content), len(content)) == (layer.blob.diff_id, layer.blob.unpacked)
        assert layer.blob.size == cache.path(layer.blob.digest).stat().st_size
    assert ["base image 1/3", "base image 2/3", "base image 3/3"] == [layer.title for layer in base.layers]
    assert puller.said == [f"base image {base.reference}: pulled, 0.0 MB"]


def test_a_second_pull_asks_for_the_digest_alone(server: LoopbackRegistry, puller: Puller) -> None:
    """By HEAD, which Docker Hub does not count."""
    put_index(server, "v1", {"linux/amd64": put_image(server, "intel")})
    first = puller()
    server.requests.clear()
    assert puller() == first
    assert server.requests == [("HEAD", "manifests")]
    assert "cached" in puller.said[0]


def test_a_tag_that_moved_brings_what_is_new(server: LoopbackRegistry, puller: Puller, cache: BlobCache) -> None:
    """The layer that both images have is not fetched again."""
    put_image(server, layers=[tar({"a": b"same"}), tar({"b": b"old"})])
    first = puller()
    put_image(server, layers=[tar({"a": b"same"}), tar({"b": b"new"})])
    server.requests.clear()
    second = puller()
    assert stored(cache, second.layers) == [tar({"a": b"same"}), tar({"b": b"new"})]
    assert first.layers[0].blob == second.layers[0].blob
    assert server.count("GET", "blobs") == 2  # the configuration and one layer


def test_an_index_that_moved_without_this_platform_fetches_no_blob(server: LoopbackRegistry, puller: Puller) -> None:
    """Another architecture was rebuilt: the same image here."""
    image = put_image(server, "intel")
    put_index(server, "v1", {"linux/amd64": image})
    first = puller()
    put_index(server, "v1", {"linux/amd64": image, "linux/arm64": put_image(server, "arm", architecture="arm64")})
    server.requests.clear()
    assert puller() == first
    assert server.count("GET", "blobs") == 0
    server.requests.clear()
    puller()
    assert server.requests == [("HEAD", "manifests")]


def test_each_architecture_has_its_own(server: LoopbackRegistry, puller: Puller) -> None:
    """The same name, two images in one cache."""
    images = {name: put_image(server, name, architecture=name) for name in ("amd64", "arm64")}
    put_index(server, "v1", {"linux/amd64": images["amd64"], "linux/arm64/v8": images["arm64"]})
    assert images["arm64"]["digest"] == puller(machine="aarch64").digest
    assert images["amd64"]["digest"] == puller().digest


@pytest.mark.parametrize("of_index", [False, True])
def test_a_digest_that_is_here_needs_no_network(server: LoopbackRegistry, puller: Puller, *, of_index: bool) -> None:
    """Not one request, and the same base."""
    image = put_image(server)
    index = put_index(server, "index", {"linux/amd64": image})
    version = f"@{(index if of_index else image)['digest']}"
    first = puller(version)
    server.requests.clear()
    assert puller(version) == first
    assert (server.requests, image["digest"]) == ([], first.digest)


def test_without_a_network_the_image_that_was_pulled_before_is_used(server: LoopbackRegistry, cache: BlobCache) -> None:
    """It is said, with the digest; what was never pulled is an error."""
    with serving() as gone:
        gone.login = ""
        put_image(gone)
        puller = Puller(gone, cache)
        first = puller()
    assert puller() == first
    assert "cannot be reached" in puller.said[0]
    assert first.digest in puller.said[0]
    with pytest.raises(Unreachable):
        puller(":v2")


@pytest.mark.parametrize("status", [429, 503])
def test_a_registry_with_a_fault_is_done_without(server: LoopbackRegistry, puller: Puller, status: int) -> None:
    """A rate limit stops no build of somebody who has the image; a missing tag does."""
    put_image(server)
    first = puller()
    server.faults.append(Fault("HEAD", "manifests", status, 99))
    assert puller() == first
    assert f"answered {status}" in puller.said[0]
    server.faults.clear()
    del server.manifests["v1"]
    with pytest.raises(DeployerError, match="no image"):
        puller()


def test_what_was_pruned_is_pulled_again(server: LoopbackRegistry, puller: Puller, cache: BlobCache) -> None:
    """One layer alone, by tag and by digest; everything else is found."""
    image = put_image(server)
    for version in (":v1", f"@{image['digest']}"):
        first = puller(version)
        cache.path(first.layers[1].blob.digest).unlink()
        server.requests.clear()
        assert puller(version) == first
        assert stored(cache, first.layers)
        assert server.count("GET", "blobs") == 2
    cache.prune(now=time.time() + 40 * 86400)
    assert nothing_is_kept(cache)
    assert puller(version) == first


def test_a_prune_keeps_what_is_used(server: LoopbackRegistry, puller: Puller, cache: BlobCache) -> None:
    """A pull that finds its layers marks them and its record as used now."""
    put_image(server)
    first = puller()
    for path in (*(cache.root / "blobs/sha256").iterdir(), *(cache.root / "records").iterdir()):
        os.utime(path, (time.time() - 29 * 86400,) * 2)
    puller()
    cache.prune(now=time.time() + 5 * 86400)
    server.requests.clear()
    assert puller() == first
    assert server.requests == [("HEAD", "manifests")]


@pytest.mark.parametrize("record", [b"", b"{}", b"[]", b'{"layers": [1], "digest": "", "named": ""}'])
def test_a_record_that_is_damaged_is_made_again(
    server: LoopbackRegistry, puller: Puller, cache: BlobCache, record: bytes
) -> None:
    """Whatever is in it."""
    put_image(server)
    first = puller()
    for path in (cache.root / "records").iterdir():
        path.write_bytes(record)
    assert puller() == first
    assert "pulled" in puller.said[0]


@pytest.mark.parametrize("content", [b"wrong", b""])
def test_a_layer_with_another_digest_is_never_kept(
    server: LoopbackRegistry, puller: Puller, cache: BlobCache, content: bytes
) -> None:
    """The first failure ends the pull, and nothing is left behind for the next one to trust."""
    put_image(server, layers=[tar({"a": b"1"})])
    layer = json.loads(server.manifests["v1"])["layers"][0]["digest"]
    right, server.blobs[layer] = server.blobs[layer], content
    with pytest.raises(DeployerError, match="base image 1/1 did not arrive"):
        puller()
    assert nothing_is_kept(cache)
    server.blobs[layer] = right
    assert stored(cache, puller().layers) == [tar({"a": b"1"})]


def test_the_first_failure_stops_the_other_downloads(server: LoopbackRegistry, puller: Puller) -> None:
    """A damaged layer is said at once, not after the gigabytes beside it."""
    put_image(server, layers=[tar({"large": os.urandom(4_000_000)}), tar({"small": b"1"})])
    server.blobs[json.loads(server.manifests["v1"])["layers"][1]["digest"]] = b"wrong"
    server.slow_blobs = 0.5  # 20 seconds for the large one
    started = time.monotonic()
    with pytest.raises(DeployerError, match="base image 2/2 did not arrive"):
        puller()
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "content", [b"no gzip at all", gzip.compress(tar({"a": b"1"}))[:-9]], ids=["no gzip", "cut off"]
)
def test_a_layer_that_is_no_gzip_is_named(
    server: LoopbackRegistry, puller: Puller, cache: BlobCache, content: bytes
) -> None:
    """Whole by its digest, and still no layer."""
    put_image(server, changes={"layers": [put_blob(server, content, GZIP), put_blob(server, content, GZIP)]})
    with pytest.raises(DeployerError, match=r"base image ./2 is not whole gzip data"):
        puller()
    assert nothing_is_kept(cache)


def test_a_layer_that_unpacks_to_something_else_is_refused(server: LoopbackRegistry, puller: Puller) -> None:
    """The configuration says what is inside, and an image whose parts disagree runs nowhere."""
    other = put_blob(server, gzip.compress(tar({"evil": b"1"})), GZIP)
    put_image(server, layers=[tar({"a": b"1"})], changes={"layers": [other]})
    with pytest.raises(DeployerError, match="base image 1/1 unpacks to"):
        puller()
    put_image(server, layers=[tar({"a": b"1"})], changes={"layers": [other, other]})
    with pytest.raises(DeployerError, match="2 layers, and its configuration names 1"):
        puller()


def test_an_image_of_another_machine_is_refused_before_its_layers(server: LoopbackRegistry, puller: Puller) -> None:
    """One that is not in an index says its platform in its configuration alone."""
    put_image(server)
    with pytest.raises(DeployerError, match="is for linux/amd64, and linux/arm64 is needed"):
        puller(machine="aarch64")
    assert server.count("GET", "blobs") == 1


@pytest.mark.parametrize("kept", [False, True])
def test_another_python_is_refused_by_name(server: LoopbackRegistry, puller: Puller, *, kept: bool) -> None:
    """As the official images say it; an image that says nothing is taken."""
    put_image(server)
    if kept:
        puller()
    assert puller(python="3.11").digest
    with pytest.raises(DeployerError, match=r"has Python 3\.11\.9, and the Bento needs 3\.1\.") as caught:
        puller(python="3.1")
    assert "python:3.1-slim-bookworm" in caught.value.hint
    put_image(server, environment=["PATH=/usr/bin"])
    assert puller(python="3.12").digest


def test_a_layer_that_appears_twice_is_fetched_once(server: LoopbackRegistry, puller: Puller) -> None:
    """Docker's empty layer does, in many images."""
    layer = tar({"a": b"1"})
    put_image(server, layers=[layer, tar({"b": b"2"}), layer])
    base = puller()
    assert [digest_of(layer)] * 2 == [base.layers[0].blob.diff_id, base.layers[2].blob.diff_id]
    assert server.count("GET", "blobs") == 3


def test_two_builds_at_once_fetch_each_layer_once(server: LoopbackRegistry, cache: BlobCache) -> None:
    """They share the cache: one fetches, the other waits and finds it."""
    put_image(server, layers=[tar({str(number): b"x" * 100_000}) for number in range(6)])
    pullers = [Puller(server, BlobCache(cache.root)) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        first, *others = threads.map(lambda puller: puller(), pullers)
    assert [first, first] == others
    layers = {layer.blob.digest for layer in first.layers}
    asked = [path.rpartition("/")[2] for path, _ in server.authorizations]
    assert sorted(layers) == sorted(digest for digest in asked if digest in layers)


def test_a_private_base_is_pulled_with_dockers_login(puller: Puller, tmp_path: Path, server: LoopbackRegistry) -> None:
    """From the configuration that DOCKER_CONFIG names, for this host and port."""
    server.bearer, server.login = True, f"Basic {base64.b64encode(':'.join(LOGIN).encode()).decode()}"
    put_image(server)
    with pytest.raises(DeployerError, match="gives no token"):
        puller()
    auths = {puller.host: {"auth": server.login.removeprefix("Basic ")}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}), "utf-8")
    assert puller(variables={"DOCKER_CONFIG": str(tmp_path)}).digest
    assert not any(sent.startswith("Basic ") for _, sent in server.authorizations)


def test_a_pull_that_is_killed_leaves_no_partial_blob(
    server: LoopbackRegistry, puller: Puller, cache: BlobCache
) -> None:
    """SIGKILL in the middle of a layer: the next pull finds nothing under a final name, and completes."""
    small, large = tar({"a": b"1"}), tar({"b": os.urandom(4_000_000)})
    put_image(server, layers=[small, large])
    server.slow_blobs = 0.05
    program = (
        "import sys; from pathlib import Path; from deployer.image.base import pull;"
        "from deployer.image.layer_cache import BlobCache;"
        "pull(sys.argv[1], machine='x86_64', cache=BlobCache(Path(sys.argv[2])), variables={}, say=print)"
    )
    argv = [sys.executable, "-c", program, f"{puller.host}/team/base:v1", str(cache.root)]
    child = subprocess.Popen(argv)
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size > 100_000 for path in (cache.root / "scratch").glob("*/*")):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    names = {path.name for path in (cache.root / "blobs/sha256").iterdir()}
    assert digest_of(server.blobs[json.loads(server.manifests["v1"])["layers"][1]["digest"]])[7:] not in names
    server.slow_blobs = 0.0
    assert stored(cache, puller().layers) == [small, large]


@pytest.fixture
def real_registry(tmp_path: Path) -> Iterator[str]:
    """Debian's docker-registry on a free port."""
    if shutil.which("docker-registry") is None or shutil.which("skopeo") is None:
        pytest.skip("needs the programs docker-registry and skopeo")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(tmp_path / "registry")}},
        "http": {"addr": host},
    }
    (tmp_path / "registry.json").write_text(json.dumps(config), "utf-8")
    with (tmp_path / "registry.log").open("wb") as log:
        child = subprocess.Popen(["docker-registry", "serve", str(tmp_path / "registry.json")], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while socket.socket().connect_ex(("127.0.0.1", int(host.rpartition(":")[2]))):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield host
    finally:
        child.terminate()
        child.wait(10)


@pytest.mark.parametrize("kind", ["oci", "v2s2"])
def test_what_skopeo_put_into_a_real_registry_is_pulled(
    real_registry: str, cache: BlobCache, tmp_path: Path, kind: str
) -> None:
    """OCI's media types and Docker's own."""
    layers = [tar({"etc/os": b"first"}), tar({"etc/more": b"second" * 1000})]
    write_layout(tmp_path / "layout", layers)
    target = f"docker://{real_registry}/team/base:v1"
    source = ["skopeo", "copy", "--format", kind, "--dest-tls-verify=false", f"oci:{tmp_path / 'layout'}:v1", target]
    subprocess.run(source, check=True, capture_output=True)
    said: list[str] = []
    name = f"{real_registry}/team/base:v1"
    first = pull(name, machine="x86_64", cache=cache, variables=NOBODY, say=said.append, patience=0.01)
    assert stored(cache, first.layers) == layers
    assert pull(name, machine="x86_64", cache=cache, variables=NOBODY, say=said.append, patience=0.01) == first
    assert ["pulled" in said[0], "cached" in said[1]] == [True, True]
    with pytest.raises(DeployerError, match="MANIFEST_UNKNOWN"):
        pull(f"{name}2", machine="x86_64", cache=cache, variables=NOBODY, say=said.append, patience=0.01)


def write_layout(folder: Path, layers: Sequence[bytes]) -> None:
    """An OCI layout with one image, named v1, as skopeo reads it."""
    server = LoopbackRegistry()
    entry = put_image(server, layers=layers)
    store = folder / "blobs" / "sha256"
    store.mkdir(parents=True)
    for content in (*server.blobs.values(), *server.manifests.values()):
        (store / digest_of(content)[7:]).write_bytes(content)
    named = {**entry, "annotations": {"org.opencontainers.image.ref.name": "v1"}}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}), "utf-8")
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}', "utf-8")
