"""What people and programs see of releases, held against files in `expected/`; `make golden` writes them anew."""

from __future__ import annotations

import pytest
from golden_files import held

from deployer import ui, ui_release
from deployer.models import SmokeCheck, SmokeReport
from deployer.releases import Provenance, Release, Version
from deployer.results import PruneResult, RollbackResult

REPORT = SmokeReport(
    url="lambda://digits:3/predict",
    checks=(SmokeCheck("answer", True, "POST /predict answered 200", 12.5),),
    sampled=True,
    response=[6.0, 9.0],
)
MOVED = RollbackResult("digits", "3", "4", tested="3", changed=True, smoke_test=REPORT)
UNMOVED = RollbackResult("digits", "3", "3", tested="3", changed=False)


def release(
    number: int, *, bento: str = "", smoke_test: str = "", share: float = 0.0, candidate: bool = False
) -> Release:
    made = Version(str(number), f"sha256:{number:064x}", "", f"2026-11-{number:02}T04:05:06Z")
    known = Provenance(bento, "f" * 16, "1a2b3c4", "Ann [x]") if bento else Provenance()
    return Release(made, known, share=share, live=share > 0.5, candidate=candidate, smoke_test=smoke_test)


HISTORY = (
    release(12, bento="digits_classifier:hqyw5cwlzg7ytgyu", smoke_test="passed", share=0.1, candidate=True),
    release(11, bento="digits_classifier:pkx4fbmlzgqwegyu", smoke_test="failed"),
    release(10, bento="digits_classifier:abc", smoke_test="passed", share=0.9),
    release(9),
)


def test_the_history_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The shape of `deployer history --output json` is a public contract."""
    ui.print_json(ui_release.history_as_json(HISTORY))

    held("history.json", capsys.readouterr().out)


def test_the_history_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """A canary's shares stand beside its versions; of a version that somebody else published little is known."""
    ui_release.print_history(HISTORY)

    held("history.txt", capsys.readouterr().out)


def test_one_live_version_has_no_share(capsys: pytest.CaptureFixture[str]) -> None:
    """It answers everything, and may be the candidate too."""
    ui_release.print_history([release(1, bento="digits:abc", share=1.0, candidate=True)])

    assert "│ live, candidate │" in capsys.readouterr().out


def test_a_rollback_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """The shape of `deployer rollback --output json` is a public contract, with a test and without."""
    for result in (MOVED, UNMOVED):
        ui.print_json(ui_release.rollback_as_json(result))

    held("rollback-json.txt", capsys.readouterr().out)


def test_a_rollback_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and values; that nothing changed is said."""
    for result in (MOVED, UNMOVED):
        ui_release.print_rollback(result)

    held("rollback.txt", capsys.readouterr().out)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_pruning(capsys: pytest.CaptureFixture[str], dry_run: bool) -> None:
    """A line for each thing, and the same as JSON."""
    removed = ("version 3 (digits:abc)", "image sha256:1f of ECR repository digits")
    for result in (PruneResult(removed, dry_run=dry_run), PruneResult((), dry_run=dry_run)):
        ui_release.print_prune(result)
        ui.print_json(ui_release.prune_as_json(result))

    held(f"prune{'-dry-run' if dry_run else ''}.txt", capsys.readouterr().out)
