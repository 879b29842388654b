"""Pushes an OCI layout over the distribution protocol: what the registry lacks, streamed from disk, several at a time.

Each blob is one POST and one monolithic PUT, the form that ECR takes. A push that died leaves whole blobs behind,
so the next one continues; the manifest is put last, and its digest is what the registry must answer with.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlencode, urljoin, urlsplit

from deployer.errors import DeployerError
from deployer.tools.oci_layout import Descriptor, Layout, read_layout
from deployer.tools.registry_http import PIECE, Connection, failure

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

AT_ONCE = 4
ROUNDS = 2  # a registry may accept a blob and then lack it: looked for and sent once more
Say = Callable[[str], None]


@dataclass(frozen=True)
class Pushed:
    """The manifest's digest, and the digests of the blobs that were sent and of those that were there."""

    digest: str
    pushed: tuple[str, ...]
    skipped: tuple[str, ...]


class Registry:
    """One repository of one registry.

    `url` is the registry's base URL. `credentials` (user, password) are sent as Basic login to that host alone.
    `variables` are the user's environment: proxies and certificate bundles. `patience` scales the waits between
    attempts (seconds of the first one).
    """

    def __init__(
        self,
        url: str,
        *,
        repository: str,
        credentials: tuple[str, str] | None = None,
        variables: Mapping[str, str] | None = None,
        patience: float = 0.5,
    ) -> None:
        self._base = f"{url.rstrip('/')}/v2/{repository}/"
        self._connection = Connection(url, credentials=credentials, variables=variables or {}, patience=patience)
        self._stop = threading.Event()

    def push(self, folder: Path, *, tag: str, say: Say = lambda line: None) -> Pushed:
        """Make `tag` the layout's image. Asks first: an image that is there already is not sent again.

        Raises DeployerError when the registry refuses, cannot be reached, or answers with another digest.
        """
        layout = read_layout(folder)
        names = tuple(blob.digest for blob in layout.blobs)
        if self._manifest_digest(tag) == layout.manifest.digest:
            say("the registry has this image already")
            return Pushed(layout.manifest.digest, (), names)
        sent: set[str] = set()
        for attempt in range(ROUNDS):
            sent |= self._push_blobs(layout, say)
            if self._put_manifest(layout, tag, last=attempt == ROUNDS - 1):
                break
        skipped = tuple(name for name in names if name not in sent)
        return Pushed(layout.manifest.digest, tuple(name for name in names if name in sent), skipped)

    def _push_blobs(self, layout: Layout, say: Say) -> set[str]:
        """The digests of those that were sent. The first failure, or Ctrl-C, stops the others too."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            running = {threads.submit(self._push_blob, layout, blob, say): blob for blob in layout.blobs}
            try:
                wait(running, return_when=FIRST_EXCEPTION)
                failed = next((error for task in running if task.done() and (error := task.exception())), None)
                if failed is not None:
                    raise failed
            except BaseException:
                self._stop.set()
                threads.shutdown(wait=True, cancel_futures=True)
                raise
            return {blob.digest for task, blob in running.items() if task.result()}

    def _push_blob(self, layout: Layout, blob: Descriptor, say: Say) -> bool:
        """Whether the blob had to be sent. Every attempt begins with the question whether it arrived after all."""
        attempts = self._connection.attempts()
        while not self._has(blob):
            answer = self._upload(layout.path(blob), blob)
            if answer is not None and answer.status == 201:
                _check_digest(answer, blob.digest, f"layer {blob.title}")
                say(f"pushed {blob.title}: {blob.size / 1e6:.1f} MB")
                return True
            if not attempts.again(answer):
                raise failure(f"sending {blob.title}", self._base, answer)
        if attempts.used:
            return True
        say(f"already there: {blob.title}")
        return False

    def _has(self, blob: Descriptor) -> bool:
        answer = self._connection.request("HEAD", f"{self._base}blobs/{blob.digest}")
        if answer.status not in (200, 404):
            raise failure(f"looking for {blob.title}", self._base, answer)
        return answer.status == 200

    def _upload(self, path: Path, blob: Descriptor) -> BaseHTTPResponse | None:
        """One attempt. None when the connection was cut, which says nothing about what arrived."""
        started = self._connection.request("POST", f"{self._base}blobs/uploads/", body=b"")
        if started.status != 202:
            raise failure(f"starting to send {blob.title}", self._base, started)
        place = urljoin(self._base, started.headers.get("Location", ""))
        place += ("&" if urlsplit(place).query else "?") + urlencode({"digest": blob.digest})
        headers = {"Content-Length": str(blob.size), "Content-Type": "application/octet-stream"}
        with path.open("rb") as file:
            return self._connection.once("PUT", place, body=_pieces(file, self._stop), headers=headers)

    def _put_manifest(self, layout: Layout, tag: str, *, last: bool) -> bool:
        """False when the registry lacks a blob that it had accepted, and there is another round."""
        headers = {"Content-Type": layout.manifest.media_type}
        answer = self._connection.request("PUT", f"{self._base}manifests/{tag}", body=layout.content, headers=headers)
        if answer.status == 400 and b"BLOB_UNKNOWN" in answer.data and not last:
            return False
        if answer.status not in (200, 201):
            raise failure(f"putting the manifest as {tag}", self._base, answer)
        digest = answer.headers.get("Docker-Content-Digest") or self._manifest_digest(tag)
        if digest != layout.manifest.digest:
            raise _other_digest("the manifest", layout.manifest.digest, digest)
        return True

    def _manifest_digest(self, tag: str) -> str | None:
        """What the registry has under the tag now, None for nothing."""
        accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
        answer = self._connection.request("GET", f"{self._base}manifests/{tag}", headers=accept)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise failure(f"looking for {tag}", self._base, answer)
        return f"sha256:{hashlib.sha256(answer.data).hexdigest()}"


def _pieces(file: IO[bytes], stop: threading.Event) -> Iterator[bytes]:
    """The file from disk, until another upload has failed."""
    while piece := file.read(PIECE):
        if stop.is_set():
            raise DeployerError("The push was stopped.")
        yield piece


def _check_digest(answer: BaseHTTPResponse, expected: str, what: str) -> None:
    given = answer.headers.get("Docker-Content-Digest", expected)
    if given != expected:
        raise _other_digest(what, expected, given)


def _other_digest(what: str, expected: str, given: str | None) -> DeployerError:
    return DeployerError(
        f"The registry answered with digest {given} for {what}; {expected} was sent.",
        hint="Something between here and the registry changes what is sent, a proxy for example: push without it.",
    )
