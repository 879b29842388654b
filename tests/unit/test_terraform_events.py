"""Terraform's `-json` lines as values."""

from __future__ import annotations

import json
from typing import Any

from deployer.models import Change
from deployer.tools import terraform_events as stream


def hook(kind: str, action: str, **more: object) -> dict[str, Any]:
    return {"type": kind, "hook": {"resource": {"addr": "aws_lambda_function.this"}, "action": action, **more}}


def planned(address: str, action: str) -> dict[str, Any]:
    return {"type": "planned_change", "change": {"resource": {"addr": address}, "action": action}}


def diagnostic(severity: str, summary: str, **more: object) -> dict[str, Any]:
    return {"type": "diagnostic", "diagnostic": {"severity": severity, "summary": summary, **more}}


def test_only_lines_that_are_events_are_read() -> None:
    """A warning about the CLI configuration, a plugin's output and broken JSON do not disturb the stream."""
    lines = [
        "There are some problems with the CLI configuration:",
        "│ Warning",
        '{"type": "version"',
        '{"level": 1}',
        "[]",
    ]
    event = planned("a.b", "create")
    assert (event,) == stream.events_of("\n".join([*lines, json.dumps(event)]))


def test_a_plan_names_what_it_changes_and_leaves_reads_and_noops_out() -> None:
    """Reading data or moving an address in the state changes nothing outside."""
    events = [
        planned(f"r.{action}", action) for action in ("create", "read", "noop", "move", "delete", "replace", "update")
    ]
    expected = tuple(Change(f"r.{action}", action) for action in ("create", "delete", "replace", "update"))
    assert expected == stream.changes(events)


def test_changed_outputs_are_named_and_unchanged_ones_are_not() -> None:
    """An output that would change is a change of the state; after an apply the entries carry no action."""
    planned_outputs = {"a": {"action": "noop"}, "b": {"action": "update"}, "c": {"value": 1}}
    assert (Change("output.b", "update"),) == stream.output_changes([{"type": "outputs", "outputs": planned_outputs}])


def test_errors_are_told_once_with_resource_place_and_detail() -> None:
    """Warnings are not errors, and terraform may repeat one for each place that waits for it."""
    place = {"filename": "main.tf", "start": {"line": 9}}
    failed = diagnostic("error", "creating  Lambda", detail="No role.\n\nWait.\n", address="a.b", range=place)
    events = [diagnostic("warning", "deprecated"), failed, failed]
    assert ["a.b, main.tf:9: creating Lambda: No role.\nWait."] == [str(error) for error in stream.errors(events)]


def test_an_error_without_place_or_detail_is_its_summary() -> None:
    """Errors about the folder itself point nowhere."""
    assert ["Inconsistent dependency lock file"] == [
        str(error) for error in stream.errors([diagnostic("error", "Inconsistent dependency lock file")])
    ]


def test_progress_says_what_is_being_done_and_for_how_long() -> None:
    """One line when a resource starts, one for each ten seconds, one when it is done; nothing for other events."""
    events = [
        hook("apply_start", "create"),
        hook("apply_progress", "create", elapsed_seconds=10),
        hook("apply_complete", "create", elapsed_seconds=12),
        hook("apply_start", "delete"),
        hook("refresh_start", ""),
        planned("a.b", "create"),
    ]
    assert [
        "creating aws_lambda_function.this",
        "creating aws_lambda_function.this (10 s)",
        "created aws_lambda_function.this",
        "destroying aws_lambda_function.this",
        None,
        None,
    ] == [stream.progress(event) for event in events]
