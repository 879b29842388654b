"""What a failed smoke test shows of the function's log, with doors that are not AWS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from idle_toolbox import Silent, idle_toolbox

from deployer.clock import Clock
from deployer.config import DeploymentConfig
from deployer.errors import DeployerError
from deployer.models import SmokeCheck, SmokeReport
from deployer.targets import Environment
from deployer.toolbox import Toolbox
from deployer.tools.http import Response
from deployer.workflows.smoke_test import run_smoke_test


@dataclass
class Logs:
    """The log of each version, of all under \"\"; one that is not there cannot be read. `slept` are seconds."""

    of: Mapping[str, tuple[str, ...]]
    slept: list[float] = field(default_factory=list)

    def recent_logs(self, name: str, *, version: str = "") -> tuple[str, ...]:
        if version not in self.of:
            raise DeployerError("logs:GetLogEvents is not allowed.", hint="Allow it.")
        return self.of[version]

    def sign(self, **request: Any) -> dict[str, str]:
        return {}


class Failing:
    """A function that cannot be started."""

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float) -> Response:
        return Response(502, {}, b"", 1.0)


def tools_with(logs: Logs, folder: Path) -> Toolbox:
    tools = idle_toolbox(folder, variables={}, aws=logs, terraform=None)
    return replace(tools, http=Failing(), clock=Clock(now=lambda: sum(logs.slept), sleep=logs.slept.append))


def report_of(tools: Toolbox, version: str) -> SmokeReport:
    config = DeploymentConfig(name="digits")
    environment = Environment("aws", "eu-west-1")
    return run_smoke_test(config, (), "https://it/", environment=environment, tools=tools, version=version)


@pytest.mark.parametrize(("version", "shown"), [("2", ("ImportError",)), ("", ("all is well",))])
def test_a_candidates_log_is_its_own(tmp_path: Path, version: str, shown: tuple[str, ...]) -> None:
    """Not that of the version that has the traffic. No time but the toolbox's passes."""
    logs = Logs({"2": ("ImportError",), "": ("all is well",)})

    assert shown == report_of(tools_with(logs, tmp_path), version).function_log
    assert logs.slept


def test_a_log_that_cannot_be_read_is_a_note(tmp_path: Path) -> None:
    """The report of what failed stays."""
    tools = tools_with(Logs({}), tmp_path)
    report = report_of(tools, "2")

    assert (False, ()) == (report.healthy, report.function_log)
    assert isinstance(tools.progress, Silent)
    assert "The function's log is not shown: logs:GetLogEvents is not allowed." in tools.progress.notes


def test_failures_name_what_failed_alone() -> None:
    """In a line, in the order of the checks."""
    checks = (SmokeCheck("answer", True, "200"), SmokeCheck("type", False, "a list"), SmokeCheck("value", False, "6"))

    assert "type: a list; value: 6" == SmokeReport("https://it/", checks, sampled=True).failures
    assert "" == SmokeReport("https://it/", checks[:1], sampled=True).failures
