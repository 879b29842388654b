"""Releases from the first to the last on the local target: each is tested before it gets traffic, and may go back."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml
from laptop import ROOT, Laptop

ECHO = ROOT / "tests" / "functional" / "echo_service"


@dataclass(frozen=True)
class Desk:
    """A laptop with one service that says its variable GREETING, so that a release is a change of the config."""

    laptop: Laptop
    config: Path

    def write(self, greeting: str, *, expected: str = "", auth: str = "none") -> None:
        """The config of a release. `expected`: what the smoke test wants to be told, the greeting where empty."""
        (self.laptop.folder / "names.json").write_text('{"names": ["GREETING"]}')
        document = {
            **{"api_version": "v1", "name": "flow", "operator": {"name": "aws-lambda"}, "template": "terraform"},
            **{"bento": "echo.service", "spec": {"auth": auth}, "env": {"GREETING": greeting}},
            "smoke_test": {"samples": "names.json", "expected": {"GREETING": expected or greeting}},
        }
        self.config.write_text(yaml.safe_dump(document), encoding="utf-8")

    def up(self, *options: str, code: int = 0) -> Any:
        return self.laptop.deployer_json("up", "-f", str(self.config), *options, code=code)

    def greeting(self, url: str) -> Any:
        answer = urllib3.request("POST", f"{url}variables", json={"names": ["GREETING"]}, retries=False, timeout=60)
        return answer.json().get("GREETING")

    def live(self) -> list[str]:
        history = self.laptop.deployer_json("history", "-f", str(self.config))
        return [release["version"] for release in history if release["live"]]

    @property
    def without_terraform(self) -> Desk:
        """The same where terraform only leaves a mark: what is done here needs no terraform."""
        tools = self.laptop.folder / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "terraform").write_text(f"#!/bin/sh\ntouch {tools}/started\nexit 1\n")
        (tools / "terraform").chmod(0o755)
        variables = {**self.laptop.variables, "PATH": f"{tools}{os.pathsep}{self.laptop.variables['PATH']}"}
        return Desk(replace(self.laptop, variables=variables), self.config)

    def ran_terraform(self) -> bool:
        return (self.laptop.folder / "tools" / "started").exists()

    def last_log(self) -> str:
        """What the last `up` ran: a line with `$` for each process."""
        logs = sorted((self.laptop.folder / ".deployer" / "flow" / "local" / "logs").glob("*-up.log"))
        return logs[-1].read_text(encoding="utf-8")


@pytest.fixture
def desk(laptop: Laptop, tmp_path: Path) -> Desk:
    own = replace(laptop, folder=tmp_path)
    project = tmp_path / "project"
    project.mkdir()
    for file in ECHO.iterdir():
        if file.is_file():
            (project / file.name).write_bytes(file.read_bytes())
    own.run(sys.executable, "-m", "bentoml", "build", cwd=project)
    return Desk(own, tmp_path / "flow.yaml")


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
