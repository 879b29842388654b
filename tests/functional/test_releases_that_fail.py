"""Candidates that fail before, while and after their service is loaded: what is live goes on as if there were none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from laptop import Laptop
from release_desk import Desk

RAISES = 'raise RuntimeError("the weights [/x] are missing")'
AT_IMPORT = ("import bentoml\n", "import bentoml\nimport greetings\n")
AT_LOAD = ("class Echo:\n", f"class Echo:\n    def __init__(self) -> None:\n        {RAISES}\n\n")
AT_THE_SAMPLE = ("        return {name", f"        {RAISES}\n        return {{name")


@dataclass(frozen=True)
class Released:
    """A desk whose version 1 is live at `url` and says `one`."""

    desk: Desk
    url: str

    def check_goes_on(self, *failed: str) -> None:
        """Version 1 is live and answers; `failed` are all other versions, the newest first."""
        told = [(one["version"], one["live"], one["candidate"], one["smoke_test"]) for one in self.desk.history()]
        others = [(version, False, version == failed[0], "failed") for version in failed]
        assert [*others, ("1", True, not failed, "passed")] == told
        assert "one" == self.desk.greeting(self.url)

    def refused(self, version: str, *, desk: Desk | None = None) -> tuple[str, str]:
        """`up` with exit code 4 and that candidate: the failed check's detail, and what it shows of the log."""
        up = (desk or self.desk).laptop.deployer("up", "-f", str(self.desk.config), "--output", "json", code=4)
        told = json.loads(up.stdout)
        assert (version, "1", self.url) == (told["version"], told["live"], told["endpoint"])
        assert f"Error: Version {version} of failing does not answer as it should and got no traffic." in up.stderr
        (failed,) = (check for check in told["smoke_test"]["checks"] if not check["passed"])
        return failed["detail"], up.stderr.partition("The function's log ends with:\n")[2].partition("\nError: ")[0]


@pytest.fixture
def released(laptop: Laptop, tmp_path: Path) -> Iterator[Released]:
    desk = Desk(replace(laptop, folder=tmp_path), tmp_path / "failing.yaml", bento="failing")
    desk.build()
    desk.write("one")
    first = desk.up()
    assert ("1", "1") == (first["version"], first["live"])
    yield Released(desk, first["endpoint"])
    desk.laptop.deployer("down")


def test_whatever_fails_in_a_candidate_costs_no_request(released: Released) -> None:
    """Exit code 4, the cause out of that version's own log, and the version before answers as it did."""
    desk = released.desk

    # a module that the Bento lacks: the import check ends the build, and nothing is applied
    (desk.laptop.folder / "project" / "greetings.py").write_text("")
    desk.build(AT_IMPORT)
    desk.write("two")
    stopped = desk.laptop.deployer("up", "-f", str(desk.config), code=1).stderr
    assert "The service needs the module greetings, which is not in the Bento's Python packages" in stopped
    released.check_goes_on()

    # the same without the import check reaches the candidate, the second time without terraform
    desk.write("two", import_check=False)
    for one in (desk, desk.without_terraform):
        detail, log = released.refused("2", desk=one)
        assert "503" in detail
        assert "No module named 'greetings'" in log
        released.check_goes_on("2")

    desk.build(AT_LOAD)
    detail, log = released.refused("3")
    assert "503" in detail
    assert "RuntimeError: the weights [/x] are missing" in log
    assert "greetings" not in log
    released.check_goes_on("3", "2")

    desk.build(AT_THE_SAMPLE)
    detail, log = released.refused("4")
    assert "500" in detail
    assert "RuntimeError: the weights [/x] are missing" in log
    assert "__init__" not in log
    released.check_goes_on("4", "3", "2")
