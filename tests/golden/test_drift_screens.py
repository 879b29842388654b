"""What people and programs see of `drift`, `down` and `force-unlock`, held against files in `expected/`."""

from __future__ import annotations

import json

import pytest
from golden_files import held

from deployer import ui_drift
from deployer.drift import Drift

FOUND = (
    Drift(
        "aws_lambda_function.this",
        "changed",
        "outside terraform: memory_size, timeout; `deployer up --refresh` would set that back",
    ),
    Drift("live", "traffic", "version 4 takes 10% of what version 3 should have [/x]"),
)


def test_drift_for_people(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A table; text that looks like markup is shown as it is."""
    monkeypatch.setenv("COLUMNS", "110")
    ui_drift.print_drift(FOUND)

    held("drift.txt", capsys.readouterr().out)


def test_drift_as_json() -> None:
    """The shape of `deployer drift --output json` is a public contract, for some differences and for none."""
    held("drift.json", json.dumps([ui_drift.drift_as_json(FOUND), ui_drift.drift_as_json(())], indent=2) + "\n")


def test_what_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """No drift, something unlocked, nothing locked."""
    ui_drift.print_drift(())
    ui_drift.print_unlocked("Removed a lock whose owner is dead: terraform of ann@desk.")
    ui_drift.print_unlocked("")

    held("drift-lines.txt", capsys.readouterr().out)
