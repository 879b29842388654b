"""A service of what Lambda does not carry: named at `up`, answered with a status, and the rest of it works."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import urllib3
import yaml
from laptop import Laptop

HERE = Path(__file__).parent


@pytest.fixture
def config(laptop: Laptop) -> Path:
    """An open URL, so that it can be asked without a signature."""
    path = laptop.folder / "unfit.yaml"
    document = {"api_version": "v1", "name": "unfit", "operator": {"name": "aws-lambda"}, "template": "terraform"}
    path.write_text(yaml.safe_dump({**document, "spec": {"auth": "none"}}), encoding="utf-8")
    return path


def test_what_lambda_does_not_carry_is_named_at_up_and_answered_with_a_status(laptop: Laptop, config: Path) -> None:
    """Each with its place or route; the direct call of a task works, no request hangs, and a failure is explained."""
    project = laptop.folder / "unfit_service"
    shutil.copytree(HERE / "unfit_service", project)

    up = laptop.deployer(
        "up", "--build", str(project), "--python", sys.executable, "-f", str(config), "--output", "json"
    )

    line = 1 + (project / "service.py").read_text().splitlines().index("        with multiprocessing.Pool(2) as pool:")
    notes = [shown for shown in up.stderr.splitlines() if shown.startswith("· ")]
    for expected in (
        "/train: a function keeps no task queue, so /train/submit, /status, /get, /retry and /cancel are answered",
        "/words: the answer arrives whole",
        f"multiprocessing.Pool (src/service.py:{line}): Lambda has neither /dev/shm nor semaphores",
        "a WebSocket route (src/service.py:",
    ):
        assert [expected in note for note in notes].count(True) == 1, up.stderr
    assert "training.py" not in up.stderr
    url = yaml.safe_load(up.stdout)["endpoint"]
    assert (_post(f"{url}train", {"rows": 4}).status, _post(f"{url}train", {"rows": 4}).json()) == (200, 8)
    queued = _post(f"{url}train/submit", {"rows": 4})
    assert queued.status == 501
    assert "/train" in queued.json()["error"]
    assert _post(f"{url}words", {}).data == b"one two"
    assert _post(f"{url}pooled", {"numbers": [-1]}).status == 500
    (laptop.folder / "numbers.json").write_text('{"numbers": [-1]}')
    document = yaml.safe_load(config.read_text())
    config.write_text(yaml.safe_dump({**document, "smoke_test": {"route": "/pooled", "samples": "numbers.json"}}))
    tested = laptop.deployer("smoke-test", "-f", str(config), code=4)
    assert "semaphores or shared memory were missed: Lambda has neither /dev/shm nor semaphores" in tested.stderr
    laptop.deployer("down", "--name", "unfit")


def _post(url: str, value: object) -> urllib3.BaseHTTPResponse:
    return urllib3.request("POST", url, json=value, retries=False, timeout=60)
