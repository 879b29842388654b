"""What people see of `iam-policy`: each statement with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from deployer.policies import Statement


def print_statements(statements: Iterable[Statement]) -> None:
    """A paragraph for each: its name and why, then what is allowed, on what, and on which condition."""
    for number, statement in enumerate(statements):
        if number:
            click.echo()
        click.echo(f"{statement.sid}: {statement.why}")
        for line in _lines(statement):
            click.echo(f"  {line}")


def _lines(statement: Statement) -> Iterator[str]:
    if not statement.shown:
        yield "(no call of deployer's shows it)"
    for service, actions in groupby(statement.actions, key=lambda action: action.partition(":")[0]):
        yield f"{service}: {', '.join(action.partition(':')[2] for action in actions)}"
    yield from (f"on {resource}" for resource in statement.resources)
    for operator, keys in statement.conditions.items():
        for key, value in keys.items():
            values = value if isinstance(value, str) else " or ".join(value)
            yield f"where {key} is {values}" if operator == "StringEquals" else f"where {key} {operator} {values}"
