"""Names of images as people write them: `python:3.11`, `ghcr.io/team/base@sha256:…`, `127.0.0.1:5000/base`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployer.errors import BadInput
from deployer.tools.registry_auth import is_loopback

PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(
    r"(?:(?P<host>localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9a-f:]+\]|[A-Za-z0-9-]+(?=:))(?P<port>:\d+)?/)?"
    rf"(?P<repository>{PART}(?:/{PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
HUB, HUB_HOST = "docker.io", "registry-1.docker.io"


@dataclass(frozen=True)
class ImageReference:
    """`host` is the name that people know (`docker.io`), with its port. A digest, where there is one, decides."""

    host: str
    repository: str
    tag: str
    digest: str = ""

    @property
    def url(self) -> str:
        """Plain http on this machine alone, as Docker has it."""
        name = self.host.rpartition(":")[0] or self.host
        local = is_loopback(name) and self.host != name
        return f"{'http' if local else 'https'}://{HUB_HOST if self.host == HUB else self.host}"

    @property
    def version(self) -> str:
        """What is asked for in the repository."""
        return self.digest or self.tag

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}" + (f"@{self.digest}" if self.digest else f":{self.tag}")


def parse_reference(text: str) -> ImageReference:
    """Raises BadInput for what is no name of an image. Without a host it is Docker Hub's, without a tag `latest`."""
    found = NAME.fullmatch(text)
    if found is None:
        raise BadInput(f"{text!r} is not the name of an image.", hint=_advice(text))
    host = (found["host"] or HUB) + (found["port"] or "")
    host = HUB if host in (f"index.{HUB}", HUB_HOST) else host
    repository = found["repository"]
    if host == HUB and "/" not in repository:
        repository = f"library/{repository}"
    return ImageReference(host, repository, found["tag"] or "latest", found["digest"] or "")


def _advice(text: str) -> str:
    if "://" in text:
        return f"Write it without {text.partition('://')[0]}://, for example {text.partition('://')[2]}."
    if "@" in text and not re.search(r"@sha256:[0-9a-f]{64}$", text):
        return "After @ comes sha256: and 64 hexadecimal digits."
    return "Write [HOST/]NAME[:TAG], the name in lower case, for example python:3.11-slim-bookworm."
