"""The function's log."""

from __future__ import annotations

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from deployer.runtime import logs

NAMES = ("deployer", "deployer.request", "bentoml", "bentoml.access", "bentoml._internal", "mangum.http", "py.warnings")


class LambdasHandler(logging.Handler):
    """As awslambdaric's: it sets the running invocation's id and writes what its formatter gives."""

    def __init__(self) -> None:
        super().__init__()
        self.written = io.StringIO()

    def emit(self, record: logging.LogRecord) -> None:
        record.aws_request_id = "request-1"
        self.written.write(self.format(record))

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.written.getvalue().splitlines()]


LambdasHandler.__module__ = "awslambdaric.bootstrap"


@pytest.fixture
def lambdas() -> Iterator[LambdasHandler]:
    """The root logger as awslambdaric leaves it; afterwards all is as it was."""
    root, handler = logging.getLogger(), LambdasHandler()
    loggers = [root, *map(logging.getLogger, NAMES)]
    before = [(logger, logger.level, logger.disabled, list(logger.handlers)) for logger in loggers]
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    yield handler
    logging.captureWarnings(False)
    for logger, level, disabled, handlers in before:
        logger.setLevel(level)
        logger.disabled = disabled
        logger.handlers = handlers


def test_a_record_is_one_line_of_json(lambdas: LambdasHandler) -> None:
    """With the time in UTC, the request and what the caller adds."""
    logs.configure({})
    logging.getLogger("mine").error("two\nlines of %s", "é", extra={"model": "m:1", "odd": {1}})
    (line,) = lambdas.lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "ERROR",
        "message": "two\nlines of é",
        "logger": "mine",
        "requestId": "request-1",
        "model": "m:1",
        "odd": "{1}",
    }


def test_an_exception_is_text_in_its_line(lambdas: LambdasHandler) -> None:
    """The whole traceback."""
    logs.configure({})
    try:
        raise ValueError("torn")
    except ValueError:
        logging.getLogger("mine").exception("cannot predict")
    (line,) = lambdas.lines
    assert line["exception"].startswith("Traceback (most recent call last):\n")
    assert line["exception"].endswith("ValueError: torn")


@pytest.mark.parametrize(
    ("message", "values", "extra", "found"),
    [
        ("%d rows", ("two",), {}, "%d rows ('two',)"),
        ("half \udc80", (), {}, "half \udc80"),
        ("keys", (), {"by": {(1, 2): 3}}, "keys"),
    ],
)
def test_no_record_breaks_the_request(
    lambdas: LambdasHandler, message: str, values: Any, extra: Any, found: str
) -> None:
    """awslambdaric's handler would raise into the service."""
    logs.configure({})
    logging.getLogger().handlers = [lambdas]  # without the test runner's own
    logging.getLogger("mine").error(message, *values, extra=extra)
    lambdas.written.getvalue().encode()
    assert lambdas.lines[0]["message"] == found


def test_a_request_is_one_record_by_default(lambdas: LambdasHandler) -> None:
    """BentoML's own line of it and mangum's are left out, what services log through BentoML's logger is not."""
    logs.configure({})
    logs.request_line(SimpleNamespace(aws_request_id="request-1"), "POST /predict", 200, 0.0123456)
    logging.getLogger("bentoml.access").info("POST /predict 200")
    logging.getLogger("mangum.http").info("POST /predict 200")
    logging.getLogger("bentoml.serve").info("initialized")
    logging.getLogger("bentoml._internal.container").info("a setting is applied")
    logging.getLogger("mine").info("not at this level")
    request, other = lambdas.lines
    assert {name: request[name] for name in ("route", "status", "durationMs", "requestId")} == {
        "route": "POST /predict",
        "status": 200,
        "durationMs": 12.35,
        "requestId": "request-1",
    }
    assert other["message"] == "initialized"


def test_lambdas_log_level_is_the_level(lambdas: LambdasHandler) -> None:
    """awslambdaric gives it to the root logger; requests are INFO."""
    logging.getLogger().setLevel("ERROR")
    logs.configure({"AWS_LAMBDA_LOG_LEVEL": "ERROR"})
    logs.request_line(SimpleNamespace(aws_request_id="r"), "GET /", 200, 0.1)
    assert lambdas.lines == []
    logging.getLogger().setLevel("INFO")
    logs.request_line(SimpleNamespace(aws_request_id="r"), "GET /", 200, 0.1)
    logging.getLogger("mangum.http").info("GET / 200")
    assert len(lambdas.lines) == 1


def test_lambdas_own_json_format_is_kept(lambdas: LambdasHandler) -> None:
    """Its fields are the same, and it takes those of a request from the record."""
    formatter = logging.Formatter('{"route": "%(route)s", "status": %(status)d, "ms": %(durationMs)s}\n')
    lambdas.setFormatter(formatter)
    logs.configure({"AWS_LAMBDA_LOG_FORMAT": "json"})
    logs.request_line(SimpleNamespace(aws_request_id="r"), "GET /", 204, 0.1)
    assert lambdas.lines == [{"route": "GET /", "status": 204, "ms": 100.0}]


def test_warnings_are_records(lambdas: LambdasHandler) -> None:
    """Not two lines on standard error."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure({})
        warnings.warn("old model", UserWarning, stacklevel=1)
        logging.captureWarnings(False)
    assert "UserWarning: old model" in lambdas.lines[0]["message"]


def test_without_awslambdaric_the_log_is_standard_output(
    lambdas: LambdasHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same lines, with the id that the request is logged with."""
    logging.getLogger().handlers = []
    logs.configure({})
    logs.request_line(SimpleNamespace(aws_request_id="request-2"), "GET /", 200, 0.1)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["requestId"] == "request-2"


@pytest.mark.parametrize("environment", [{}, {"AWS_LAMBDA_LOG_FORMAT": "JSON"}], ids=["ours", "Lambda's"])
def test_a_secret_is_not_shown(lambdas: LambdasHandler, environment: dict[str, str]) -> None:
    """Whoever quotes it: as it is, as JSON writes it, and in an exception. One renewed later neither."""
    lambdas.setFormatter(logs.JsonLines())
    planted = 'pass "wörd"\nand more'
    logs.configure(environment)
    logs.conceal([planted, "5432", "pass "])
    logs.conceal(["renewed-secret"])
    for text in (f"app:{planted}@db:5432", json.dumps(planted), "renewed-secret"):
        logging.getLogger("mine").error(text)
    try:
        raise ConnectionError(f"no such user: {planted}")
    except ConnectionError:
        logging.getLogger("mine").exception("failed")
    written = lambdas.written.getvalue()
    assert [line["message"] for line in lambdas.lines] == ["app:***@db:5432", '"***"', "***", "failed"]
    assert "no such user: ***" in lambdas.lines[-1]["exception"]
    assert "and more" not in written
    assert "wörd" not in written
    assert "w\\u00f6rd" not in written


def test_nothing_is_put_around_a_log_without_secrets(lambdas: LambdasHandler) -> None:
    """Nor for those that are too short to be told from other text."""
    before = lambdas.formatter
    logs.conceal([])
    logs.conceal(["true"])
    assert lambdas.formatter is before
