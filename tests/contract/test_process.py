"""The process door on real programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from local_aws import within

from deployer.errors import DeployerError
from deployer.tools.process import Processes

PYTHON = sys.executable


def test_a_program_gets_exactly_the_environment_and_input_that_are_handed_in(tmp_path: Path) -> None:
    """Nothing of this process's environment reaches a child, and its standard input ends."""
    code = "import os, sys; print(sorted(n for n in os.environ if n != 'LC_CTYPE')); print(sys.stdin.read())"

    ended = Processes().run([PYTHON, "-c", code], env={"A": "1"}, cwd=tmp_path, timeout=30, stdin=b"answers\n")

    assert (ended.returncode, ended.stdout) == (0, "['A']\nanswers\n\n")


def test_lines_reach_the_listener_and_the_log_while_the_program_runs(tmp_path: Path) -> None:
    """Standard output goes line by line to the listener; the log has the command and both streams."""
    log, lines = tmp_path / "run.log", []
    code = "import sys; print('one'); print('two'); print('three', file=sys.stderr); sys.exit(5)"

    ended = Processes().run([PYTHON, "-c", code], env={}, cwd=tmp_path, timeout=30, log=log, on_line=lines.append)

    assert (ended.returncode, lines, ended.stderr) == (5, ["one", "two"], "three\n")
    assert sorted(log.read_text().splitlines()[1:]) == ["one", "three", "two"]
    assert log.read_text().startswith(f"$ {PYTHON} -c")


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    """A program that cannot be started is an error of the user's kind, not a traceback."""
    with pytest.raises(DeployerError) as caught:
        Processes().run(["/nowhere/terraform"], env={}, cwd=tmp_path, timeout=5)

    assert caught.value.message == "/nowhere/terraform could not be started: No such file or directory."


def test_out_of_time_ends_the_whole_group(tmp_path: Path) -> None:
    """A time limit ends grandchildren too, even ones that ignore SIGTERM."""
    pids = tmp_path / "pids"
    code = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal, time;"
        " signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)'])\n"
        f"open({str(pids)!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}'); time.sleep(60)"
    )

    with pytest.raises(DeployerError) as caught:
        Processes().run([PYTHON, "-c", code], env={}, cwd=tmp_path, timeout=2)

    assert "did not finish within 2 s" in caught.value.message
    assert [_alive(int(pid)) for pid in pids.read_text().split()] == [False, False]


def test_ctrl_c_lets_the_child_finish_cleanly_and_then_goes_on(tmp_path: Path) -> None:
    """SIGINT reaches the child once, its own clean-up runs, and KeyboardInterrupt comes out afterwards."""
    ready, clean = tmp_path / "ready", tmp_path / "clean"
    code = (
        "import pathlib, time\n"
        "try:\n"
        f"    pathlib.Path({str(ready)!r}).touch(); time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        f"    pathlib.Path({str(clean)!r}).touch()"
    )
    threading.Thread(target=_interrupt_when, args=(ready,), daemon=True).start()

    with pytest.raises(KeyboardInterrupt):
        Processes().run([PYTHON, "-c", code], env={}, cwd=tmp_path, timeout=30)

    assert clean.exists()


def _interrupt_when(ready: Path) -> None:
    deadline = time.monotonic() + 20
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)


def _alive(pid: int) -> bool:
    """Whether the process still runs; one that ended and was not yet waited for does not."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            return False
        time.sleep(0.05)
    return True


def test_a_child_that_outlives_its_killed_starter_still_ends_its_work(tmp_path: Path) -> None:
    """What it writes goes to files: no broken pipe ends terraform before it has written its state."""
    ready, done = tmp_path / "ready", tmp_path / "done"
    child = (
        f"import pathlib, sys, time; print('one', flush=True); pathlib.Path({str(ready)!r}).touch(); time.sleep(1)\n"
        f"print('two', flush=True); print('three', file=sys.stderr, flush=True); pathlib.Path({str(done)!r}).touch()"
    )
    starter = (
        "import sys; from pathlib import Path; from deployer.tools.process import Processes\n"
        f"Processes().run([sys.executable, '-c', {child!r}], env={{}}, cwd=Path('/'), timeout=30)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([PYTHON, "-c", starter], cwd=root) as killed:
        assert within(20, ready.exists)
        killed.kill()

    assert within(10, done.exists)
