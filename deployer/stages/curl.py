"""The request of the smoke test as a line to paste into a shell."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def curl_command(url: str, *, samples: Path, cwd: Path, region: str | None = None) -> str:
    """One line that sends `samples` to `url` from the folder `cwd`.

    `region` asks for AWS's signature there, with the credentials that the shell has in its environment variables
    (a session token too); None sends it unsigned.
    """
    data = f"@{os.path.relpath(samples, cwd)}"
    words = ["curl", "-sS", "-H", "Content-Type: application/json", "--data-binary", data, url]
    return " ".join([*map(shlex.quote, words), *_signature(region)])


def _signature(region: str | None) -> tuple[str, ...]:
    """Not quoted with the rest: the shell is to expand the variables, and the header only where there is a token."""
    if region is None:
        return ()
    return (
        f"--aws-sigv4 aws:amz:{shlex.quote(region)}:lambda",
        '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
        '${AWS_SESSION_TOKEN:+-H "x-amz-security-token: $AWS_SESSION_TOKEN"}',
    )
