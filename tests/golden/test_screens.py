"""What people and programs see, held against files in `expected/`: changing one is a decision, not an accident.

`make golden` writes the files anew.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from golden_files import held

from deployer import ui, ui_image
from deployer.cli import COMMANDS, deployer
from deployer.errors import DeployerError
from deployer.image.inspect import ImageReport, LayerReport, PackageReport
from deployer.models import Image, Invoked, SmokeCheck, SmokeReport, Tag
from deployer.results import UpResult

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
    function_name="digits-classifier",
    version="2",
    live="2",
    endpoint="http://127.0.0.1:4567/lambda-url/u/",
    changed=True,
    smoke_test=REPORT,
    models=(Tag("digits_classifier", "xyz"),),
)


LOCAL = [f"local {verb}" for verb in ("start", "status", "stop", "logs", "credentials")]


@pytest.mark.parametrize("command", ["", *COMMANDS, *LOCAL, "image build", "image inspect", "image push"])
def test_help(command: str) -> None:
    """Every command explains itself the way the golden file says."""
    shown = CliRunner().invoke(deployer, [*command.split(), "--help"], prog_name="deployer", terminal_width=100)

    held(f"help{'-' if command else ''}{command.replace(' ', '-')}.txt", shown.output)


def test_up_as_json() -> None:
    """The shape of `deployer up --output json` is a public contract."""
    held("up.json", json.dumps(ui.up_as_json(RESULT), indent=2) + "\n")


def test_up_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and values first, then the answer as one JSON line and curl as one line of its own."""
    ui.print_up(RESULT, curl="curl -sS http://127.0.0.1:4567/lambda-url/u/predict")

    held("up.txt", capsys.readouterr().out)


def test_up_names_several_models_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Several are one line, in the Bento's order; a Bento without a model has no such line and an empty list."""
    two, none = replace(RESULT, models=(Tag("words", "1"), Tag("digits", "2"))), replace(RESULT, models=())

    ui.print_up(two, curl="")
    ui.print_up(none, curl="")

    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("model")] == [
        "models         words:1, digits:2"
    ]
    assert (["words:1", "digits:2"], []) == (ui.up_as_json(two)["models"], ui.up_as_json(none)["models"])


def test_an_invocation_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The shape of `deployer invoke --output json` is a public contract, for an answer and for a failure."""
    ui.print_json(ui.invoked_as_json(Invoked("digits", "3", answer=[6.0, 9.0])))
    ui.print_json(ui.invoked_as_json(Invoked("digits", "3", error_type="ValueError", error_message="no rows")))

    held("invoke.txt", capsys.readouterr().out)


def test_an_error_is_told_in_up_to_four_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """What failed, what to do and the log; text that looks like markup is shown as it is."""
    ui.show_error(DeployerError("No [/x] here.", hint="Do [bold]that[/bold].", log=Path("/logs/up.log")))

    held("error.txt", capsys.readouterr().err)


def test_the_smoke_table(capsys: pytest.CaptureFixture[str]) -> None:
    """The checks of a smoke test are a table on standard error, and standard output stays empty."""
    ui.show_smoke_report(REPORT)

    shown = capsys.readouterr()
    assert shown.out == ""
    held("smoke.txt", shown.err)


IMAGE = ImageReport(
    digest=DIGEST,
    architecture="amd64",
    base="public.ecr.aws/docker/library/python:3.11-slim-bookworm",
    base_digest=DIGEST,
    labels={"deployer.bento": "digits_classifier:abc"},
    layers=(
        LayerReport("base image 1/1", DIGEST, 29_000_000, 77_000_000, 3300, "the base image's system"),
        LayerReport("dependencies", DIGEST, 121_000_000, 339_900_000, 9949, "74 packages"),
        LayerReport("model digits", DIGEST, 6529, 10_240, 3, "model digits:[v1]"),
    ),
    size=150_006_529,
    unpacked=416_910_240,
    limit=10_000_000_000,
    packages=(PackageReport("scipy", "1.17.1", 114_300_000), PackageReport("numpy", "2.4.6", 55_900_000)),
)


def test_an_image_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Layers and packages as tables, then values by name."""
    ui_image.print_report(IMAGE)

    held("image-inspect.txt", capsys.readouterr().out)


def test_an_image_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The shape of `deployer image inspect --output json` is a public contract."""
    ui_image.print_report_as_json(IMAGE)

    held("image-inspect.json", capsys.readouterr().out)


def test_every_command_of_the_list_is_there() -> None:
    """The lazy list of commands and the modules agree."""
    context = click.Context(deployer)

    assert [deployer.get_command(context, name).name for name in COMMANDS] == list(COMMANDS)  # type: ignore[union-attr]
