"""Terraform's machine-readable output (`-json`), one JSON object a line, as values. Pure: no process, no file.

Documented in terraform's "Machine-readable UI"; unknown types and keys are passed over, as that page asks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.models import Change

Event = Mapping[str, Any]

_STARTED = {
    "create": "creating",
    "update": "updating",
    "delete": "destroying",
    "replace": "replacing",
    "read": "reading",
}
_DONE = {"create": "created", "update": "updated", "delete": "destroyed", "replace": "replaced", "read": "read"}
_PLANNED = frozenset({"create", "update", "replace", "delete", "import"})


@dataclass(frozen=True)
class Diagnostic:
    """One error or warning in terraform's words. `address` (a resource) and `place` (`file:line`) may be empty."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    place: str = ""

    def __str__(self) -> str:
        where = ", ".join(part for part in (self.address, self.place) if part)
        said = self.summary if not self.detail else f"{self.summary}: {self.detail}"
        return f"{where}: {said}" if where else said


def parse(line: str) -> Event | None:
    """The event of one line, None for a line that is not one (a plugin's stray output)."""
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and "type" in event else None


def events_of(stdout: str) -> tuple[Event, ...]:
    return tuple(event for line in stdout.splitlines() if (event := parse(line)) is not None)


def errors(events: Iterable[Event]) -> tuple[Diagnostic, ...]:
    """The diagnostics of severity `error`, each once, in the order they came."""
    found = (_diagnostic(event["diagnostic"]) for event in events if event["type"] == "diagnostic")
    return tuple(dict.fromkeys(diagnostic for diagnostic in found if diagnostic.severity == "error"))


def changes(events: Iterable[Event]) -> tuple[Change, ...]:
    """What a plan would change. Reads, moves and no-ops are left out."""
    return tuple(
        Change(event["change"]["resource"]["addr"], event["change"]["action"])
        for event in events
        if event["type"] == "planned_change" and event["change"]["action"] in _PLANNED
    )


def output_changes(events: Iterable[Event]) -> tuple[Change, ...]:
    """The outputs that a plan would change, as `output.NAME`."""
    return tuple(
        Change(f"output.{name}", output["action"])
        for event in events
        if event["type"] == "outputs"
        for name, output in event["outputs"].items()
        if output.get("action") in _PLANNED
    )


def progress(event: Event) -> str | None:
    """One line for people about a resource that is being worked on, None for every other event."""
    hook = event.get("hook", {})
    address, action = hook.get("resource", {}).get("addr", ""), hook.get("action", "")
    seconds = hook.get("elapsed_seconds", 0)
    if event["type"] == "apply_start":
        return f"{_STARTED.get(action, action)} {address}"
    if event["type"] == "apply_progress":
        return f"{_STARTED.get(action, action)} {address} ({seconds:.0f} s)"
    if event["type"] == "apply_complete":
        return f"{_DONE.get(action, action)} {address}"
    return None


def _diagnostic(raw: Mapping[str, Any]) -> Diagnostic:
    place = raw.get("range") or {}
    return Diagnostic(
        severity=raw.get("severity", ""),
        summary=" ".join(raw.get("summary", "").split()),
        detail="\n".join(_stripped(raw.get("detail", ""))),
        address=raw.get("address", ""),
        place=f"{place['filename']}:{place['start']['line']}" if place else "",
    )


def _stripped(text: str) -> Iterator[str]:
    return (line.rstrip() for line in text.strip().splitlines() if line.strip())
