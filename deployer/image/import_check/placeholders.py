"""The function's secrets during its import: a placeholder each. An image holds no reference, nor is there a network."""

from __future__ import annotations

from collections.abc import Sequence

from deployer.image.import_check.report import read_report
from deployer.tools.process import Completed

PLACEHOLDER = "placeholder-of-the-import-check"


def placeholders(names: Sequence[str]) -> dict[str, str]:
    """Variables for a service that reads its secrets when it is imported."""
    return dict.fromkeys(names, PLACEHOLDER)


def refused_placeholder(completed: Completed, names: Sequence[str]) -> str:
    """What is said of an import that took a placeholder amiss; empty where the service failed otherwise.

    Its words are in the error, or the line that raised it names the variable.
    """
    report = read_report(completed) if names else None
    if report is None or not report.errors or report.part != "service":
        return ""
    error, place = report.error, report.place
    if PLACEHOLDER not in error.message and not any(name in place for name in names):
        return ""
    return (
        f"not finished: a secret is a placeholder here, and the service needs its value when it is imported:"
        f" {error.type}{f' ({place})' if place else ''}"
    )
