"""Where a terraform state is kept, and the file that tells terraform so. Pure but for that file; no AWS calls here.

The settings are those of terraform's "S3" backend page: native locking with an object beside the state, which terraform
has since 1.10.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.config import DeploymentConfig
from deployer.files import replace_file

FILE = "deployer-backend.tf.json"
LOCKS_IN_S3 = (1, 10)  # the first terraform that has `use_lockfile`
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")

_BLOCK = re.compile(r'(^|\{)[ \t]*(backend[ \t]+"|cloud[ \t]*\{)', re.MULTILINE)
_NOT_AWS = {"use_path_style": True, "skip_credentials_validation": True, "skip_requesting_account_id": True}


@dataclass(frozen=True)
class StatePlace:
    """This disk (`local`), an object in S3, or another of terraform's backends, whose settings are not known here."""

    kind: str = "local"
    bucket: str = ""
    key: str = ""
    region: str = ""

    @property
    def is_remote(self) -> bool:
        return self.kind != "local"

    def __str__(self) -> str:
        if self.kind == "s3":
            return f"s3://{self.bucket}/{self.key}"
        return "this disk" if self.kind == "local" else f"terraform's backend {self.kind}"


LOCAL = StatePlace()


def wanted_place(config: DeploymentConfig) -> StatePlace:
    """Where the config wants the state: one object for each deployment, environment and region."""
    backend = config.terraform.backend
    if backend is None:
        return LOCAL
    region = backend.region or config.spec.region
    parts = [part for part in ("deployer", config.name, config.environment, config.spec.region) if part]
    return StatePlace("s3", backend.bucket, backend.key or "/".join([*parts, "terraform.tfstate"]), region)


def recorded_place(folder: Path) -> StatePlace | None:
    """Where the last `terraform init` found or put the state of a folder; None where it noted nothing."""
    try:
        known = json.loads((folder / ".terraform" / "terraform.tfstate").read_text(encoding="utf-8"))
        backend = known.get("backend") or {"type": "local", "config": {}}
        settings = {name: str(backend["config"].get(name) or "") for name in ("bucket", "key", "region")}
        return StatePlace("s3", **settings) if backend["type"] == "s3" else StatePlace(str(backend["type"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def oldest_terraform(folder: Path, wanted: StatePlace) -> tuple[int, int] | None:
    """The first terraform that can work with the state where it is and where it is wanted; None for any."""
    known = recorded_place(folder)
    is_there = known is not None and known.kind == "s3" and not has_backend_block(folder)
    return LOCKS_IN_S3 if wanted.kind == "s3" or is_there else None


def has_backend_block(folder: Path) -> bool:
    """Whether a `.tf` file of the folder says itself where the state is kept."""
    if any(_BLOCK.search(file.read_text(encoding="utf-8", errors="replace")) for file in folder.glob("*.tf")):
        return True
    others = (file for file in folder.glob("*.tf.json") if file.name != FILE)
    return any(re.search(r'"(backend|cloud)"\s*:', file.read_text(encoding="utf-8")) for file in others)


def write_backend(folder: Path, place: StatePlace, variables: Mapping[str, str]) -> None:
    """Put the file there that names the place, or take it away for a state on this disk."""
    file = folder / FILE
    if place.kind != "s3":
        file.unlink(missing_ok=True)
        return
    text = json.dumps({"terraform": {"backend": {"s3": s3_settings(place, variables)}}}, indent=2) + "\n"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        replace_file(file, text)


def s3_settings(place: StatePlace, variables: Mapping[str, str]) -> dict[str, Any]:
    """The backend's arguments. Credentials and endpoint stay in the environment: a file would keep them.

    Where `variables` name an endpoint it is no host of AWS's (the local AWS, for example), so buckets are no part of
    its name and there is nobody to ask whose account it is.
    """
    elsewhere = any(variables.get(name) for name in ENDPOINTS)
    return {
        "bucket": place.bucket,
        "key": place.key,
        "region": place.region,
        "encrypt": True,
        "use_lockfile": True,
        **(_NOT_AWS if elsewhere else {}),
    }
