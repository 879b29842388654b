"""Pushes an OCI layout over the distribution protocol: what the registry lacks, several blobs at a time.

A push that died leaves whole blobs behind, so the next one continues; the manifest is put last, and its digest is what
the registry must answer with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deployer.errors import DeployerError
from deployer.tools.oci_layout import IMAGES, INDEXES, Layout, read_layout
from deployer.tools.registry_auth import Login
from deployer.tools.registry_http import Connection, failure
from deployer.tools.registry_upload import MOUNTED, PUSHED, THERE, PushProgress, Uploads, other_digest

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

AT_ONCE = 4
ROUNDS = 2  # a registry may accept a blob and then lack it: looked for and sent once more
WHOLE = "the whole image"  # the title for a push that had nothing to do


@dataclass(frozen=True)
class Pushed:
    """The manifest's digest, and those of the blobs: sent, there before, and taken from the base image's repository.

    `tag` is the one that the image has now.
    """

    digest: str
    pushed: tuple[str, ...]
    skipped: tuple[str, ...]
    mounted: tuple[str, ...] = ()
    tag: str = ""


class Silent:
    """Progress for nobody."""

    def begin(self, title: str, size: int) -> None: ...

    def sent(self, title: str, count: int) -> None: ...

    def end(self, title: str, outcome: str) -> None: ...


def nothing() -> None:
    """Nothing to wait for before the manifest is put."""


class Registry:
    """One repository of one registry.

    `url` is the registry's base URL. `login` gives user and password, which that host alone gets.
    `variables` are the user's environment: proxies and certificate bundles. `patience` scales the waits between
    attempts (seconds of the first one).
    """

    def __init__(
        self,
        url: str,
        *,
        repository: str,
        login: Login | None = None,
        variables: Mapping[str, str] | None = None,
        patience: float = 0.5,
    ) -> None:
        self._host, self._repository = urlsplit(url).netloc, repository
        self._url = f"{url.rstrip('/')}/v2/{repository}/"
        self._connection = Connection(url, login=login, variables=variables or {}, patience=patience)

    def push(
        self,
        folder: Path,
        *,
        tag: str,
        or_tag: str = "",
        progress: PushProgress = Silent(),  # noqa: B008  it has no state
        before_manifest: Callable[[], None] = nothing,
    ) -> Pushed:
        """Make `tag` the layout's image. An image that is there already is neither sent nor checked again.

        `or_tag` is taken where `tag` has another image and the registry does not let it move.

        `before_manifest` runs in this thread, for Ctrl-C to reach it, while others send the blobs. Where it raises,
        they are stopped and no tag is made. Raises DeployerError when the registry refuses, cannot be reached, or
        answers with another digest.
        """
        layout = read_layout(folder)
        names = list(dict.fromkeys(blob.digest for blob in layout.blobs))
        for known in filter(None, (tag, or_tag)):
            if self._manifest_digest(known) == layout.manifest.digest:
                progress.end(WHOLE, THERE)
                return Pushed(layout.manifest.digest, (), tuple(names), tag=known)
        source = self._source(layout.base)
        outcomes = self._bring_blobs(layout, Uploads(self._connection, self._url, progress, source), before_manifest)
        for _ in range(1, ROUNDS):
            taken = self._put_manifest(layout, tag, or_tag, last=False)
            if taken:
                break
            found = self._bring_blobs(layout, Uploads(self._connection, self._url, progress), nothing)
            outcomes |= {name: outcome for name, outcome in found.items() if outcome != THERE}
        else:
            taken = self._put_manifest(layout, tag, or_tag, last=True)
        pushed, there, mounted = (
            tuple(name for name in names if outcomes[name] == sort) for sort in (PUSHED, THERE, MOUNTED)
        )
        return Pushed(layout.manifest.digest, pushed, there, mounted, tag=taken)

    def _source(self, base: str) -> str:
        """The base image's repository as this registry names it; empty where it lies in another one.

        Where one address stands for several registries, the host is the first part of a repository's name.
        """
        host, _, rest = base.partition("@")[0].partition("/")
        name = rest.partition(":")[0]
        if host == self._host:
            return name
        served = self._repository.partition("/")[0]
        return f"{host}/{name}" if name and host == served and "." in host else ""

    def _bring_blobs(self, layout: Layout, uploads: Uploads, beside: Callable[[], None]) -> dict[str, str]:
        """The outcome of each. The first failure, or Ctrl-C, stops the others too."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            blobs = {blob.digest: blob for blob in reversed(layout.blobs)}  # an image may have one layer twice
            running = {threads.submit(uploads.bring, layout.path(b), b): b for b in reversed(blobs.values())}
            try:
                beside()
                wait(running, return_when=FIRST_EXCEPTION)
                failed = next((error for task in running if task.done() and (error := task.exception())), None)
                if failed is not None:
                    raise failed
            except BaseException:
                uploads.stop()
                threads.shutdown(wait=True, cancel_futures=True)
                raise
            return {blob.digest: task.result() for task, blob in running.items()}

    def _put_manifest(self, layout: Layout, tag: str, or_tag: str, *, last: bool) -> str:
        """The tag that it has; empty when the registry lacks a blob it had accepted, and there is another round."""
        headers = {"Content-Type": layout.manifest.media_type}
        answer = self._connection.request("PUT", f"{self._url}manifests/{tag}", body=layout.content, headers=headers)
        if answer.status in (400, 404) and b"BLOB_UNKNOWN" in answer.data and not last:
            return ""
        if answer.status in (200, 201):
            digest = answer.headers.get("Docker-Content-Digest") or self._manifest_digest(tag)
            if digest != layout.manifest.digest:
                raise other_digest("the manifest", layout.manifest.digest, digest)
            return tag
        if not _is_immutable(answer):
            raise failure(f"putting the manifest as {tag}", self._url, answer)
        there = self._manifest_digest(tag)
        if there == layout.manifest.digest:  # another push was quicker with the same image
            return tag
        if or_tag:
            return self._put_manifest(layout, or_tag, "", last=last)
        raise _taken(tag, self._repository, there)

    def _manifest_digest(self, tag: str) -> str | None:
        """What the registry has under the tag now, None for nothing. Said to take indexes, it translates none."""
        accept = {"Accept": ", ".join((*IMAGES, *INDEXES))}
        answer = self._connection.request("GET", f"{self._url}manifests/{tag}", headers=accept)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise failure(f"looking for {tag}", self._url, answer)
        return f"sha256:{hashlib.sha256(answer.data).hexdigest()}"


def _taken(tag: str, repository: str, digest: str | None) -> DeployerError:
    return DeployerError(
        f"The tag {tag} of {repository} is immutable and has another image already ({digest}).",
        hint="Push under another tag (a new Bento version has its own, --or-tag names a second one), delete that image,"
        " or let tags move:"
        " `aws ecr put-image-tag-mutability --image-tag-mutability MUTABLE --repository-name NAME`.",
    )


def _is_immutable(answer: BaseHTTPResponse) -> bool:
    """ECR's words for a tag that it will not move; other registries say it in their own."""
    said = answer.data.lower()
    return answer.status in (400, 403, 405, 409, 412) and (b"imagetagalreadyexists" in said or b"immutable" in said)
