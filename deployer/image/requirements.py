"""What the Bento's requirement file asks for, apart from where its packages come from. Pure: no uv here.

BentoML writes an `--index-url` line of its own into the file; taken as it stands it would override the user's mirror.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError
from deployer.models import Bento

LOCKED = Path("env/python/requirements.lock.txt")
UNLOCKED = Path("env/python/requirements.txt")
WHEELS = Path("env/python/wheels")

# Newer releases of these break the BentoML versions named (found by trying, see docs/decisions/0012).
CONSTRAINTS = (
    ((1, 4, 20), (0,), "setuptools<82"),
    ((1, 1), (1, 0), "cattrs==23.1.2"),
    ((1, 3), (1, 2), "pydantic<2.9"),
)
_SOURCES = ("--index-url", "--extra-index-url", "--find-links", "--pre", "--no-index", "--trusted-host")
_IGNORED = ("--only-binary", "--prefer-binary", "--require-hashes")


@dataclass(frozen=True)
class Requirements:
    """Requirement lines (wheels of the Bento as `./wheels/NAME`), constraints on them, and the sources it names."""

    lines: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    prereleases: bool = False
    no_index: bool = False  # packages come from the places of `find_links` alone
    trusted_hosts: tuple[str, ...] = ()


def read(bento: Bento, *, wheels_only: bool = True) -> Requirements:
    """The requirements of a Bento. Raises DeployerError for a line that cannot be honoured.

    With Docker (`wheels_only` is false) pip itself reads all but the sources: repositories, source archives, options.
    """
    file = next((bento.path / name for name in (LOCKED, UNLOCKED) if (bento.path / name).is_file()), None)
    text = "\n".join([*bento.pip_options, file.read_text("utf-8") if file else ""])
    wheels = sorted(path.name for path in (bento.path / WHEELS).glob("*") if path.is_file())
    return parse(text, bentoml_version=bento.bentoml_version, wheels=wheels, wheels_only=wheels_only)


def parse(text: str, *, bentoml_version: str, wheels: Iterable[str] = (), wheels_only: bool = True) -> Requirements:
    lines: list[str] = []
    options: dict[str, list[str]] = {}
    for line in _logical_lines(text):
        if line.startswith("-") and (wheels_only or _option(line)[0] in _SOURCES):
            _read_option(line, options)
        elif wheels_only and re.search(r"(^|@\s*)(git|hg|svn|bzr)\+", line):
            raise _unusable(line)
        else:
            lines.append(line)
    named = " ".join(lines)
    lines += [f"./wheels/{wheel}" for wheel in wheels if wheel not in named]
    for line in lines:
        if wheels_only and line.startswith("./") and ".whl" not in line:
            raise _unusable(line)
    if "bentoml" not in map(package_name, lines):
        lines.append(f"bentoml=={bentoml_version}")
    return Requirements(
        lines=tuple(lines),
        constraints=tuple(_constraints(lines, bentoml_version)),
        index_url=(options.get("--index-url") or [""])[-1],
        extra_index_urls=tuple(options.get("--extra-index-url", ())),
        find_links=tuple(options.get("--find-links", ())),
        prereleases="--pre" in options,
        no_index="--no-index" in options,
        trusted_hosts=tuple(options.get("--trusted-host", ())),
    )


def package_name(requirement: str) -> str:
    """`scikit-learn` for `Scikit_Learn[x]>=1.4`, and for `./wheels/scikit_learn-1.4-py3-none-any.whl`."""
    stem = requirement.rpartition("/")[2].partition("-")[0] if requirement.startswith("./") else requirement
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", stem)
    return re.sub(r"[-_.]+", "-", found.group().lower()) if found else ""


def _logical_lines(text: str) -> Iterator[str]:
    """Lines without comments, continued lines joined, empty ones left out."""
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        bare = re.sub(r"(^|\s)#.*$", "", line).strip()
        if bare:
            yield bare


def _read_option(line: str, options: dict[str, list[str]]) -> None:
    name, value = _option(line)
    if name in _IGNORED:
        return
    if name not in _SOURCES:
        raise _unusable(line)
    options.setdefault(name, []).append(value)


def _option(line: str) -> tuple[str, str]:
    name, _, value = re.sub(r"[=\s]+", " ", line, count=1).partition(" ")
    return {"-i": "--index-url", "-f": "--find-links"}.get(name, name), value.strip()


def _constraints(lines: list[str], bentoml_version: str) -> Iterator[str]:
    """BentoML at the Bento's own version, and what that version needs, where the Bento itself pins nothing."""
    version = tuple(int(part) for part in re.findall(r"\d+", bentoml_version)[:3])
    pinned = {package_name(line) for line in lines if "==" in line or line.startswith("./")}
    if "bentoml" not in pinned:
        yield f"bentoml=={bentoml_version}"
    for below, since, constraint in CONSTRAINTS:
        if since <= version < below and package_name(constraint) not in pinned:
            yield constraint


def _unusable(line: str) -> DeployerError:
    return DeployerError(
        f"The Bento's Python requirements have the line `{line}`, and an image without Docker is made of wheels only.",
        hint="Build with Docker (`image: {builder: docker}` in the config), or build a wheel of it, name that under "
        "`python: wheels:` in bentofile.yaml and build the Bento again.",
    )
