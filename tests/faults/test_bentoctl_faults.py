"""bentoctl and its environment when things go wrong, with the real bentoctl."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from bento_samples import write_model, write_modern
from bentoctl_jobs import Workbench
from moto_server import moto_server

from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.tools.bentoctl_environment import ensure
from deployer.tools.process import Processes

CONFIG = DeploymentConfig(name="digits", env={"TOKEN": "hunter2"})


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto_server() as url:
        yield url


def bench_at(root: Path, url: str) -> Workbench:
    write_model(root / "store", "m:1")
    write_modern(root / "store", "digits:v1", models=["m:1"])
    return Workbench(root, url)


def test_a_failed_image_command_is_told_with_its_cause_and_the_next_run_heals(tmp_path: Path, aws: str) -> None:
    """bentoctl's exit code is 0 here; the error has bentoctl's line, our command's last words and the log."""
    bench = bench_at(tmp_path, aws)
    job = bench.job("digits", CONFIG)
    bench.bentoctl().init(job)

    for verb in ("build", "push"):
        (bench.seen / f"fail-{verb}").touch()
        with pytest.raises(DeployerError) as caught:
            bench.bentoctl().build(job)
        (bench.seen / f"fail-{verb}").unlink()

        assert caught.value.message.splitlines() == [
            f"`bentoctl build` failed: Error [BentoctlDockerException]: `deployer image {verb}` ended with exit code 1",
            f"  {verb}: started",
            f"  Error: the {verb} was told to fail [/x]",
        ]
        assert caught.value.log == job.log
    assert bench.bentoctl().build(job).digest == bench.digest("digits", "v1")


def test_an_ecr_that_cannot_be_reached_is_one_clear_sentence(tmp_path: Path) -> None:
    """No botocore traceback reaches the user."""
    bench = bench_at(tmp_path, "http://127.0.0.1:1")
    job = bench.job("digits", CONFIG)
    bench.bentoctl().init(job)

    with pytest.raises(DeployerError) as caught:
        bench.bentoctl().build(job)

    assert caught.value.message.startswith("`bentoctl build` failed: Error [RepositoryError]: ECR repository digits: ")
    assert "Traceback" not in caught.value.message


RUN_BUILD = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[4:]
from bentoctl_jobs import Workbench
from deployer.config import DeploymentConfig
bench = Workbench(Path(sys.argv[1]), sys.argv[2])
job = bench.job("digits", DeploymentConfig(name="digits"))
bench.bentoctl().init(job)
bench.bentoctl().build(job)
"""


def start_build(root: Path, url: str) -> subprocess.Popen[bytes]:
    """init and build in a process of their own, until the image command waits."""
    paths = [str(Path(__file__).parent.parent), str(Path(__file__).parent.parent.parent)]
    argv = [sys.executable, "-c", RUN_BUILD, str(root), url, "-", *paths]
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (root / "seen" / "waiting").exists():
        assert time.monotonic() < deadline, "the image command was never started"
        assert child.poll() is None, "the build ended early"
        time.sleep(0.1)
    return child


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_no_process(tmp_path: Path, aws: str, number: int) -> None:
    """Ctrl-C reaches the image command below bentoctl; when deployer is killed, bentoctl and the command end too."""
    bench = bench_at(tmp_path, aws)
    (bench.seen / "wait").touch()
    child = start_build(tmp_path, aws)
    below = psutil.Process(child.pid).children(recursive=True)

    child.send_signal(number)
    child.wait(60)

    _, alive = psutil.wait_procs(below, timeout=10)
    assert (len(below), alive) == (2, [])
    assert (bench.seen / "interrupted").exists() == (number == signal.SIGINT)
    if number == signal.SIGKILL:
        (bench.seen / "wait").unlink()
        job = bench.job("digits", CONFIG)
        bench.bentoctl().init(job)
        assert bench.bentoctl().build(job).digest == bench.digest("digits", "v1")


def test_an_environment_is_not_made_without_an_index_and_the_message_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real uv and pip against an index that nobody answers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    nowhere = "http://127.0.0.1:1/simple"
    pip = {"PIP_INDEX_URL": nowhere, "PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull}
    uv = {
        "UV_DEFAULT_INDEX": nowhere,
        "UV_CACHE_DIR": str(tmp_path / "uv"),
        "UV_HTTP_RETRIES": "0",
        "UV_NO_CONFIG": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}

    with pytest.raises(DeployerError, match="no package index gave its packages") as caught:
        ensure(
            runner=Processes(),
            variables={**inherited, **pip, **uv},
            log=tmp_path / "log",
            on_step=lambda text: None,
        )

    assert caught.value.log == tmp_path / "log"
