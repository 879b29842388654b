"""The lock of a workspace against other processes: two commands at once, and one that was killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.workspace import Workspace

HOLD = """
import sys
from pathlib import Path
from deployer.workspace import Workspace
with Workspace.at(Path(sys.argv[1]), "digits", "local").lock("up"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its standard input ends."""
    argv = [sys.executable, "-c", HOLD, str(folder)]
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(argv, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        try:
            yield child
        finally:
            child.kill()


def test_the_second_up_is_told_which_process_is_at_work(tmp_path: Path) -> None:
    """It ends at once with exit code 1 instead of waiting or of spoiling terraform's state."""
    workspace = Workspace.at(tmp_path, "digits", "local")
    with holder(tmp_path) as child:
        with pytest.raises(DeployerError) as told, workspace.lock("up"):
            pass
        assert told.value.message.startswith(f"`deployer up` (process {child.pid}, since ")
        assert 1 == told.value.exit_code
        child.communicate("")
        with workspace.lock("up"):
            pass


def test_the_lock_of_a_killed_process_is_no_obstacle(tmp_path: Path) -> None:
    """The system lets go of it, though the file that names the holder is left behind."""
    workspace = Workspace.at(tmp_path, "digits", "local")
    with holder(tmp_path) as child:
        child.kill()
        child.wait()
        assert (workspace.root / "lock.json").exists()
        with workspace.lock("down"):
            pass
