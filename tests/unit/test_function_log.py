"""What is shown of a function's log."""

from __future__ import annotations

import json

from deployer.stages.function_log import SHOWN_LINES, known_cause, last_words

ROOT = "/cache/roots/8baa"
MISSED = "The function's log says that semaphores or shared memory were missed"
EVENTS = (
    "START RequestId: 1 Version: 1\n",
    "[ERROR] RuntimeError: no weights\nTraceback (most recent call last):\n"
    f'\u00a0\u00a0File "{ROOT}/opt/deployer/deployer_runtime/startup.py", line 27, in start\n'
    "\u00a0\u00a0\u00a0\u00a0return _serve(environment)\n"
    "           ^^^^^^^^^^^^^^^^^^^\n"
    f'  File "{ROOT}/home/bentoml/bento/src/service.py", line 6, in __init__\n'
    '    raise RuntimeError("no weights")\n',
    "\n",
    "[WARNING]\t2026-01-01T00:00:00Z\t\tLAMBDA_WARNING: Unhandled exception.\n",
    "END RequestId: 1\n",
    "REPORT RequestId: 1\tDuration: 3 ms\n",
)


def test_the_service_s_own_words_are_kept() -> None:
    """Frames of libraries, Lambda's own lines and empty ones are left out."""
    assert (
        "[ERROR] RuntimeError: no weights",
        "Traceback (most recent call last):",
        f'  File "{ROOT}/home/bentoml/bento/src/service.py", line 6, in __init__',
        '    raise RuntimeError("no weights")',
    ) == last_words(EVENTS)


def test_only_the_last_lines_of_a_long_log_are_kept() -> None:
    """However many events there are."""
    assert ("line 99",) == last_words([f"line {number}" for number in range(100)])[-1:]
    assert SHOWN_LINES == len(last_words([f"line {number}" for number in range(100)]))


def test_a_service_that_needs_semaphores_is_told_so() -> None:
    """The frames show it, not the error's words; joblib's warning of the same is no failure."""
    frames = [
        f'  File "{ROOT}/python/lib/python3.11/multiprocessing/synchronize.py", line 57, in __init__\n',
        "    sl = self._semlock = _multiprocessing.SemLock(\n",
        "FileNotFoundError: [Errno 2] No such file or directory\n",
    ]
    assert known_cause(frames).startswith(f"{MISSED}: Lambda has neither /dev/shm nor semaphores")
    assert known_cause(["OSError: [Errno 38] Function not implemented"]) != ""
    assert known_cause(["UserWarning: [Errno 38] Function not implemented.  joblib will operate in serial mode"]) == ""
    assert known_cause(EVENTS) == ""


def test_records_of_the_runtime_are_shown_as_text() -> None:
    """A JSON record is its level and message, then its traceback with the service's own frames alone."""
    trace = "Traceback (most recent call last):\n" + "".join(EVENTS[1].splitlines(keepends=True)[2:])
    record = {"timestamp": "t", "level": "ERROR", "message": "POST /x failed", "logger": "deployer", "requestId": "1"}
    answered = {"level": "INFO", "message": "POST /x answered 500 in 3 ms", "route": "POST /x", "status": 500}
    lines = [json.dumps({**record, "exception": f"{trace}RuntimeError: no weights"}), json.dumps(answered)]
    assert (
        "[ERROR] POST /x failed",
        "Traceback (most recent call last):",
        f'  File "{ROOT}/home/bentoml/bento/src/service.py", line 6, in __init__',
        '    raise RuntimeError("no weights")',
        "RuntimeError: no weights",
        "[INFO] POST /x answered 500 in 3 ms",
    ) == last_words(["\n".join(lines)])


def test_records_of_lambda_s_json_format_are_shown_as_text() -> None:
    """With it Lambda's own lines are JSON too, and an error is in fields of its own; other JSON is the service's."""
    error = {"level": "ERROR", "errorType": "ValueError", "errorMessage": "torn", "stackTrace": []}
    logged = {**error, "message": "cannot predict", "stackTrace": ['  File "/home/bentoml/bento/src/s.py", line 1\n']}
    lines = [
        json.dumps({"time": "t", "type": "platform.start"}),
        json.dumps(error),
        json.dumps(logged),
        '{"a": 1}',
        "{",
    ]
    assert (
        "[ERROR] ValueError: torn",
        "[ERROR] cannot predict",
        '  File "/home/bentoml/bento/src/s.py", line 1',
        "ValueError: torn",
        '{"a": 1}',
        "{",
    ) == last_words(lines)
