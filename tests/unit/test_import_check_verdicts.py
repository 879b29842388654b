"""What the import check tells, from what its process left behind: no process is run here."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from deployer.image.import_check.failure import Ground, Verdict, judge
from deployer.image.import_check.placeholders import PLACEHOLDER
from deployer.image.import_check.report import MARK
from deployer.operator.images import docker_import
from deployer.runtime import import_check
from deployer.tools.process import Completed

BENTO = "/home/bentoml/bento"
HOST = Ground("3.11", BENTO)
BASED = Ground("3.11", BENTO, system="slim:1")


def raised(kind: str, message: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "package": "builtins", "message": message, **more}


def ended(*errors: dict[str, Any], part: str = "service", python: str = "3.11") -> Completed:
    """A process that has written its report, below what the service printed."""
    report = {"python": python, "part": part, "errors": list(errors)}
    return Completed((), 1 if errors else 0, f"hello\n{MARK}not json\n\n{MARK}{json.dumps(report)}\n", "Traceback …")


def verdict(completed: Completed, ground: Ground = HOST) -> Verdict:
    found = judge(completed, ground, seconds=120)
    assert found is not None
    return found


def test_the_report_is_found_by_the_mark_that_the_image_writes() -> None:
    """All sides stand alone, so the mark and a secret's placeholder are written down more than once."""
    assert import_check.MARK == docker_import.MARK == MARK
    assert docker_import.PLACEHOLDER == PLACEHOLDER


def test_no_error_is_no_verdict() -> None:
    """And what the service prints does not matter."""
    assert judge(ended(), HOST, seconds=120) is None


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (raised("ModuleNotFoundError", "No module named 'cv2'", module="cv2"), "module cv2,", "opencv-python-headless"),
        (raised("ModuleNotFoundError", "…", module="own"), "module own,", "`include:`"),
        (raised("ModuleNotFoundError", "…", module="sklearn.new"), "version of sklearn does not", "scikit-learn"),
        (raised("ImportError", "cannot import name 'a' from 'b'"), "cannot import name 'a' from 'b'", "Lambda"),
        (raised("OSError", "…", number=30, file="/var/cache/x"), "writes to /var/cache/x", "tempfile"),
        (raised("ConnectionError", "…", number=101), "reaches for the network", "__init__"),
        (raised("NoCredentialsError", "Unable to locate credentials"), "reaches for the network", "__init__"),
        (raised("SystemExit", "3"), "SystemExit: 3", "Lambda"),
    ],
)
def test_each_finding_has_a_way_out(error: dict[str, Any], message: str, hint: str) -> None:
    """What is missing comes first."""
    found = verdict(ended(error))
    assert found.fails
    assert message in found.message
    assert hint in found.hint


@pytest.mark.parametrize(
    ("number", "error", "frame", "told"),
    [
        (38, "Function not implemented", "multiprocessing/synchronize.py", True),
        (2, "No such file or directory", "multiprocessing/synchronize.py", True),
        (2, "No such file or directory: '/psm_8fb33c0b'", "multiprocessing/shared_memory.py", True),
        (2, "No such file or directory: 'weights.bin'", "src/service.py", False),
    ],
)
def test_semaphores_and_shared_memory_are_told_by_who_asked_for_them(
    number: int, error: str, frame: str, told: bool
) -> None:
    """The system's error names neither, and is another one with each C library."""
    kind = "OSError" if number == 38 else "FileNotFoundError"
    report = ended(raised(kind, f"[Errno {number}] {error}", number=number, place="src/service.py, line 3: Pool(2)"))
    found = verdict(replace(report, stderr=f'  File "/usr/lib/python3.11/{frame}", line 57, in __init__\n'))
    expected = "The service needs semaphores or shared memory when it is imported, which Lambda does not have"
    assert (found.message == f"{expected} (src/service.py, line 3: Pool(2)).") is told
    assert ("multiprocessing.Process with a Pipe" in found.hint) is told


def test_an_error_that_is_not_the_system_s_is_told_as_it_is() -> None:
    """A service may have logged that it found no semaphores, and fail for something else."""
    report = ended(raised("ModuleNotFoundError", "…", module="x"))
    logged = "FileNotFoundError …multiprocessing/synchronize.py…"
    assert "the module x" in verdict(replace(report, stderr=logged)).message


