"""The function's log: one line of JSON for each record, and one record for each request.

awslambdaric has put a handler on the root logger that knows the running invocation; only its format is changed. With
Lambda's own JSON format (`AWS_LAMBDA_LOG_FORMAT`) that is left too: it has the same fields, and those of the request.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

_OWN = frozenset(vars(logging.makeLogRecord({})))  # what every record has; the rest are a caller's `extra`
_HIDDEN = _OWN | {"message", "asctime", "taskName", "aws_request_id", "tenant_id", "_frame_type"}
SHORTEST = 6  # characters of a secret that is looked for in the log: a shorter one is part of too much else

requests = logging.getLogger("deployer.request")


def configure(environment: Mapping[str, str] = os.environ, *, root: logging.Logger | None = None) -> None:
    """Make the log of this process JSON.

    Requests, and what BentoML and services say at INFO through the logger `bentoml`, are logged unless
    AWS_LAMBDA_LOG_LEVEL says otherwise: then awslambdaric has given the root logger that level, and it is theirs too.
    """
    _format(root or logging.getLogger(), as_lambda_does=environment.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON")
    if not environment.get("AWS_LAMBDA_LOG_LEVEL"):
        logging.getLogger("deployer").setLevel(logging.INFO)
        logging.getLogger("bentoml").setLevel(logging.INFO)
        logging.getLogger("bentoml._internal").setLevel(logging.WARNING)  # such as that metrics are off, at each start
    logging.getLogger("bentoml.access").disabled = True  # what `request_line` says, said again
    logging.getLogger("mangum.http").setLevel(logging.WARNING)  # likewise
    logging.captureWarnings(True)  # else they are two lines on standard error


def request_line(context: Any, route: str, status: int, seconds: float) -> None:
    """The record of one request: `route`, `status`, `durationMs`, and the request's id as every record has it."""
    milliseconds = round(seconds * 1000, 2)
    fields = {"route": route, "status": status, "durationMs": milliseconds}
    fields["aws_request_id"] = getattr(context, "aws_request_id", "")
    requests.info("%s answered %d in %s ms", route, status, milliseconds, extra=fields)


def conceal(texts: Iterable[str], *, root: logging.Logger | None = None) -> None:
    """From now on no record shows these: a service's own error may quote them. What it prints is not looked at."""
    written = {form for text in texts if len(text) >= SHORTEST for form in _forms(text)}
    for handler in (root or logging.getLogger()).handlers:
        if isinstance(handler.formatter, _Concealing):
            handler.formatter.texts |= written
        elif written:
            handler.setFormatter(_Concealing(handler.formatter or logging.Formatter(), written))


class _Concealing(logging.Formatter):
    """Another's lines, with `***` for each of `texts`."""

    def __init__(self, inner: logging.Formatter, texts: set[str]) -> None:
        super().__init__()
        self._inner, self.texts = inner, texts

    def format(self, record: logging.LogRecord) -> str:
        line = self._inner.format(record)
        for text in sorted(self.texts, key=len, reverse=True):  # one may be the beginning of another
            line = line.replace(text, "***")
        return line


def _forms(text: str) -> set[str]:
    """As it is, as it is inside of JSON, and as it is where that JSON is the text of a record."""
    inside = {json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]}
    return {text, *inside, *(json.dumps(one, ensure_ascii=False)[1:-1] for one in inside)}


class JsonLines(logging.Formatter):
    """A record as one line that JSON readers take, whatever is in it: a log line never breaks a request."""

    def __init__(self, *, end: str = "\n") -> None:
        super().__init__()
        self._end = end

    def format(self, record: logging.LogRecord) -> str:
        fields = {
            "timestamp": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "message": _message(record),
            "logger": record.name,
            "requestId": getattr(record, "aws_request_id", None) or "",
        }
        if record.exc_info and record.exc_info[0]:
            fields["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = record.stack_info
        extra = {name: value for name, value in vars(record).items() if name not in _HIDDEN and name not in fields}
        return _line({**fields, **extra}) + self._end


def _format(root: logging.Logger, *, as_lambda_does: bool) -> None:
    lambdas = [handler for handler in root.handlers if type(handler).__module__.startswith("awslambdaric.")]
    if not lambdas:
        own = logging.StreamHandler(sys.stdout)
        own.setFormatter(JsonLines(end=""))
        root.addHandler(own)
    elif not as_lambda_does:
        for handler in lambdas:
            handler.setFormatter(JsonLines())


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # arguments that do not fit their message: awslambdaric's handler would raise into the service
        return f"{record.msg} {record.args!r}"


def _line(fields: dict[str, Any]) -> str:
    try:
        text = json.dumps(fields, ensure_ascii=False, default=str)
    except (TypeError, ValueError):  # keys that are no strings, values that hold themselves
        text = json.dumps({name: str(value) for name, value in fields.items()}, ensure_ascii=False)
    # Half of a surrogate pair cannot be printed. What this writes in its place is JSON's escape for it.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()
