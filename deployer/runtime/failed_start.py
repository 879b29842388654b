"""The application in place of a service that could not be started: every request is told so."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

logger = logging.getLogger("deployer")


class FailedStart:
    """Answers 503. `answered` says whether a request has been told yet: after that the start is tried again."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.answered = False

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.answered = True
        # The type alone: the text is for the log, since a public URL answers everybody and the text may hold a secret.
        reason = f"The service could not be started ({type(self.error).__name__}). The function's log says why."
        await send({"type": "http.response.start", "status": 503, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps({"error": reason}).encode()})


def log_failure(error: BaseException, *, bento: str) -> None:
    """One record of the log, which is one line. A traceback on standard error may have left its own line open."""
    print(file=sys.stderr, flush=True)
    fields = {"bento": bento, "errorType": type(error).__name__}
    reason = " ".join(str(error).split()) or "no message"
    where = bento or "(BENTO_PATH is not set)"
    logger.error("the Bento at %s could not be started: %s: %s", where, type(error).__name__, reason, extra=fields)