def test_what_bentoml_wraps_is_told_and_not_the_wrapping() -> None:
    """With the line of the service that led to it."""
    wrapping = {**raised("ImportServiceError", "Failed to import module"), "package": "bentoml", "place": None}
    inner = raised("ModuleNotFoundError", "…", module="x", place="src/service.py, line 3: import x")
    found = verdict(ended(wrapping, inner))
    expected = "The service needs the module x, which is not in the Bento's Python packages"
    assert found.message == f"{expected} (src/service.py, line 3: import x)."


@pytest.mark.parametrize(
    ("ground", "where", "fails"),
    [
        (HOST, "this machine does not have", True),
        (BASED, "the base image slim:1 does not have", True),
        (Ground("3.11", BENTO, faithful=False), "this machine does not have", False),
    ],
)
def test_a_library_fails_the_check_only_where_the_system_is_the_images(ground: Ground, where: str, fails: bool) -> None:
    """The host may lack what the base image has."""
    missing = "libGL.so.1: cannot open shared object file: No such file or directory"
    found = verdict(ended(raised("ImportError", missing)), ground)
    assert f"libGL.so.1, which {where}" in found.message
    assert "Debian: libgl1" in found.hint
    assert "opencv-python-headless" in found.hint
    assert found.fails is fails


def test_a_system_that_is_too_old_is_told() -> None:
    """By the version that a package asks for."""
    error = raised("ImportError", "/lib/libm.so.6: version `GLIBC_2.38' not found (required by /opt/python/x.so)")
    assert "needs GLIBC_2.38, which the base image slim:1 does not have" in verdict(ended(error), BASED).message


def test_another_python_in_the_base_image_is_told() -> None:
    """Even if this service can be imported: the packages were chosen for another one."""
    found = verdict(ended(python="3.12"), BASED)
    assert "has Python 3.12, and the Bento's packages are for Python 3.11" in found.message
    assert "`image: base:`" in found.hint


def test_a_handler_that_cannot_be_loaded_is_no_fault_of_the_bento() -> None:
    """The image is."""
    found = verdict(ended(raised("ModuleNotFoundError", "…", module="mangum"), part="handler"))
    assert ("The image lacks the module mangum, which its handler needs.", "Build the image again.") == (
        found.message,
        found.hint,
    )


def test_a_network_that_was_there_proves_nothing_about_one_that_is_not() -> None:
    """Without a sandbox a refused connection is an error like any other."""
    found = verdict(ended(raised("ConnectionError", "x", number=101)), Ground("3.11", BENTO, alone=False))
    assert "cannot be imported: ConnectionError: x" in found.message


DUMP = """Timeout (0:00:05)!
Thread 0x00007f (most recent call first):
  File "/usr/lib/python3.11/socket.py", line 1 in connect
  File "/cache/roots/1/home/bentoml/bento/src/service.py", line 7 in <module>
"""


@pytest.mark.parametrize(
    ("completed", "message"),
    [
        (Completed((), 1, "", DUMP), "was not imported within 120 s: it was at src/service.py, line 7."),
        (Completed((), 139, "", DUMP.partition("\n")[2]), "crashed (SIGSEGV) while"),
        (Completed((), -9, "", ""), "crashed (SIGKILL) while the service was imported."),
        (Completed((), 127, "", "env: 'python3': No such file"), "has no Python 3.11 that its entry point"),
        (Completed((), 0, "bye", ""), "ended the process (exit code 0)"),
    ],
)
def test_a_process_that_ends_without_a_report_is_told_by_how_it_ended(completed: Completed, message: str) -> None:
    """The clock, a crash, no interpreter, or the service itself."""
    found = verdict(completed)
    assert message in found.message
    assert found.fails


def test_an_image_with_another_handler_is_no_fault() -> None:
    """It cannot be asked."""
    stderr = "/usr/bin/python3: Error while finding module (No module named 'deployer_runtime')"
    assert not verdict(Completed((), 1, "", stderr)).fails
