"""uv as the image builder uses it: resolve and install wheels for the image's Python and platform, never build one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError
from deployer.image.package_index import PackageIndex
from deployer.image.requirements import Requirements
from deployer.tools.oci_layout import ARCHITECTURES
from deployer.tools.process import Runner

SECONDS = 1800.0
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
        return ARCHITECTURES[self.machine]


@dataclass(frozen=True)
class Uv:
    """uv's binary, and the package index that it is to use."""

    binary: Path
    runner: Runner
    index: PackageIndex
    log: Path | None = None

    def resolve(self, wanted: Requirements, *, platform: Platform, cwd: Path, scratch: Path) -> str:
        """The full list with versions and hashes, one logical line per package; `cwd` is where `./wheels` lies."""
        source, constraints, result = scratch / "wanted.txt", scratch / "constraints.txt", scratch / "resolved.txt"
        source.write_text("\n".join(wanted.lines) + "\n", "utf-8")
        constraints.write_text("# pins that the Bento's own BentoML needs\n" + "\n".join(wanted.constraints), "utf-8")
        options = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
        options += ["--constraints", str(constraints), "--output-file", str(result)]
        options += ["--prerelease", "allow"] if wanted.prereleases else []
        self._run(["compile", str(source), *options], wanted, platform, cwd)
        return result.read_text("utf-8")

    def install(self, resolved: Path, target: Path, *, wanted: Requirements, platform: Platform, cwd: Path) -> None:
        """Exactly the resolved list, each file checked against its hash."""
        options = ["--target", str(target), "--no-deps", "--require-hashes", "--requirements", str(resolved)]
        self._run(["install", *options], wanted, platform, cwd)

    def _run(self, arguments: Sequence[str], wanted: Requirements, platform: Platform, cwd: Path) -> None:
        argv = [str(self.binary), "pip", *arguments, *self.index.options(wanted), "--python-version", platform.python]
        argv += ["--python-platform", platform.wheels, "--only-binary", ":all:", "--color", "never", "--no-progress"]
        variables = self.index.environment(wanted, cwd=cwd)
        ended = self.runner.run(argv, env=variables, cwd=cwd, timeout=SECONDS, log=self.log)
        if ended.returncode != 0:
            raise _failure(ended.stderr, platform, self.log)


def _failure(stderr: str, platform: Platform, log: Path | None) -> DeployerError:
    text = " ".join(stderr.split())
    names = dict.fromkeys(found["name"] for pattern in _NO_WHEEL for found in re.finditer(pattern, text))
    if names:
        have = "have" if len(names) > 1 else "has"
        return DeployerError(
            f"{', '.join(names)} {have} no wheel for Python {platform.python} on {platform.wheels}.",
            hint="Build with Docker (`image: {builder: docker}` in the config), give the Bento a wheel "
            "(`python: wheels:` in bentofile.yaml), or pin a version that has one.",
            log=log,
        )
    last = "\n".join(stderr.strip().splitlines()[-12:])
    return DeployerError(
        f"uv could not get the Bento's packages for Python {platform.python} on {platform.wheels}:\n{last}",
        hint="Check the package versions and the package index (UV_DEFAULT_INDEX or PIP_INDEX_URL).",
        log=log,
    )
