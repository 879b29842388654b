"""ECR's repositories, and its names for images: `<account>.dkr.ecr.<region>.amazonaws.com/<name>:tag` or `@digest`."""

from __future__ import annotations

import re
from dataclasses import dataclass

HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")
URI = re.compile(HOST.pattern + r"/(?P<name>[a-z0-9._/-]+)(?:@(?P<digest>sha256:[0-9a-f]{64})|:(?P<tag>[\w.-]+))")


@dataclass(frozen=True)
class Repository:
    """An ECR repository of one account and region."""

    account: str
    region: str
    name: str

    @property
    def uri(self) -> str:
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com/{self.name}"


class NoSuchRepository(Exception):
    """No ECR repository of that name."""


class TagIsImmutable(Exception):
    """The repository does not allow a tag to move to another image."""


def parse_host(host: str) -> tuple[str, str] | None:
    """Account and region of an ECR host, or None."""
    match = HOST.fullmatch(host)
    return (match["account"], match["region"]) if match else None


def parse_uri(uri: str) -> tuple[Repository, str] | None:
    """The repository and the tag or digest that an image URI names, or None where it is no ECR image URI."""
    match = URI.fullmatch(uri)
    if match is None:
        return None
    return Repository(match["account"], match["region"], match["name"]), match["digest"] or match["tag"]
