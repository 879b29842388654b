"""What is shown of a function's log."""

from __future__ import annotations

from deployer.stages.function_log import SHOWN_LINES, last_words

ROOT = "/cache/roots/8baa"
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
