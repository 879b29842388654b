"""All that people see. Standard output carries the result, standard error the progress and the errors.

Nothing printed here goes through Rich's markup: a value such as `[/x]` is shown as it is.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import click
from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from deployer.errors import DeployerError
from deployer.models import Invoked, SmokeReport
from deployer.results import DownResult, UpResult

ASCII_MARKS = {"✓": "+", "✗": "x", "·": "-"}


class Step:
    """One line of progress: `update` shows what is being done now, `done` is what stays on the screen."""

    def __init__(self, title: str, status: Status | None = None) -> None:
        self.outcome, self.went_well = title, True
        self._title, self._status = title, status

    def update(self, detail: str) -> None:
        if self._status is not None:
            self._status.update(Text(f"{self._title} · {detail}"))

    def done(self, outcome: str, *, well: bool = True) -> None:
        self.outcome, self.went_well = outcome, well


class Progress(Protocol):
    """What workflows tell people while they work."""

    def step(self, title: str) -> Any: ...  # a context manager that yields a Step

    def note(self, text: str) -> None: ...


class Screen:
    """Progress on standard error: a spinner on a terminal, one finished line per step everywhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._status: Status | None = None

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        began = time.monotonic()
        with self._console.status(Text(title)) as status:
            self._status = status
            step = Step(title, status if self._console.is_terminal else None)
            try:
                yield step
            finally:
                self._status = None
        mark, style = ("✓", "green") if step.went_well else ("✗", "bold red")
        self._line(mark, style, f"{step.outcome}  ({time.monotonic() - began:.1f} s)")

    def note(self, text: str) -> None:
        self._line("·", "yellow", text)

    def ask(self, question: str) -> str | None:
        """What is typed on the terminal, unseen; None without a terminal. The spinner stands still meanwhile."""
        import getpass

        if sys.stderr is None or not sys.stderr.isatty():
            return None
        if self._status is not None:
            self._status.stop()
        try:
            return getpass.getpass(question)
        except EOFError:
            return None
        finally:
            if self._status is not None:
                self._status.start()

    def _line(self, mark: str, style: str, text: str) -> None:
        if self._console.options.ascii_only:
            mark = ASCII_MARKS[mark]
        self._console.print(Text.assemble((mark, style), " ", text))


def show_error(error: DeployerError) -> None:
    """What failed and why, what to do, and where the log is: on standard error, never wrapped."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("Error: ", "bold red"), error.message))
    if error.hint:
        console.print(Text.assemble(("What to do: ", "bold"), error.hint))
    if error.log is not None:
        console.print(Text.assemble(("Log: ", "bold"), str(error.log)))


def show_smoke_report(report: SmokeReport) -> None:
    """The checks as a table on standard error, and below it the function's last words where a check failed."""
    table = Table("check", "result", "ms", "detail")
    for check in report.checks:
        result = Text("passed", "green") if check.passed else Text("FAILED", "bold red")
        took = "" if check.milliseconds is None else f"{check.milliseconds:.0f}"
        table.add_row(Text(check.name), result, took, Text(check.detail))
    console = Console(stderr=True, highlight=False)
    console.print(table)
    show_function_log(report.function_log)


def show_function_log(lines: Sequence[str]) -> None:
    """A function's last words on standard error; nothing where there are none."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if lines:
        console.print("The function's log ends with:")
    for line in lines:
        console.print(Text(f"  {line}"))


def print_json(value: object) -> None:
    """One JSON document on standard output, and nothing else there."""
    click.echo(_json(value, indent=2))


def _json(value: object, *, indent: int | None = None) -> str:
    """Readable where standard output takes every character, escaped where it does not."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return json.dumps(value, indent=indent, ensure_ascii=not encoding.lower().startswith("utf"))


def print_up(result: UpResult, *, curl: str) -> None:
    """The result of `up` for people: names and values, then the curl command on a line of its own."""
    rows = up_as_json(result)
    for name in ("endpoint", "function_name", "image_tag", "image_digest", "version", "live", "bento"):
        click.echo(f"{name:<14} {rows[name] or '-'}")
    if result.models:
        click.echo(f"{'model' if len(result.models) == 1 else 'models':<14} {', '.join(rows['models'])}")
    if not result.changed:
        click.echo("nothing changed")
    if curl:
        click.echo(curl)


def print_answer(report: SmokeReport) -> None:
    """The answer to the samples as one JSON line."""
    if report.sampled:
        click.echo(_json(report.response))


def print_invoked(invoked: Invoked) -> None:
    """What the function answered as one JSON line; nothing where it failed."""
    if not invoked.failed:
        click.echo(_json(invoked.answer))


def invoked_as_json(invoked: Invoked) -> dict[str, Any]:
    """The public shape of `deployer invoke --output json`; `error` is null where all went well."""
    return {
        "function_name": invoked.function_name,
        "version": invoked.version,
        "answer": invoked.answer,
        "error": {"type": invoked.error_type, "message": invoked.error_message} if invoked.failed else None,
    }


def up_as_json(result: UpResult) -> dict[str, Any]:
    """The public shape of `deployer up --output json`; `live` and `endpoint` are null where nothing answers yet."""
    return {
        "endpoint": result.endpoint or None,
        "function_name": result.function_name,
        "image_tag": result.image.uri,
        "image_digest": result.image.digest,
        "version": result.version,
        "live": result.live or None,
        "bento": str(result.bento),
        "models": [str(model) for model in result.models],
        "changed": result.changed,
        "problem": result.problem or None,
        "smoke_test": smoke_as_json(result.smoke_test),
    }


def smoke_as_json(report: SmokeReport) -> dict[str, Any]:
    """The public shape of `deployer smoke-test --output json`."""
    checks = [
        {"name": c.name, "passed": c.passed, "detail": c.detail, "milliseconds": c.milliseconds} for c in report.checks
    ]
    return {
        "url": report.url,
        "healthy": report.healthy,
        "sampled": report.sampled,
        "response": report.response,
        "checks": checks,
    }


def print_down(result: DownResult) -> None:
    """What `down` removed and what it was to keep, a line each."""
    for line in result.removed:
        click.echo(f"removed {line}")
    for line in result.kept:
        click.echo(f"kept {line}")
    if not result.removed:
        click.echo("nothing to remove: nothing is deployed here")


def confirmation(*, yes: bool) -> Callable[[str], bool]:
    """Asks on a terminal. With `--yes`, and where there is no terminal to ask on, the answer is yes."""
    terminals = [stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)]  # None: it is closed
    asking = not yes and all(terminals)

    def confirm(question: str) -> bool:
        return click.confirm(question, err=True) if asking else True

    return confirm
