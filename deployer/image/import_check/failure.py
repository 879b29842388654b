"""What a failed import check tells the user: what is missing first, then the way out. Nothing is run here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deployer.image.import_check.report import (
    NOT_FOUND,
    Raised,
    Report,
    ended_by_signal,
    out_of_time,
    place_in_dump,
    read_report,
)
from deployer.tools.lambda_gaps import Gap, needs_semaphores
from deployer.tools.process import Completed

LIBRARY = re.compile(r"(?P<name>[\w.+-]+\.so[\w.]*): cannot open shared object file")
C_LIBRARY = re.compile(r"version `(?P<version>(GLIBC|GLIBCXX|CXXABI)_[\d.]+)' not found")
NO_NETWORK = re.compile(r"Temporary failure in name resolution|Name or service not known|Network is unreachable")
NETWORK_NUMBERS = (100, 101, 113)  # ENETDOWN, ENETUNREACH, EHOSTUNREACH
NETWORK_TYPES = ("gaierror", "NameResolutionError", "EndpointConnectionError", "NoCredentialsError")
READ_ONLY = 30  # EROFS
UNKNOWN = "Lambda would meet the same at the first request. Correct it and build the Bento again."

# Names that differ from the package that brings them.
PACKAGES = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}
# Debian's package of a library that wheels leave to the system, and the Python package that does without it.
HEADLESS = "opencv-python-headless"
LIBRARIES = {
    "libGL.so.1": ("libgl1", HEADLESS),
    "libglib-2.0.so.0": ("libglib2.0-0", HEADLESS),
    "libgthread-2.0.so.0": ("libglib2.0-0", HEADLESS),
    "libgomp.so.1": ("libgomp1", ""),
    "libmagic.so.1": ("libmagic1", ""),
    "libpq.so.5": ("libpq5", "psycopg2-binary"),
    "libsndfile.so.1": ("libsndfile1", ""),
}


@dataclass(frozen=True)
class Ground:
    """What the image ran on. `system` is the base image, or empty where this machine stood for it.

    `faithful`: what is missing here is missing where the image will run. `python` is the minor version of its packages.
    """

    python: str
    bento: str
    system: str = ""
    faithful: bool = True
    alone: bool = True  # read-only and without a network


@dataclass(frozen=True)
class Verdict:
    """A finding. Where it proves nothing about the image, `fails` is False and the message is only said.

    What is not `known` needs the end of the output too.
    """

    message: str
    hint: str = ""
    fails: bool = True
    known: bool = True


def judge(completed: Completed, ground: Ground, *, seconds: float) -> Verdict | None:
    """None when everything could be imported."""
    report = read_report(completed)
    if report is None:
        return _without_report(completed, ground, seconds)
    if ground.python and report.python != ground.python:
        return Verdict(
            f"The image has Python {report.python}, and the Bento's packages are for Python {ground.python}.",
            f"Set `image: base:` in the deployment config to an image with Python {ground.python}.",
        )
    return (_semaphores(completed, report) or _raised(report, ground)) if report.errors else None


def _raised(report: Report, ground: Ground) -> Verdict:
    error = report.error
    if report.part == "handler":
        return _in_handler(report, ground)
    if error.type == "ModuleNotFoundError" and error.module:
        return _module(error.module, report.place)
    return (
        _library(report, ground)
        or _network(report, ground)
        or _read_only(report)
        or _variable(error, report.place)
        or Verdict(
            f"The service cannot be imported: {error.type}: {_short(error.message)}{_at(report.place)}",
            UNKNOWN,
            known=False,
        )
    )


def _in_handler(report: Report, ground: Ground) -> Verdict:
    error = report.error
    if error.type == "ModuleNotFoundError" and error.module:
        return Verdict(f"The image lacks the module {error.module}, which its handler needs.", "Build the image again.")
    return _library(report, ground) or Verdict(
        f"The image's handler cannot be imported: {error.type}: {_short(error.message)}",
        "Build the image again.",
        known=False,
    )


def _module(name: str, place: str) -> Verdict:
    top = name.partition(".")[0]
    if "." in name:
        return Verdict(
            f"The service needs the module {name}, which the Bento's version of {top} does not have{_at(place)}.",
            f"Pin the version of {PACKAGES.get(top, top)} that you developed with, and build the Bento again.",
        )
    return Verdict(
        f"The service needs the module {name}, which is not in the Bento's Python packages{_at(place)}.",
        f"Add {PACKAGES.get(name, 'it')} to `python: packages:` in bentofile.yaml and build the Bento again. "
        "If it is a file of your own, add it to `include:`.",
    )


def _library(report: Report, ground: Ground) -> Verdict | None:
    for error in report.errors:
        if found := LIBRARY.search(error.message):
            return _missing_library(found["name"], ground, report.place)
        if found := C_LIBRARY.search(error.message):
            return Verdict(
                f"A package of the Bento needs {found['version']}, which {_where(ground)} does not have.",
                "Set `image: base:` to an image with a newer C library, or pin an older version of the package.",
                fails=ground.faithful,
            )
    return None


def _missing_library(name: str, ground: Ground, place: str) -> Verdict:
    package, without = LIBRARIES.get(name, ("", ""))
    named = f" (in Debian: {package})" if package else ""
    other = f" Or use {without}, which does without it." if without else ""
    here = "" if ground.system else "install it on this machine, where images without a base run; or "
    hint = (
        f"It comes with a system package{named}: {here}list that under `docker: system_packages:` in bentofile.yaml, "
        f"which builds the image with Docker, or set `image: base:` to an image that has it.{other}"
    )
    message = f"The service needs the shared library {name}, which {_where(ground)} does not have{_at(place)}."
    return Verdict(message, hint[0].upper() + hint[1:], fails=ground.faithful)


def _network(report: Report, ground: Ground) -> Verdict | None:
    met = [error for error in report.errors if _is_network(error)]
    if not met or not ground.alone:
        return None
    return Verdict(
        f"The service reaches for the network when it is imported: {met[-1].type}: {_short(met[-1].message)}"
        f"{_at(report.place)}",
        "Put what it fetches into the Bento, as a model for example, or fetch it in the service's __init__. Where that "
        "cannot be, `image: {import_check: false}` in the config (`image push --no-check`) leaves the check out.",
    )


def _is_network(error: Raised) -> bool:
    return bool(
        error.number in NETWORK_NUMBERS or error.type in NETWORK_TYPES or NO_NETWORK.search(error.message or "")
    )


def _semaphores(completed: Completed, report: Report) -> Verdict | None:
    """The error's own words name neither them nor shared memory: the traceback shows who raised it."""
    if not any(error.number for error in report.errors) or not needs_semaphores(completed.stderr):
        return None
    missing = f"semaphores or shared memory when it is imported, which Lambda does not have{_at(report.place)}."
    return Verdict(f"The service needs {missing}", Gap.SEMAPHORES.value)


