"""Whether a sandbox can be had is asked once, and the answer says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from stand_in_runner import Answer, Asked, StandInRunner

from deployer.errors import DeployerError
from deployer.tools.sandbox import TOOLS, Isolation, probe


def out_of_time(asked: Asked) -> Answer:
    raise DeployerError("setpriv did not finish within 10 s")


def test_a_sandbox_that_works_is_used(tmp_path: Path) -> None:
    """The folder it needs is made and stays empty."""
    isolation = probe(tmp_path / "sandbox", runner=StandInRunner())
    assert (True, []) == (isolation.full, list((tmp_path / "sandbox").iterdir()))


@pytest.mark.parametrize(
    ("runner", "reason"),
    [
        (StandInRunner([(1, "", "unshare: Operation not permitted\nmore\n")]), "unshare: Operation not permitted"),
        (StandInRunner([(32, "")]), "exit code 32"),
        (StandInRunner(program=out_of_time), "did not finish"),
    ],
)
def test_a_sandbox_that_does_not_work_is_said(tmp_path: Path, runner: StandInRunner, reason: str) -> None:
    """The first line of what the system answered is the reason."""
    isolation = probe(tmp_path / "sandbox", runner=runner)
    assert not isolation.full and reason in isolation.reason


def test_only_the_folders_asked_for_are_shown_beside_the_systems(tmp_path: Path) -> None:
    """What lies in a system folder already is not shown twice; the command comes last."""
    isolation = Isolation("full", folder=tmp_path)
    visible = (Path("/usr/local"), Path("/home/me/image"))
    argv = isolation.argv(["run", "it"], directory=Path("/home/me/image/src"), megabytes=600, visible=visible)
    assert ["--", "/home/me/image/src", "run", "it"] == argv[-4:]
    assert ("/usr/local" in argv, "/home/me/image" in argv, "600" in argv) == (False, True, True)


def test_a_plain_process_still_dies_with_the_daemon() -> None:
    """Where setpriv is there; the command itself is unchanged."""
    argv = Isolation("none").argv(["run", "it"], directory=Path("/"), megabytes=1, visible=())
    assert ["run", "it"] == argv[-2:]
    assert TOOLS[0] == "setpriv" and (len(argv) == 2 or "--pdeathsig" in argv)
