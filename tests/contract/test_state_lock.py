"""Locks of terraform's state, with the real terraform: whose they are, and which of them may be taken away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.stages.state_lock import release_stale_lock
from deployer.tools.state_lock import note_of, state_lock
from deployer.tools.terraform import find_terraform
from deployer.tools.terraform_binary import child_variables
from deployer.tools.terraform_folder import TerraformFolder

SLOW = 'resource "terraform_data" "slow" {\n  provisioner "local-exec" { command = "sleep 60" }\n}\n'


@contextmanager
def applying(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """terraform in the middle of an apply; it is killed with the block, and all that it had started."""
    (folder / "main.tf").write_text(SLOW)
    binary, variables, none = str(find_terraform(os.environ)), child_variables(os.environ), subprocess.DEVNULL
    subprocess.run([binary, "init"], cwd=folder, env=variables, check=True, timeout=60, stdout=none, stderr=none)
    argv = [binary, "apply", "-auto-approve", "-input=false"]
    with subprocess.Popen(argv, cwd=folder, env=variables, stdout=none, stderr=none, start_new_session=True) as child:
        try:
            deadline = time.monotonic() + 60
            while not note_of(folder / "terraform.tfstate").exists():
                assert time.monotonic() < deadline, "terraform does not take the lock"
                time.sleep(0.05)
            yield child
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def test_a_state_without_a_lock_has_none(tmp_path: Path) -> None:
    """No file, or one that nobody holds."""
    assert state_lock(tmp_path / "terraform.tfstate") is None
    (tmp_path / "terraform.tfstate").write_text("{}")
    assert state_lock(tmp_path / "terraform.tfstate") is None
    assert "" == release_stale_lock(TerraformFolder(tmp_path))


def test_a_living_terraform_keeps_its_lock_and_a_dead_ones_is_taken_away(tmp_path: Path) -> None:
    """Process, owner, time and operation are named both times; afterwards nothing is locked."""
    folder = TerraformFolder(tmp_path)
    with applying(tmp_path) as terraform:
        with pytest.raises(DeployerError) as told:
            release_stale_lock(folder)
        assert f"terraform (process {terraform.pid}) of " in told.value.message
        assert folder.lock_holder().startswith(f"terraform (process {terraform.pid}) of ")
        assert "(OperationTypeApply) is at work on it" in told.value.message
        assert f"kill {terraform.pid}" in told.value.hint
        assert 1 == told.value.exit_code
        assert note_of(folder.state).exists()
    assert ("", True) == (folder.lock_holder(), note_of(folder.state).exists())
    assert release_stale_lock(folder).startswith("Removed a lock whose owner is dead: terraform of ")
    assert not note_of(folder.state).exists()
    assert "" == release_stale_lock(folder)


@pytest.mark.parametrize("note", ["", "[]", '{"Who": 7}', "{broken"])
def test_a_note_that_says_nothing_is_a_stale_lock_like_any(tmp_path: Path, note: str) -> None:
    """terraform was killed while it wrote it."""
    folder = TerraformFolder(tmp_path)
    note_of(folder.state).write_text(note)
    assert release_stale_lock(folder).startswith("Removed a lock whose owner is dead: terraform")
    assert not note_of(folder.state).exists()


def test_a_lock_is_told_with_what_is_known_of_it(tmp_path: Path) -> None:
    """Times without their fractions of a second."""
    known = {
        "ID": "1",
        "Who": "ann@desk",
        "Created": "2026-11-23T04:17:19.296900459Z",
        "Operation": "OperationTypePlan",
    }
    note_of(tmp_path / "terraform.tfstate").write_text(json.dumps(known))
    lock = state_lock(tmp_path / "terraform.tfstate")
    assert "terraform of ann@desk since 2026-11-23T04:17:19Z (OperationTypePlan)" == str(lock)


def test_a_state_that_a_killed_apply_left_empty_is_the_one_before(tmp_path: Path) -> None:
    """terraform empties the file before it writes; without a backup there was none before."""
    folder, backup = TerraformFolder(tmp_path), tmp_path / "terraform.tfstate.backup"
    folder.state.touch()
    folder.mend_state()
    assert not folder.state.exists()
    folder.state.touch()
    backup.write_text('{"serial": 3}')
    folder.mend_state()
    assert '{"serial": 3}' == folder.state.read_text()
    backup.write_text('{"serial": 4}')
    folder.mend_state()
    assert '{"serial": 3}' == folder.state.read_text()


def test_an_empty_state_that_a_terraform_holds_is_left_to_it(tmp_path: Path) -> None:
    """A first apply locks an empty file until it has something to write."""
    folder = TerraformFolder(tmp_path)
    with applying(tmp_path):
        folder.mend_state()
        assert folder.state.exists()
