"""Fetching terraform from a server on the loopback, laid out as the real one."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.tools.terraform_binary import VERSION
from deployer.tools.terraform_release import PLATFORMS, fetch

BINARY = b"#!/bin/sh\necho terraform\n" * 1000
ARCHIVE = f"/{VERSION}/terraform_{VERSION}_linux_amd64.zip"
SUMS = f"/{VERSION}/terraform_{VERSION}_SHA256SUMS"


def archive_of(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def sums_of(archive: bytes, *, platform: str = "linux_amd64") -> bytes:
    others = "".join(f"{'0' * 64}  terraform_{VERSION}_{other}.zip\n" for other in PLATFORMS if other != platform)
    return f"{others}{hashlib.sha256(archive).hexdigest()}  terraform_{VERSION}_{platform}.zip\n".encode()


class Releases:
    """The files of a release server; `cut` is a path whose answer ends in the middle."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.cut = ""
        self.url = ""


@pytest.fixture
def releases() -> Iterator[Releases]:
    """A server that serves what a test puts into it."""
    served = Releases()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = served.files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write((content or b"")[: len(content or b"") // 2 if self.path == served.cut else None])

        def log_message(self, format: str, *arguments: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield served
    server.shutdown()
    server.server_close()


def fetched(releases: Releases, target: Path) -> Path:
    return fetch(base_url=releases.url, platform="linux_amd64", binary=target)


def nothing_is_left(target: Path) -> bool:
    return [] == list(target.parent.iterdir())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / VERSION / "terraform"


def test_a_release_is_unpacked_as_one_executable_file(releases: Releases, target: Path) -> None:
    """Nothing else of the archive, and no part of the download, stays."""
    archive = archive_of(**{"terraform": BINARY, "LICENSE.txt": b"text"})
    releases.files = {ARCHIVE: archive, SUMS: sums_of(archive)}
    assert target == fetched(releases, target)
    assert (BINARY, 0o755) == (target.read_bytes(), target.stat().st_mode & 0o777)
    assert [target] == list(target.parent.iterdir())


def test_an_archive_with_another_digest_is_refused(releases: Releases, target: Path) -> None:
    """The message names both digests; nothing is left behind."""
    archive = archive_of(terraform=BINARY)
    releases.files = {ARCHIVE: archive + b"x", SUMS: sums_of(archive)}
    with pytest.raises(DeployerError, match=hashlib.sha256(archive).hexdigest()):
        fetched(releases, target)
    assert nothing_is_left(target)


def test_an_archive_that_is_not_listed_is_refused(releases: Releases, target: Path) -> None:
    """A list without this platform verifies nothing."""
    archive = archive_of(terraform=BINARY)
    releases.files = {ARCHIVE: archive, SUMS: b"0" * 64 + b"  another.zip\n"}
    with pytest.raises(DeployerError, match="does not list"):
        fetched(releases, target)


def test_a_cut_download_is_refused(releases: Releases, target: Path) -> None:
    """A connection that ends early is an error, not a short file."""
    archive = archive_of(terraform=BINARY)
    releases.files, releases.cut = {ARCHIVE: archive, SUMS: sums_of(archive)}, ARCHIVE
    with pytest.raises(DeployerError, match="could not be fetched"):
        fetched(releases, target)
    assert nothing_is_left(target)


def test_an_archive_without_terraform_is_refused(releases: Releases, target: Path) -> None:
    """Verified, but not what it should be."""
    archive = archive_of(README=b"text")
    releases.files = {ARCHIVE: archive, SUMS: sums_of(archive)}
    with pytest.raises(DeployerError, match="no file named terraform"):
        fetched(releases, target)
    assert nothing_is_left(target)


def test_a_missing_release_and_an_unknown_platform_are_said(releases: Releases, target: Path) -> None:
    """With the other way to get terraform."""
    with pytest.raises(DeployerError, match="answered 404") as missing:
        fetched(releases, target)
    with pytest.raises(DeployerError, match="this machine is plan9_mips"):
        fetch(base_url=releases.url, platform="plan9_mips", binary=target)
    assert "on PATH" in missing.value.hint


def test_a_failed_fetch_leaves_an_earlier_one_as_it_was(releases: Releases, target: Path) -> None:
    """The final name changes in one step or not at all."""
    target.parent.mkdir()
    target.write_bytes(b"earlier")
    archive = archive_of(terraform=BINARY)
    releases.files = {ARCHIVE: archive + b"x", SUMS: sums_of(archive)}
    with pytest.raises(DeployerError):
        fetched(releases, target)
    assert b"earlier" == target.read_bytes()
