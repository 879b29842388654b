"""What of a function's log explains a failure, in a few lines: the service's own words, not the libraries' frames."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from deployer.tools.lambda_gaps import Gap, needs_semaphores

SHOWN_LINES = 12
NO_BREAK_SPACE = "\u00a0"  # the Lambda runtime indents tracebacks with it
_LAMBDAS_OWN = re.compile(r"(START|END|REPORT) RequestId:|INIT_START |\[WARNING\].*LAMBDA_WARNING")
_FRAME = re.compile(r'\s*File "(?P<path>[^"]*)", line \d+')
_SERVICE = "/home/bentoml/bento/"


def last_words(events: Sequence[str]) -> tuple[str, ...]:
    """The last lines of a log's events, oldest first, without Lambda's own and without frames outside the service."""
    kept: list[str] = []
    skipping = False
    for line in _lines(events):
        frame = _FRAME.match(line)
        if frame is not None:
            skipping = _SERVICE not in frame["path"]
        elif not line.startswith("    "):
            skipping = False
        if not skipping and line.strip(" ^~") and not _LAMBDAS_OWN.match(line):
            kept.append(line)
    return tuple(kept[-SHOWN_LINES:])


def known_cause(events: Sequence[str]) -> str:
    """What of Lambda the service ran into, in a sentence with the way out; empty where the log shows no such thing."""
    missed = "The function's log says that semaphores or shared memory were missed"
    return f"{missed}: {Gap.SEMAPHORES.value}" if needs_semaphores("\n".join(events)) else ""


def _lines(events: Sequence[str]) -> Iterator[str]:
    """The log as text: the runtime's records, and Lambda's own with its JSON format, are one line of JSON each."""
    for event in events:
        for line in event.splitlines():
            for text in _unpacked(line):
                yield text.replace(NO_BREAK_SPACE, " ").rstrip()


def _unpacked(line: str) -> list[str]:
    try:
        record = json.loads(line) if line.startswith("{") else None
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return [line]
    if str(record.get("type", "")).startswith("platform."):  # Lambda's own
        return []
    if "level" not in record:
        return [line]
    return [text for text in _said(record).splitlines() if text]


def _said(record: dict[str, Any]) -> str:
    """`exception` is the runtime's whole traceback; `errorType` and the rest are those of Lambda's JSON format."""
    error = ": ".join(str(record[name]) for name in ("errorType", "errorMessage") if record.get(name))
    frames = record.get("stackTrace")
    trace = "".join(map(str, frames)) if isinstance(frames, list) else ""
    first = f"[{record['level']}] {record.get('message') or error}"
    after = error if record.get("message") else ""
    return "\n".join(part for part in (first, str(record.get("exception", "")), trace, after) if part)
