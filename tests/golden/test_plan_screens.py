"""What `deployer plan` shows, held against files in `expected/`; `make golden` writes them anew."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from golden_files import held

from deployer import ui_plan
from deployer.models import Change, Tag
from deployer.results import PlanResult

CHANGES = (
    Change("aws_lambda_function.this", "update"),
    Change("aws_lambda_permission.public_url[0]", "delete"),
    Change("aws_cloudwatch_log_group.this", "replace"),
)
NEW = PlanResult(Tag("digits_classifier", "abc"), builds=True, changes=CHANGES, releases=True, live="3")
PLANS = {
    "a new version": NEW,
    "the first one": replace(NEW, changes=CHANGES[:1], live=""),
    "one that is there": replace(NEW, builds=False, changes=(), candidate="4"),
    "nothing": replace(NEW, builds=False, changes=(), releases=False),
}


def test_plans_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """The image, what terraform changes, and which version gets whose traffic."""
    for name, result in PLANS.items():
        print(f"--- {name}")
        ui_plan.print_plan(result)

    held("plan.txt", capsys.readouterr().out)


def test_a_plan_as_json() -> None:
    """The shape of `deployer plan --output json` is a public contract."""
    held("plan.json", json.dumps([ui_plan.plan_as_json(result) for result in PLANS.values()], indent=2) + "\n")


def test_a_plan_to_apply_is_shown_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal to ask on, the answer is yes."""
    assert ui_plan.approval(yes=False)(CHANGES) is True
    shown = capsys.readouterr()
    assert ("", True) == (shown.out, all(change.address in shown.err for change in CHANGES))
