"""The request of the smoke test as a line to paste into a shell."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Signing:
    """AWS's signature: for this region and service, with curl's options for the credentials."""

    region: str
    credentials: str
    service: str = "lambda"  # or execute-api, for an HTTP API


def curl_command(url: str, *, samples: Path, cwd: Path, signing: Signing | None = None) -> str:
    """One line that sends `samples` to `url` from the folder `cwd`, signed where the URL asks for it."""
    data = f"@{os.path.relpath(samples, cwd)}"
    words = ["curl", "-sS", "-H", "Content-Type: application/json", "--data-binary", data, url]
    return " ".join([*map(shlex.quote, words), *_signature(signing)])


def _signature(signing: Signing | None) -> tuple[str, ...]:
    """Not quoted with the rest: the shell is to expand it."""
    if signing is None:
        return ()
    return (f"--aws-sigv4 aws:amz:{shlex.quote(signing.region)}:{signing.service}", signing.credentials)
