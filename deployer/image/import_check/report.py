"""What the import check's process left behind, as values: its report, or how it ended without one.

`deployer/runtime/import_check.py` writes the report; it runs inside the image and imports nothing of ours.
"""

from __future__ import annotations

import json
import re
import signal
from dataclasses import dataclass, fields
from typing import Any

from deployer.tools.process import Completed

MARK = "deployer-import-check: "
OUT_OF_TIME = "Timeout ("  # faulthandler's word
SHELLS_SIGNAL = 128  # a shell's way of saying that its child ended by a signal
NOT_FOUND = (126, 127)
TAIL = 8
_WRAPPERS = ("bentoml", "_bentoml_impl", "_bentoml_sdk")


@dataclass(frozen=True)
class Raised:
    """One exception. `place` is the last line of the service's own files that led to it, `variable` of os.environ."""

    type: str
    package: str
    message: str
    module: str | None = None
    number: int | None = None
    file: str | None = None
    variable: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Report:
    """`python` is the minor version that ran, `part` what was being loaded: `handler` or `service`."""

    python: str
    part: str
    errors: tuple[Raised, ...]

    @property
    def error(self) -> Raised:
        """The service's own: BentoML wraps what it meets."""
        return next((error for error in self.errors if error.package not in _WRAPPERS), self.errors[-1])

    @property
    def place(self) -> str:
        return next((error.place for error in reversed(self.errors) if error.place), "")


def read_report(completed: Completed) -> Report | None:
    """None when the process ended before it could write one."""
    lines = [line for line in completed.stdout.splitlines() if line.startswith(MARK)]
    try:
        document = json.loads(lines[-1].removeprefix(MARK))
        return Report(document["python"], document["part"], tuple(_raised(error) for error in document["errors"]))
    except (IndexError, ValueError, KeyError, TypeError):
        return None


def out_of_time(completed: Completed) -> bool:
    return completed.returncode != 0 and any(line.startswith(OUT_OF_TIME) for line in completed.stderr.splitlines())


def ended_by_signal(completed: Completed) -> str:
    """The signal's name, or nothing."""
    code = completed.returncode
    number = -code if code < 0 else code - SHELLS_SIGNAL
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""


def place_in_dump(completed: Completed, bento: str) -> str:
    """Where the service's own code was, from the dump of a process that ended by force: the innermost call is first."""
    for line in completed.stderr.splitlines():
        found = re.match(r'\s+File "(?P<file>.+)", line (?P<line>\d+)', line)
        if found and f"{bento}/" in found["file"]:
            return f"{found['file'].rpartition(f'{bento}/')[2]}, line {found['line']}"
    return ""


def tail(completed: Completed) -> str:
    lines = [line for line in completed.stderr.splitlines() if line.strip()]
    return "\n".join(lines[-TAIL:])


def _raised(document: dict[str, Any]) -> Raised:
    """A key that is not there is a TypeError: the report is not one."""
    known = {field.name for field in fields(Raised)}
    return Raised(**{name: value for name, value in document.items() if name in known})
