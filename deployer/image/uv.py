"""uv as the image builder uses it: resolve and install wheels for the image's Python and platform, never build one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deployer.errors import DeployerError
from deployer.image.requirements import Requirements
from deployer.tools.process import Runner

SECONDS = 1800.0
PUBLIC_INDEX = "pypi.org"
_NO_WHEEL = (
    r"Wheels are required for `(?P<name>[^`]+)`",
    r"(?P<name>[\w.-]+)==\S+ has no (usable )?wheels",
    r"Building source distributions? for `?(?P<name>[^`\s]+)`? is disabled",
)


@dataclass(frozen=True)
class Platform:
    """What the image runs on: its Python minor version and `x86_64` or `aarch64`, with glibc 2.28 or newer."""

    python: str
    machine: str

    @property
    def wheels(self) -> str:
        return f"{self.machine}-manylinux_2_28"

    @property
    def architecture(self) -> str:
        """The name that OCI and Lambda's neighbours use."""
        return {"x86_64": "amd64", "aarch64": "arm64"}[self.machine]


@dataclass(frozen=True)
class Uv:
    """`variables` are the user's: uv's own settings hold, and pip's stand in where uv has none."""

    binary: Path
    runner: Runner
    variables: Mapping[str, str]
    log: Path | None = None

    def resolve(self, wanted: Requirements, *, platform: Platform, cwd: Path, scratch: Path) -> str:
        """The full list with versions and hashes, one logical line per package; `cwd` is where `./wheels` lies."""
        source, constraints, result = scratch / "wanted.txt", scratch / "constraints.txt", scratch / "resolved.txt"
        source.write_text("\n".join(wanted.lines) + "\n", "utf-8")
        constraints.write_text("# pins that the Bento's own BentoML needs\n" + "\n".join(wanted.constraints), "utf-8")
        options = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        options += ["--constraints", str(constraints), "--output-file", str(result)]
        options += ["--prerelease", "allow"] if wanted.prereleases else []
        self._run(["compile", str(source), *options, *index_options(wanted, self.variables)], platform, cwd)
        return result.read_text("utf-8")

    def install(self, resolved: Path, target: Path, *, wanted: Requirements, platform: Platform, cwd: Path) -> None:
        """Exactly the resolved list, each file checked against its hash."""
        options = ["--target", str(target), "--no-deps", "--require-hashes", "--requirements", str(resolved)]
        self._run(["install", *options, *index_options(wanted, self.variables)], platform, cwd)

    def _run(self, arguments: Sequence[str], platform: Platform, cwd: Path) -> None:
        argv = [str(self.binary), "pip", *arguments, "--python-version", platform.python]
        argv += ["--python-platform", platform.wheels, "--only-binary", ":all:", "--color", "never", "--no-progress"]
        variables = {**self.variables, **pip_settings(self.variables), "UV_PYTHON_DOWNLOADS": "never"}
        ended = self.runner.run(argv, env=variables, cwd=cwd, timeout=SECONDS, log=self.log)
        if ended.returncode != 0:
            raise _failure(ended.stderr, platform, self.log)


def pip_settings(variables: Mapping[str, str]) -> dict[str, str]:
    """pip's own index variables as uv's, for each that the user has not set for uv."""
    pip = {name: variables.get(f"PIP_{name}", "") for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "CERT")}
    found: dict[str, str] = {}
    if pip["INDEX_URL"] and not _names_an_index(variables):
        found["UV_DEFAULT_INDEX"] = pip["INDEX_URL"]
    if pip["EXTRA_INDEX_URL"] and not {"UV_INDEX", "UV_EXTRA_INDEX_URL"} & variables.keys():
        found["UV_INDEX"] = pip["EXTRA_INDEX_URL"]
    if pip["FIND_LINKS"] and "UV_FIND_LINKS" not in variables:
        found["UV_FIND_LINKS"] = ",".join(pip["FIND_LINKS"].split())
    if pip["CERT"] and "SSL_CERT_FILE" not in variables:
        found["SSL_CERT_FILE"] = pip["CERT"]
    return found


def index_options(wanted: Requirements, variables: Mapping[str, str]) -> list[str]:
    """The Bento's own sources. Its main index holds only where the user names none and it is not the public one."""
    options: list[str] = []
    if _foreign_index(wanted) and not _names_an_index({**variables, **pip_settings(variables)}):
        options += ["--default-index", wanted.index_url]
    for url in wanted.extra_index_urls:
        options += ["--index", url]
    for place in wanted.find_links:
        options += ["--find-links", place]
    # pip, which BentoML's own images use, takes the best version of all indexes; uv by default stops at the first.
    return [*options, "--index-strategy", "unsafe-best-match"] if wanted.extra_index_urls else options


def say_sources(wanted: Requirements, variables: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Name the hosts that the Bento adds, or that the user's own setting takes the place of; never a password."""
    if _foreign_index(wanted):
        host = urlsplit(wanted.index_url).hostname
        mine = _names_an_index({**variables, **pip_settings(variables)})
        say(f"package index {host} of the Bento: " + ("your own is used instead" if mine else "used"))
    for url in wanted.extra_index_urls:
        say(f"extra package index {urlsplit(url).hostname} of the Bento: used")


def _foreign_index(wanted: Requirements) -> bool:
    return bool(wanted.index_url) and urlsplit(wanted.index_url).hostname != PUBLIC_INDEX


def _names_an_index(variables: Mapping[str, str]) -> bool:
    return any(variables.get(name) for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"))


def _failure(stderr: str, platform: Platform, log: Path | None) -> DeployerError:
    text = " ".join(stderr.split())
    for pattern in _NO_WHEEL:
        if found := re.search(pattern, text):
            return DeployerError(
                f"{found['name']} has no wheel for Python {platform.python} on {platform.wheels}.",
                hint="Give the Bento a wheel (`python: wheels:` in bentofile.yaml), or pin a version that has one.",
                log=log,
            )
    last = "\n".join(stderr.strip().splitlines()[-12:])
    return DeployerError(
        f"uv could not get the Bento's packages for Python {platform.python} on {platform.wheels}:\n{last}",
        hint="Check the package versions and the package index (UV_DEFAULT_INDEX or PIP_INDEX_URL).",
        log=log,
    )
