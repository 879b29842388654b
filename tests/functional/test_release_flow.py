"""Releases from the first to the last on the local target: each is tested before it gets traffic, and may go back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import urllib3
from laptop import Laptop
from release_desk import Desk


@pytest.fixture
def desk(laptop: Laptop, tmp_path: Path) -> Desk:
    made = Desk(replace(laptop, folder=tmp_path), tmp_path / "flow.yaml")
    made.build()
    return made


def test_releases_forth_and_back(desk: Desk) -> None:
    """First release, nothing to do, the next one, back, forth again, one that fails, one that destroys."""
    desk.write("one")
    first = desk.up()
    assert ("1", "1", True) == (first["version"], first["live"], first["changed"])
    assert "one" == desk.greeting(first["endpoint"])

    # nothing to do: no process of terraform's or bentoctl's is started
    quiet = desk.without_terraform
    second = quiet.up()
    assert {**first, "changed": False, "smoke_test": second["smoke_test"]} == second
    assert ("", False) == (desk.last_log(), quiet.ran_terraform())
    planned = quiet.laptop.deployer_json("plan", "-f", str(desk.config), "--detailed-exitcode")
    assert (False, []) == (planned["changed"], planned["changes"])

    # a change of the config is shown, and is a version of the same image
    desk.write("two")
    planned = desk.laptop.deployer_json("plan", "-f", str(desk.config), "--detailed-exitcode", code=2)
    assert (True, False, True, "1") == tuple(planned[key] for key in ("changed", "builds_image", "releases", "live"))
    assert {"address": "aws_lambda_function.this", "action": "update"} in planned["changes"]
    assert ["1"] == desk.live()
    third = desk.up()
    assert ("2", "2", first["endpoint"]) == (third["version"], third["live"], third["endpoint"])
    assert first["image_digest"] == third["image_digest"]
    assert "two" == desk.greeting(first["endpoint"])

    # back in one call, and forth again by `up`, neither with terraform
    back = quiet.laptop.deployer_json("rollback", "-f", str(desk.config))
    assert ("1", "2", True) == (back["version"], back["previous"], back["changed"])
    assert "one" == desk.greeting(first["endpoint"])
    again = quiet.up()
    assert ("2", "2", True) == (again["version"], again["live"], again["changed"])
    assert (False, False) == (quiet.up()["changed"], quiet.ran_terraform())
    assert "two" == desk.greeting(first["endpoint"])

    # a candidate that answers wrongly gets nothing, the second time without terraform
    desk.write("three", expected="four")
    for one in (desk, quiet):
        failed = one.up(code=4)
        assert ("3", "2", first["endpoint"]) == (failed["version"], failed["live"], failed["endpoint"])
        assert ["predictions"] == [check["name"] for check in failed["smoke_test"]["checks"] if not check["passed"]]
        assert "two" == desk.greeting(first["endpoint"])
    history = desk.laptop.deployer_json("history", "-f", str(desk.config))
    assert [("3", False, True, "failed"), ("2", True, False, "passed"), ("1", False, False, "passed")] == [
        (release["version"], release["live"], release["candidate"], release["smoke_test"]) for release in history
    ]

    # what destroys must be allowed
    desk.write("two", auth="iam")
    refused = desk.laptop.deployer("up", "-f", str(desk.config), code=1).stderr
    assert "The plan destroys or replaces: aws_lambda_permission.public_" in refused
    assert "two" == desk.greeting(first["endpoint"])
    private = desk.up("--allow-destroy")
    assert ("4", "4", None) == (private["version"], private["live"], private["problem"])
    assert {"Message": "Forbidden"} == urllib3.request("POST", first["endpoint"], retries=False).json()
    assert private["changed"] is not desk.up()["changed"]
    assert json.loads(desk.laptop.deployer("down", "--output", "json").stdout)["removed"]
