"""A Bento that is built without a complaint and fails in the image."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

from laptop import Laptop

FAULT = """
    def __init__(self) -> None:
        raise RuntimeError("the weights [/x] are missing")
"""


def test_a_service_that_fails_in_the_image_is_told_by_its_own_last_words(
    laptop: Laptop, project: Path, tmp_path: Path
) -> None:
    """Exit code 4, the error and the service's line out of the function's log, and JSON that says so."""
    desk = replace(laptop, folder=tmp_path)
    broken = Path(shutil.copytree(project, tmp_path / "broken"))
    service = (broken / "service.py").read_text(encoding="utf-8")
    service = service.replace('name="echo.service"', 'name="broken"').replace("class Echo:\n", f"class Echo:{FAULT}\n")
    (broken / "service.py").write_text(service, encoding="utf-8")

    up = desk.deployer("up", "--build", str(broken), "--python", sys.executable, "--output", "json", code=4)

    told = json.loads(up.stdout)
    assert ("1", None, None) == (told["version"], told["live"], told["endpoint"])
    tested = told["smoke_test"]
    assert tested["healthy"] is False
    assert "answered 503 at try 2" in tested["checks"][0]["detail"]
    refused = "\nError: Version 1 of broken does not answer as it should and got no traffic."
    shown, error, _ = up.stderr.partition("The function's log ends with:\n")[2].partition(refused)
    assert error
    assert "RuntimeError: the weights [/x] are missing" in shown
    assert 'home/bentoml/bento/src/service.py", line ' in shown
    assert len(shown.splitlines()) <= 12
    assert "Correct what the function's log says above and run `deployer up` again" in up.stderr
    assert "ECR repository broken" in desk.deployer_json("down")["removed"]
