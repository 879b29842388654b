"""Which terraform runs, and what of the user's environment it sees."""

from __future__ import annotations

import json
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from deployer import directories
from deployer.errors import DeployerError
from deployer.tools.process import Processes, Runner

OLDEST = (1, 5)
VERSION = "1.11.4"  # what is fetched where there is none

_VERSION_SECONDS = 30.0
_OWNED = re.compile(
    r"TF_(LOG\w*|CLI_ARGS\w*|VAR_\w+|WORKSPACE|DATA_DIR|INPUT|IN_AUTOMATION|REATTACH_PROVIDERS)|CHECKPOINT_DISABLE"
)


def find_terraform(
    variables: Mapping[str, str], *, runner: Runner | None = None, oldest: tuple[int, int] | None = None
) -> Path:
    """The terraform on PATH, else the fetched one: the first that is 1.5 or newer, or `oldest` or newer.

    Raises DeployerError naming what was found instead.
    """
    needed = oldest or OLDEST
    on_path = shutil.which("terraform", path=variables.get("PATH", ""))
    candidates = [Path(on_path).absolute()] if on_path else []
    rejected = []
    for candidate in [*candidates, *filter(Path.is_file, [cached_binary()])]:
        version = _version(candidate, variables, runner or Processes())
        if version is not None and _parts(version) >= needed:
            return candidate
        rejected.append(f"{candidate} is {version or 'not a working terraform'}")
    found = " and ".join(rejected) or "there is none on PATH"
    raise DeployerError(
        f"terraform {'.'.join(map(str, needed))} or newer is needed; {found}.",
        hint=f"Install terraform, or run `deployer setup`: it fetches {VERSION} into deployer's cache.",
    )


def cached_binary() -> Path:
    """Where the fetched terraform is, or will be."""
    return directories.cache() / "terraform" / VERSION / "terraform"


def platform_name() -> str:
    """This machine as terraform names it: `linux_amd64`."""
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine().lower())
    return f"{sys.platform}_{machine}"


def child_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a terraform child: settings that would change what deployer asked for are taken out.

    A TF_CLI_CONFIG_FILE that names a missing file is dropped: terraform would warn about it on standard output, where
    the JSON is. A relative one is made absolute, because terraform runs in another folder.
    """
    kept = {name: value for name, value in variables.items() if not _OWNED.fullmatch(name)}
    for name in ("TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG"):
        named = kept.pop(name, "")
        if named and Path(named).is_file():
            kept[name] = str(Path(named).absolute())
    return {**kept, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}


def _version(binary: Path, variables: Mapping[str, str], runner: Runner) -> str | None:
    """What `terraform version -json` says, None when it cannot be run or says something else."""
    argv = [str(binary), "version", "-json"]
    try:
        done = runner.run(argv, env=child_variables(variables), cwd=binary.parent, timeout=_VERSION_SECONDS)
        return str(json.loads(done.stdout)["terraform_version"])
    except (DeployerError, ValueError, KeyError, TypeError):
        return None


def _parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])
