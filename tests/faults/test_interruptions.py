"""Runs that are cut off: Ctrl-C in each stage, a killed deployer, a killed local AWS, two commands at once.

One Bento and one deployment for all of them: what a test leaves behind is where the next one begins.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from cut_off import SECONDS, Run, command_of, runs, says, started
from laptop import Laptop

NAME = "cut-off"


def starts_the_local_aws(run: Run) -> bool:
    below = psutil.Process(run.process.pid).children(recursive=True)
    return any("deployer.local" in command_of(child) for child in below)


STAGES = {
    "bentoml build": runs("-m bentoml build"),
    "target": starts_the_local_aws,
    "bentoctl init": runs("launcher.py init"),
    "image build": runs("deployer image build"),
    "image push": runs("deployer image push"),
    "terraform plan": runs("terraform plan"),
    "terraform apply": runs("terraform apply"),
    "smoke test": says("Infrastructure:"),
}


@pytest.fixture(scope="module")
def deployed(laptop: Laptop, echo: str) -> subprocess.CompletedProcess[str]:
    """The `up` that completes: what the interrupted ones left is where it begins."""
    return laptop.deployer("up", "--bento", echo, "--name", NAME, "--output", "json")


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_in_a_stage_leaves_no_process_and_the_next_run_gets_further(
    laptop: Laptop, project: Path, echo: str, stage: str
) -> None:
    """Exit code 130, said so, nothing left running. Each run begins where the one before was cut off."""
    what = ("--build", str(project), "--python", sys.executable) if stage == "bentoml build" else ("--bento", echo)
    if stage == "target":
        laptop.deployer("local", "stop")
    with started(laptop, "up", "--name", NAME, *what) as run:
        run.wait_for(STAGES[stage])
        below = run.family()
        os.killpg(run.process.pid, signal.SIGINT)
        assert 130 == run.process.wait(SECONDS), run.said
    _, alive = psutil.wait_procs(below, timeout=5)

    assert [] == alive
    assert "Error: Interrupted; everything that deployer had started was stopped." in run.said
    assert "Traceback" not in run.said


def test_the_run_after_the_interrupted_ones_completes(
    laptop: Laptop, deployed: subprocess.CompletedProcess[str]
) -> None:
    """It deploys, the function answers, and the test of it alone says so too."""
    up = json.loads(deployed.stdout)

    assert (True, "1") == (up["smoke_test"]["healthy"], up["version"])
    assert laptop.deployer_json("smoke-test")["healthy"] is True


@pytest.mark.usefixtures("deployed")
def test_a_killed_local_aws_is_said_and_the_next_up_heals_alone(laptop: Laptop) -> None:
    """On another port where the old one was taken; a second `up` or `down` meanwhile is told who is at work."""
    status = laptop.deployer_json("local", "status")
    psutil.Process(status["pid"]).kill()

    told = laptop.deployer("smoke-test", code=1).stderr
    assert told.startswith("Error: The local AWS is not running, and what was deployed on it is gone.\nWhat to do: ")

    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", int(status["registry"].rpartition(":")[2])))
        squatter.listen()
        with started(laptop, "up") as healing:
            healing.wait_for(runs("launcher.py"))
            for command in ("up", "down"):
                refused = laptop.deployer(command, code=1).stderr
                assert f"`deployer up` (process {healing.process.pid}, since " in refused
            assert 0 == healing.process.wait(SECONDS), healing.said

    tested = laptop.deployer_json("smoke-test")
    assert tested["healthy"] is True
    assert not tested["url"].startswith(status["registry"])
    assert [NAME] == [path.parent.name for path in laptop.folder.glob(".deployer/*/local")]


@pytest.mark.usefixtures("deployed")
def test_a_killed_deployer_is_continued_by_the_next_up(laptop: Laptop, project: Path) -> None:
    """SIGKILL while terraform applies: it ends its work and writes its state, only the release is left to do."""
    laptop.run(sys.executable, "-m", "bentoml", "build", cwd=project)
    with started(laptop, "up", "--bento", "echo.service", "--name", NAME) as run:
        run.wait_for(STAGES["terraform apply"])
        below = run.family()
        run.process.kill()
    _, alive = psutil.wait_procs(below, timeout=60)

    assert [] == alive
    released = laptop.deployer_json("up", "--bento", "echo.service", "--name", NAME)
    assert (True, True, released["version"]) == (
        released["changed"],
        released["smoke_test"]["healthy"],
        released["live"],
    )
    assert laptop.deployer_json("up", "--bento", "echo.service", "--name", NAME)["changed"] is False


@pytest.mark.usefixtures("deployed")
def test_down_works_after_the_local_aws_was_killed(laptop: Laptop) -> None:
    """There is nothing left to destroy, and the deployment is forgotten."""
    laptop.deployer("local", "start")
    psutil.Process(laptop.deployer_json("local", "status")["pid"]).kill()

    assert NAME == laptop.deployer_json("down")["name"]
    assert laptop.deployer("smoke-test", code=1).stderr.startswith("Error: Nothing is deployed here.")
