"""What is asked on a terminal: a real one, of the operating system."""

from __future__ import annotations

import os
import pty
import sys
import time

import pytest

from deployer.ui import Screen

SCRIPT = """
from deployer.ui import Screen
screen = Screen()
with screen.step("Preparing") as step:
    answer = screen.ask("Enter MFA code: ")
    step.done(f"got {len(answer)} characters, the last one {answer[-1]}")
"""


def test_a_code_is_asked_for_while_a_step_is_at_work_and_not_shown() -> None:
    """The spinner stands still: it would wipe the question away."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT])  # noqa: S606
    seen = _until(terminal, b"Enter MFA code: ")
    time.sleep(0.3)  # several turns of a spinner
    assert b"" == _available(terminal)
    os.write(terminal, b"123459\n")
    seen += _until(terminal, b"the last one 9")
    os.waitpid(child, 0)
    os.close(terminal)
    assert (True, False) == (b"got 6 characters" in seen, b"123459" in seen)


def test_without_a_terminal_nobody_is_asked(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is shown, and nothing waits."""
    assert None is Screen().ask("Enter MFA code: ")
    assert ("", "") == tuple(capsys.readouterr())


def _until(terminal: int, words: bytes) -> bytes:
    seen = b""
    while words not in seen:
        seen += os.read(terminal, 4096)
    return seen


def _available(terminal: int) -> bytes:
    """What has been written by now."""
    os.set_blocking(terminal, False)
    try:
        return os.read(terminal, 4096)
    except BlockingIOError:
        return b""
    finally:
        os.set_blocking(terminal, True)
