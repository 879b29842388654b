"""`deployer invoke` before anything is asked of AWS, and what a function's failure means to whoever called it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from deployer.cli import deployer
from deployer.config import DeploymentConfig
from deployer.errors import BadInput, DeployerError
from deployer.models import Invoked
from deployer.targets.aws import AwsTarget
from deployer.toolbox import Deployment
from deployer.workflows.invoke import raise_when_failed
from deployer.workspace import Workspace


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "{}", "--data-file", "e.json"], "--data and --data-file exclude each other."),
        (["--event", "e.json", "--data", "{}"], "--event is a whole event: it goes without ROUTE"),
        (["/predict", "--event", "e.json"], "--event is a whole event: it goes without ROUTE"),
        (["--data", "{a: 1}"], "--data is not JSON: Expecting property name"),
        (["--data", "NaN"], "--data is not JSON: NaN is not a JSON value"),
        (["--event", "broken.json"], "--event broken.json is not JSON: "),
        (["--data-file", "-"], "--data-file <stdin> is not JSON: "),
    ],
)
def test_what_cannot_be_sent_is_said_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    """Whether or not anything is deployed; nothing is written to the folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "e.json").write_text("{}")
    (tmp_path / "broken.json").write_bytes(b"\xff")
    ended = CliRunner().invoke(deployer, ["invoke", *arguments], input="{")
    assert isinstance(ended.exception, BadInput)
    assert ended.exception.message.startswith(told)
    assert not (tmp_path / ".deployer").exists()


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """By the option it was given to."""
    ended = CliRunner().invoke(deployer, ["invoke", "--event", str(tmp_path / "no.json")])
    assert (ended.exit_code, "'--event'" in ended.output, "no.json" in ended.output) == (2, True, True)


@pytest.mark.parametrize(
    ("kind", "code"),
    [("RouteFailed", 1), ("UnsupportedEvent", 1), ("ServiceFailed", 4), ("ValueError", 4), ("Sandbox.Timedout", 4)],
)
def test_a_failure_is_the_callers_or_the_functions(tmp_path: Path, kind: str, code: int) -> None:
    """What the API refused is exit code 1, a function that does not work 4; the words are the function's own."""
    log = tmp_path / "invoke.log"
    workspace = Workspace.named(tmp_path, "digits", "aws")
    deployment = Deployment(DeploymentConfig(name="digits"), workspace, AwsTarget(variables={}), log)
    with pytest.raises(DeployerError) as caught:
        raise_when_failed(Invoked("digits", "1", error_type=kind, error_message="no rows"), deployment)
    assert (caught.value.exit_code, caught.value.message) == (code, f"digits failed with {kind}: no rows")
    raise_when_failed(Invoked("digits", "1", answer=None), deployment)
