"""One blob's way into a registry: looked for, mounted from the base image's repository, or streamed from disk.

A sent blob is one POST and one monolithic PUT, the form that ECR takes. What was cut off is sent again from its start.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlencode, urljoin, urlsplit

from deployer.errors import DeployerError
from deployer.tools.oci_layout import Descriptor
from deployer.tools.registry_http import PIECE, Connection, failure

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

PUSHED, THERE, MOUNTED = "pushed", "already there", "mounted"


class PushProgress(Protocol):
    """What is told while blobs travel, from several threads at a time. A blob is known by its title.

    `begin` is told of blobs that are sent; `sent` the bytes of the attempt so far, fewer than before where it was begun
    again; `end` one of the outcomes above, of every blob.
    """

    def begin(self, title: str, size: int) -> None: ...

    def sent(self, title: str, count: int) -> None: ...

    def end(self, title: str, outcome: str) -> None: ...


@dataclass(frozen=True)
class Uploads:
    """The blobs of one push. `url` is the repository's, with a slash at its end.

    `source` is the repository of the same registry that has the base image's layers, or empty.
    """

    connection: Connection
    url: str
    progress: PushProgress
    source: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """What is on its way ends with its next piece, and nothing begins any more."""
        self.stopped.set()

    def bring(self, path: Path, blob: Descriptor) -> str:
        """How the blob came to be there."""
        outcome = self._bring(path, blob)
        self.progress.end(blob.title, outcome)
        return outcome

    def _bring(self, path: Path, blob: Descriptor) -> str:
        """Every attempt begins with the question whether the blob arrived after all."""
        attempts = self.connection.attempts()
        while not self._has(blob):
            place = "" if attempts.used else self._mount(blob)
            if place is None:
                return MOUNTED
            answer = self._send(path, blob, place or self._start(blob))
            if answer is not None and answer.status == 201:
                check_digest(answer, blob.digest, f"layer {blob.title}")
                return PUSHED
            if not attempts.again(answer):
                raise failure(f"sending {blob.title}", self.url, answer)
        return PUSHED if attempts.used else THERE

    def _has(self, blob: Descriptor) -> bool:
        _check_not(self.stopped)
        answer = self.connection.request("HEAD", f"{self.url}blobs/{blob.digest}")
        if answer.status not in (200, 404):
            raise failure(f"looking for {blob.title}", self.url, answer)
        return answer.status == 200

    def _mount(self, blob: Descriptor) -> str | None:
        """None when the registry took the blob from the other repository. Else where to send it, if it said so (202).

        Whatever else it answers, that it forbids this one for example, the blob can still be sent.
        """
        if not (self.source and blob.of_base):
            return ""
        query = urlencode({"mount": blob.digest, "from": self.source})
        try:
            answer = self.connection.request("POST", f"{self.url}blobs/uploads/?{query}", body=b"")
        except DeployerError:  # no token for two repositories; where there is no connection, what follows says so
            return ""
        if answer.status == 201:
            check_digest(answer, blob.digest, f"layer {blob.title}")
            return None
        return self._place(answer) if answer.status == 202 else ""

    def _start(self, blob: Descriptor) -> str:
        answer = self.connection.request("POST", f"{self.url}blobs/uploads/", body=b"")
        if answer.status != 202:
            raise failure(f"starting to send {blob.title}", self.url, answer)
        return self._place(answer)

    def _place(self, answer: BaseHTTPResponse) -> str:
        return urljoin(self.url, answer.headers.get("Location", ""))

    def _send(self, path: Path, blob: Descriptor, place: str) -> BaseHTTPResponse | None:
        """One attempt. None when the connection was cut, which says nothing about what arrived."""
        place += ("&" if urlsplit(place).query else "?") + urlencode({"digest": blob.digest})
        headers = {"Content-Length": str(blob.size), "Content-Type": "application/octet-stream"}
        self.progress.begin(blob.title, blob.size)
        return self.connection.once("PUT", place, body=lambda: self._pieces(path, blob), headers=headers)

    def _pieces(self, path: Path, blob: Descriptor) -> Iterator[bytes]:
        count = 0
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                _check_not(self.stopped)
                yield piece
                count += len(piece)
                self.progress.sent(blob.title, count)


def _check_not(stopped: threading.Event) -> None:
    if stopped.is_set():
        raise DeployerError("The push was stopped.")


def check_digest(answer: BaseHTTPResponse, expected: str, what: str) -> None:
    """What the registry says it has must be what was sent; it need not say so."""
    given = answer.headers.get("Docker-Content-Digest", expected)
    if given != expected:
        raise other_digest(what, expected, given)


def other_digest(what: str, expected: str, given: str | None) -> DeployerError:
    return DeployerError(
        f"The registry answered with digest {given} for {what}; {expected} was sent.",
        hint="Something between here and the registry changes what is sent, a proxy for example: push without it.",
    )
