"""What a plan changes, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployer.models import Change
from deployer.results import PlanResult
from deployer.ui import confirmation

STYLES = {"create": "green", "import": "green", "update": "yellow", "replace": "bold red", "delete": "bold red"}


def changes_table(changes: Sequence[Change]) -> Table:
    table = Table("action", "resource")
    for change in changes:
        table.add_row(Text(change.action, STYLES.get(change.action, "")), Text(change.address))
    return table


def approval(*, yes: bool) -> Callable[[Sequence[Change]], bool]:
    """Shows what a plan changes on standard error, then asks as `ui.confirmation` does."""
    confirm = confirmation(yes=yes)

    def approve(changes: Sequence[Change]) -> bool:
        Console(stderr=True, highlight=False).print(changes_table(changes))
        return confirm(f"Apply these {len(changes)} changes?" if len(changes) > 1 else "Apply this change?")

    return approve


def print_plan(result: PlanResult) -> None:
    """A table of terraform's changes, and a line each for what is not terraform's: the image and the traffic."""
    if not result.changed:
        click.echo(f"nothing to change: version {result.live} is live and was made of {result.bento} as it is")
        return
    if result.builds:
        click.echo(f"image    would be built from {result.bento} and pushed")
    if result.changes:
        Console(highlight=False).print(changes_table(result.changes))
    if result.releases:
        click.echo(f"traffic  {_traffic(result)}")


def _traffic(result: PlanResult) -> str:
    which = f"version {result.candidate}, which is there already," if result.candidate else "the new version"
    after = f"{which} would be tested, and then get"
    if result.live:
        return f"{after} the traffic of version {result.live}"
    return f"{after} the alias live, its URL and its permissions"


def plan_as_json(result: PlanResult) -> dict[str, Any]:
    """The public shape of `deployer plan --output json`; `live` and `candidate` are version numbers or null."""
    return {
        "bento": str(result.bento),
        "changed": result.changed,
        "builds_image": result.builds,
        "changes": [{"address": change.address, "action": change.action} for change in result.changes],
        "releases": result.releases,
        "live": result.live or None,
        "candidate": result.candidate or None,
    }
