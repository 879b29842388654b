"""Where terraform's providers come from when the network may not be there: which folder to name to `terraform init`.

The user's word first, then whatever terraform finds by itself, then a mirror in the usual places for optional software.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from deployer.errors import BadInput
from deployer.tools.terraform_binary import platform_name

VARIABLE = "DEPLOYER_PROVIDER_MIRROR"
PROVIDER = Path("registry.terraform.io/hashicorp/aws")
ROOTS = tuple(Path(root) for root in ("/opt", "/usr/local/share", "/usr/local/lib", "/usr/share", "/usr/lib", "/srv"))
WAYS_TO_A_PROVIDER = (
    "The AWS provider comes from registry.terraform.io over the network, or from a filesystem mirror: the folder named "
    f"by the config key terraform.provider_mirror or the variable {VARIABLE}, terraform's own plugin folders "
    "(~/.terraform.d/plugins), or a folder in /opt or /usr/local/share. "
    "`terraform providers mirror FOLDER` makes one where there is a network."
)


def find_mirror(configured: Path | None, variables: Mapping[str, str], *, roots: Sequence[Path] = ROOTS) -> Path | None:
    """The folder for `terraform init -plugin-dir`, None to let terraform look itself.

    The config key outranks the variable; an empty variable means that no folder is to be searched for.
    Raises BadInput when a named folder is not a mirror.
    """
    named = str(configured) if configured is not None else variables.get(VARIABLE)
    if named is not None:
        source = "terraform.provider_mirror" if configured is not None else VARIABLE
        return _checked(Path(named).expanduser(), source) if named else None
    if _configured_by_the_user(variables) or any(map(_holds_provider, _implied(variables))):
        return None
    return next(filter(_holds_provider, _children(roots)), None)


def _checked(folder: Path, source: str) -> Path:
    if not any(folder.glob("*/*/*/")):
        raise BadInput(
            f"{source} names {folder}, which is not a filesystem mirror of terraform providers.",
            hint=f"Name the folder that holds {PROVIDER}/VERSION/{platform_name()}/.",
        )
    return folder.absolute()


def _configured_by_the_user(variables: Mapping[str, str]) -> bool:
    """Whether terraform's CLI config says where providers come from."""
    named = variables.get("TF_CLI_CONFIG_FILE") or variables.get("TERRAFORM_CONFIG")
    home = Path(variables.get("HOME", "/nonexistent"))
    files = (
        [Path(named)] if named and Path(named).is_file() else [home / ".terraformrc", *home.glob(".terraform.d/*.tfrc")]
    )
    return any("provider_installation" in _text(file) for file in files)


def _implied(variables: Mapping[str, str]) -> Iterable[Path]:
    """The mirror folders that terraform searches by itself ("Implied Local Mirror Directories")."""
    home = Path(variables.get("HOME", "/nonexistent"))
    yield home / ".terraform.d/plugins"
    data_home = variables.get("XDG_DATA_HOME") or str(home / ".local/share")
    data_dirs = variables.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    for folder in (data_home, *data_dirs.split(os.pathsep)):
        yield Path(folder) / "terraform/plugins"
    if sys.platform == "darwin":
        yield home / "Library/Application Support/io.terraform/plugins"
        yield Path("/Library/Application Support/io.terraform/plugins")


def _children(roots: Iterable[Path]) -> Iterable[Path]:
    for root in roots:
        with suppress(OSError):
            yield from sorted(child for child in root.iterdir() if child.is_dir())


def _holds_provider(folder: Path) -> bool:
    """Unpacked (`VERSION/OS_ARCH/`) or packed (`terraform-provider-aws_VERSION_OS_ARCH.zip`), for this platform."""
    provider = folder / PROVIDER
    with suppress(OSError):
        unpacked = any(provider.glob(f"*/{platform_name()}/terraform-provider-aws*"))
        return unpacked or any(provider.glob(f"terraform-provider-aws_*_{platform_name()}.zip"))
    return False


def _text(file: Path) -> str:
    """Without its comments, so that a commented block counts for nothing; empty when it cannot be read."""
    with suppress(OSError):
        return re.sub(r"(#|//).*", "", file.read_text(encoding="utf-8", errors="replace"))
    return ""
