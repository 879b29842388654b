"""What people and programs see of `drift`, and the last lines of `down` and `force-unlock`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from deployer.drift import Drift


def drift_as_json(found: Sequence[Drift]) -> dict[str, Any]:
    """The public shape of `deployer drift --output json`."""
    rows = [{"what": drift.what, "where": drift.where, "detail": drift.detail} for drift in found]
    return {"drift": rows, "drifted": bool(found)}


def print_drift(found: Sequence[Drift]) -> None:
    """A table, or one line where nothing differs."""
    if not found:
        click.echo("no drift: what is there is what the state and the config say")
        return
    table = Table("what", "where", "detail")
    for drift in found:
        table.add_row(Text(drift.what), Text(drift.where), Text(drift.detail))
    Console(highlight=False).print(table)


def print_unlocked(what: str) -> None:
    """What `force-unlock` did."""
    click.echo(what or "nothing is locked")
