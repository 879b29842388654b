"""ECR's way of naming images: `<account>.dkr.ecr.<region>.amazonaws.com/<name>` with `:tag` or `@digest`."""

from __future__ import annotations

import re

from deployer.local.functions import Repository

HOST = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")
URI = re.compile(HOST.pattern + r"/(?P<name>[a-z0-9._/-]+)(?:@(?P<digest>sha256:[0-9a-f]{64})|:(?P<tag>[\w.-]+))")


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
