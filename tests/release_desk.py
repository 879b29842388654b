"""One deployment of the echo service, released again and again."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import urllib3
import yaml
from laptop import ROOT, Laptop

ECHO = ROOT / "tests" / "functional" / "echo_service"


@dataclass(frozen=True)
class Desk:
    """A laptop with one service that says its variable GREETING, so that a release is a change of the config."""

    laptop: Laptop
    config: Path
    bento: str = "echo.service"

    def write(self, greeting: str, *, expected: str = "", auth: str = "none", import_check: bool = True) -> None:
        """The config of a release. `expected`: what the smoke test wants to be told, the greeting where empty."""
        (self.laptop.folder / "names.json").write_text('{"names": ["GREETING"]}')
        document = {
            **{"api_version": "v1", "operator": {"name": "aws-lambda"}, "template": "terraform"},
            **{"name": self.config.stem, "bento": self.bento, "spec": {"auth": auth}, "env": {"GREETING": greeting}},
            "image": {"import_check": import_check},
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
        return replace(self, laptop=replace(self.laptop, variables=variables))

    def ran_terraform(self) -> bool:
        return (self.laptop.folder / "tools" / "started").exists()

    def last_log(self) -> str:
        """What the last `up` ran: a line with `$` for each process."""
        logs = sorted((self.laptop.folder / ".deployer" / self.config.stem / "local" / "logs").glob("*-up.log"))
        return logs[-1].read_text(encoding="utf-8")

    def history(self) -> Any:
        return self.laptop.deployer_json("history", "-f", str(self.config))

    def build(self, change: tuple[str, str] = ("", "")) -> None:
        """`bentoml build` of the echo service, under this desk's name for it and with one text of it replaced."""
        project = self.laptop.folder / "project"
        shutil.copytree(ECHO, project, dirs_exist_ok=True)
        service = (ECHO / "service.py").read_text(encoding="utf-8")
        for old, new in (("echo.service", self.bento), change):
            assert old in service
            service = service.replace(old, new, 1)
        (project / "service.py").write_text(service, encoding="utf-8")
        self.laptop.run(sys.executable, "-m", "bentoml", "build", cwd=project)
