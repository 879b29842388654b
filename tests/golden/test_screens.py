"""What people and programs see, held against files in `expected/`: changing one is a decision, not an accident.

`make golden` writes the files anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deployer import ui
from deployer.cli import COMMANDS, deployer
from deployer.errors import DeployerError
from deployer.models import Image, Outputs, SmokeCheck, SmokeReport, Tag, UpResult

EXPECTED = Path(__file__).parent / "expected"
DIGEST = "sha256:" + "1f" * 32
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/digits-classifier"
REPORT = SmokeReport(
    url="http://127.0.0.1:4567/lambda-url/u/predict",
    checks=(SmokeCheck("answer", True, "POST /predict answered 200", 12.5), SmokeCheck("schema", True, "as promised")),
    sampled=True,
    response=[6.0, 9.0],
)
RESULT = UpResult(
    bento=Tag("digits_classifier", "abc"),
    image=Image(REPOSITORY, "abc", DIGEST, reused=False),
    outputs=Outputs("http://127.0.0.1:4567/lambda-url/u/", "digits-classifier", f"{REPOSITORY}:abc", "1"),
    changed=True,
    smoke_test=REPORT,
)


LOCAL = [f"local {verb}" for verb in ("start", "status", "stop", "logs", "credentials")]


@pytest.mark.parametrize("command", ["", *COMMANDS, *LOCAL, "image build", "image push"])
def test_help(command: str) -> None:
    """Every command explains itself the way the golden file says."""
    shown = CliRunner().invoke(deployer, [*command.split(), "--help"], prog_name="deployer", terminal_width=100)

    _held(f"help{'-' if command else ''}{command.replace(' ', '-')}.txt", shown.output)


def test_up_as_json() -> None:
    """The shape of `deployer up --output json` is a public contract."""
    _held("up.json", json.dumps(ui.up_as_json(RESULT), indent=2) + "\n")


def test_up_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and values first, then the answer as one JSON line and curl as one line of its own."""
    ui.print_up(RESULT, curl="curl -sS http://127.0.0.1:4567/lambda-url/u/predict")

    _held("up.txt", capsys.readouterr().out)


def test_an_error_is_told_in_up_to_four_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """What failed, what to do and the log; text that looks like markup is shown as it is."""
    ui.show_error(DeployerError("No [/x] here.", hint="Do [bold]that[/bold].", log=Path("/logs/up.log")))

    _held("error.txt", capsys.readouterr().err)


def test_the_smoke_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The checks of a smoke test are a table on standard error, and standard output stays empty."""
    ui.show_smoke_report(REPORT)

    shown = capsys.readouterr()
    assert shown.out == ""
    _held("smoke.txt", shown.err)


def test_every_command_of_the_list_is_there() -> None:
    """The lazy list of commands and the modules agree."""
    context = click.Context(deployer)

    assert [deployer.get_command(context, name).name for name in COMMANDS] == list(COMMANDS)  # type: ignore[union-attr]


def _held(name: str, shown: str) -> None:
    path = EXPECTED / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")
