"""What of a function's log explains a failure, in a few lines: the service's own words, not the libraries' frames."""

from __future__ import annotations

import re
from collections.abc import Sequence

SHOWN_LINES = 12
NO_BREAK_SPACE = "\u00a0"  # the Lambda runtime indents tracebacks with it
_LAMBDAS_OWN = re.compile(r"(START|END|REPORT) RequestId:|INIT_START |\[WARNING\].*LAMBDA_WARNING")
_FRAME = re.compile(r'\s*File "(?P<path>[^"]*)", line \d+')
_SERVICE = "/home/bentoml/bento/"


def last_words(events: Sequence[str]) -> tuple[str, ...]:
    """The last lines of a log's events, oldest first, without Lambda's own and without frames outside the service."""
    kept: list[str] = []
    skipping = False
    for line in (line.replace(NO_BREAK_SPACE, " ").rstrip() for event in events for line in event.splitlines()):
        frame = _FRAME.match(line)
        if frame is not None:
            skipping = _SERVICE not in frame["path"]
        elif not line.startswith("    "):
            skipping = False
        if not skipping and line.strip(" ^~") and not _LAMBDAS_OWN.match(line):
            kept.append(line)
    return tuple(kept[-SHOWN_LINES:])
