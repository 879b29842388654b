"""The image that Docker has built imports its service once, in a container as Lambda's, before it is pushed."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any

MARK = "deployer-import-check: "  # as deployer/runtime/import_check.py writes it
PLACEHOLDER = "placeholder-of-the-import-check"  # for each secret, as in deployer/image/import_check
IMPORT_SECONDS = 120
CONTAINER_SECONDS = 60  # to start and to end it
AS_LAMBDA = ("--network", "none", "--read-only", "--tmpfs", "/tmp", "--user", "993:990", "--ipc", "none")  # noqa: S108
_WRAPPERS = ("bentoml", "_bentoml_impl", "_bentoml_sdk")


class NotImported(Exception):
    """The service cannot be loaded; `words` are the process's last ones."""

    def __init__(self, message: str, words: list[str]) -> None:
        super().__init__(message)
        self.words = words


def import_once(image: str, say: Callable[[str], None], *, secrets: Sequence[str] = ()) -> None:
    """Raises NotImported. A variable that the image does not set is said: the function's own may set it.

    `secrets` are names of variables that the function gets its secrets in.
    """
    began = time.monotonic()
    command = ("--entrypoint", "python3", image, "-m", "deployer_runtime.import_check", str(IMPORT_SECONDS))
    placeholders = [word for name in secrets for word in ("--env", f"{name}={PLACEHOLDER}")]
    argv = ["docker", "run", "--rm", *AS_LAMBDA, *placeholders, *command]
    limit = IMPORT_SECONDS + CONTAINER_SECONDS
    try:
        ended = subprocess.run(argv, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotImported(f"The service was not imported within {IMPORT_SECONDS} s.", []) from error
    if ended.returncode == 0:
        say(f"import check: ok ({time.monotonic() - began:.1f} s)")
        return
    raised = _raised(ended.stdout)
    if raised.get("variable"):
        say(f"import check: the service reads {raised['variable']}, which the image does not set")
        return
    place = f" ({raised['place']})" if raised.get("place") else ""
    if PLACEHOLDER in raised.get("message", "") or any(name in place for name in secrets):
        say(f"import check: not finished: the service needs the value of a secret when it is imported{place}")
        return
    told = f"{raised['type']}: {raised['message']}{place}" if raised else f"exit code {ended.returncode}"
    raise NotImported(f"The service cannot be imported from the image that Docker built: {told}", _tail(ended.stderr))


def _raised(output: str) -> dict[str, Any]:
    """The service's own error: BentoML wraps what it meets. Empty where the process ended without a report."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    try:
        errors: list[dict[str, Any]] = json.loads(lines[-1][len(MARK) :])["errors"]
    except (IndexError, ValueError, KeyError):
        return {}
    return next((error for error in errors if error["package"] not in _WRAPPERS), errors[-1])


def _tail(text: str) -> list[str]:
    return [line for line in text.strip().splitlines() if line.strip()][-4:]
