"""What people and programs see of releases: the history, a rollback and a pruning. Standard output only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from deployer.releases import FAILED, PASSED, Release
from deployer.results import PruneResult, RollbackResult
from deployer.ui import smoke_as_json

WIDTH = 160  # where nobody's terminal says otherwise
DIGEST_SHOWN = len("sha256:") + 12
RESULTS = {PASSED: Text("passed", "green"), FAILED: Text("FAILED", "bold red")}


def history_as_json(releases: Sequence[Release]) -> list[dict[str, Any]]:
    """The public shape of `deployer history --output json`; null stands for what is not known."""
    return [
        {
            "version": release.version.number,
            "bento": release.provenance.bento or None,
            "digest": release.version.digest,
            "created": release.version.created,
            "live": release.live,
            "candidate": release.candidate,
            "smoke_test": release.smoke_test or None,
        }
        for release in releases
    ]


def print_history(releases: Sequence[Release]) -> None:
    """A table, the newest release first."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=WIDTH)
    right = Column("version", justify="right")
    table = Table(right, "Bento", "image", "created (UTC)", "by", "commit", "alias", "smoke test")
    for release in releases:
        said, version = release.provenance, release.version
        table.add_row(
            version.number,
            Text(said.bento),
            version.digest[:DIGEST_SHOWN],
            Text(version.created.replace("T", " ").removesuffix("Z")),
            Text(said.author),
            Text(said.commit),
            _aliases(release),
            RESULTS.get(release.smoke_test, Text("")),
        )
    console.print(table)


def _aliases(release: Release) -> Text:
    """`live`, `live 90 %` while it shares its traffic, `live 10 %` of the one that it shares with."""
    share = "" if release.share == 1 else f" {100 * release.share:.4g} %"
    shown = [Text(f"live{share}", "bold green")] if release.live or release.share else []
    shown += [Text("candidate")] if release.candidate else []
    return Text(", ").join(shown)


def rollback_as_json(result: RollbackResult) -> dict[str, Any]:
    """The public shape of `deployer rollback --output json`; `smoke_test` is null where nothing had to be tested."""
    return {
        "function_name": result.function_name,
        "version": result.version,
        "previous": result.previous,
        "changed": result.changed,
        "smoke_test": None if result.smoke_test is None else smoke_as_json(result.smoke_test),
    }


def print_rollback(result: RollbackResult) -> None:
    """Names and values, as `up` shows them."""
    click.echo(f"{'function_name':<14} {result.function_name}")
    click.echo(f"{'version':<14} {result.version}")
    click.echo(f"{'previous':<14} {result.previous}")
    if not result.changed:
        click.echo("nothing changed")


def prune_as_json(result: PruneResult) -> dict[str, Any]:
    """The public shape of `deployer prune --output json`."""
    return {"removed": list(result.removed), "dry_run": result.dry_run}


def print_prune(result: PruneResult) -> None:
    """What was removed, or would be, a line each."""
    verb = "would remove" if result.dry_run else "removed"
    for line in result.removed:
        click.echo(f"{verb} {line}")
    if not result.removed:
        click.echo("nothing to remove")