def _read_only(report: Report) -> Verdict | None:
    error = next((error for error in report.errors if error.number == READ_ONLY), None)
    if error is None:
        return None
    return Verdict(
        f"The service writes to {error.file or 'a folder'} when it is imported, and Lambda's file system is read-only "
        f"but for /tmp{_at(report.place)}.",
        "Write to the folder that tempfile.gettempdir() names, or not at import.",
    )


def _variable(error: Raised, place: str) -> Verdict | None:
    """The function's own variables are not the image's: the deployment config may set it."""
    if not error.variable:
        return None
    return Verdict(
        f"not finished: the service reads the variable {error.variable} when it is imported, which the image does not "
        f"set and the deployment config may{_at(place)}",
        fails=False,
    )


def _without_report(completed: Completed, ground: Ground, seconds: float) -> Verdict:
    place = place_in_dump(completed, ground.bento)
    if out_of_time(completed):
        return Verdict(
            f"The service was not imported within {seconds:.0f} s{f': it was at {place}' if place else ''}.",
            "What waits or takes long belongs in the service's __init__ or into the Bento, not at import.",
        )
    if "No module named" in completed.stderr and "deployer_runtime" in completed.stderr:
        return Verdict("not possible: the image has no handler that this deployer knows", fails=False)
    if completed.returncode in NOT_FOUND:
        return Verdict(
            f"The image has no Python {ground.python or 'at all'} that its entry point would find.",
            f"Set `image: base:` in the deployment config to an image with Python {ground.python}.",
        )
    if name := ended_by_signal(completed):
        return Verdict(
            f"Python crashed ({name}) while the service was imported{f', at {place}' if place else ''}.",
            "A package with compiled code is the likely cause: pin another version of what is imported there.",
            known=False,
        )
    return Verdict(
        f"The service's import ended the process (exit code {completed.returncode}).",
        UNKNOWN,
        known=False,
    )


def _where(ground: Ground) -> str:
    return f"the base image {ground.system}" if ground.system else "this machine"


def _at(place: str) -> str:
    return f" ({place})" if place else ""


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= 300 else f"{line[:300]}…"
