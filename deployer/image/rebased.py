"""What a process of an image is given where the image is unpacked somewhere on the host, and not at `/`.

Such a process is the host's Python with the host's C library. Modules, data and wheels' own libraries of the image work
with them. The base image's programs and C libraries do not: a libssl or libpython of another system that is found
first ends the process, so no search path leads to them, and the host's own are used.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deployer.image.inside import Inside

TMP = "/tmp"  # noqa: S108  Lambda's one writable folder
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/var/lang", "/var/runtime")  # the base's
LIBRARIES = ("LD_LIBRARY_PATH", "LD_PRELOAD")
HOME_OF_PYTHON = "PYTHONHOME"
DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"
PYTHON = re.compile(r"python[0-9.]*")


@dataclass(frozen=True)
class Launch:
    """A process to be started."""

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    directory: Path


def rebased(variables: Mapping[str, str], *, root: Path, tmp: Path) -> dict[str, str]:
    """Each part of a `:` list that is a path which the image has, moved to where the image is; /tmp becomes `tmp`."""
    image = Inside(root)
    moved = {name: _value(name, value, image, tmp) for name, value in variables.items()}
    return {name: value for name, value in moved.items() if value or not variables[name]}


def is_python(program: str) -> bool:
    """Whether an entry point is some Python: the host's stands for it."""
    return PYTHON.fullmatch(posixpath.basename(program)) is not None


def working_directory(root: Path, directory: str) -> Path:
    """The image's working directory where it is unpacked; the root itself when the image has no such folder."""
    folder = Inside(root).real(directory)
    return folder if folder and folder.is_dir() else root


def site_packages(root: Path, *, program: str, path: str, python: str) -> tuple[Path, ...]:
    """What the image's own Python `program`, of that minor version, finds beside its standard library.

    `path` is the image's PATH, where it is looked for.
    """
    image = Inside(root)
    folders = [posixpath.dirname(program)] if program.startswith("/") else path.split(":")
    name = posixpath.basename(program)
    found = next((folder for folder in folders if image.find(posixpath.join(folder, name))), "")
    prefixes = (
        ("/usr/local", "/usr") if found in ("/usr/local/bin", "/usr/bin", "/bin") else (posixpath.dirname(found),)
    )
    places = (f"{prefix}/lib/{place}" for prefix in prefixes if prefix for place in _places(python))
    return tuple(folder for folder in map(image.real, places) if folder and folder.is_dir())


def _places(python: str) -> Iterator[str]:
    """Debian's own packages are for its one Python, in folders of their own."""
    yield f"python{python}/site-packages"
    yield f"python{python}/dist-packages"
    yield "python3/dist-packages"


def _value(name: str, value: str, image: Inside, tmp: Path) -> str:
    if name == HOME_OF_PYTHON:
        return ""
    if name in LIBRARIES:
        inside = [part for part in re.split("[: ]", value) if part.startswith("/") and not _of_the_system(part)]
        return ":".join(_moved(part, image, tmp) for part in inside)
    hosts = _of_the_system if name == "PATH" else _never
    return ":".join(part if hosts(part) else _moved(part, image, tmp) for part in value.split(":"))


def _of_the_system(part: str) -> bool:
    return any(part == folder or part.startswith(f"{folder}/") for folder in SYSTEM)


def _never(part: str) -> bool:
    return False


def _moved(part: str, image: Inside, tmp: Path) -> str:
    if part == TMP or part.startswith(f"{TMP}/"):
        return f"{tmp}{part.removeprefix(TMP)}"
    if not part.startswith("/") or not part.strip("/"):
        return part
    inside = image.real(part)
    return str(inside) if inside else part
