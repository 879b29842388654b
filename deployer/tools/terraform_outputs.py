"""What terraform says it made: the outputs that every template has to declare."""

from __future__ import annotations

import json
from pathlib import Path

from deployer.errors import DeployerError
from deployer.models import Outputs

OUTPUTS = ("endpoint", "function_name", "image_tag", "version")


def outputs_of(read: str, *, folder: Path, log: Path) -> Outputs:
    """From what `terraform output -json` prints. Raises DeployerError when one of the four outputs is not there."""
    raw = {name: entry["value"] for name, entry in json.loads(read or "{}").items()}
    missing = [name for name in OUTPUTS if raw.get(name) is None]
    if missing:
        raise DeployerError(
            f"terraform has no output named {', '.join(missing)} in {folder}.",
            hint=f"The template must declare the outputs {', '.join(OUTPUTS)}; then run `deployer up` again.",
            log=log,
        )
    return Outputs(
        endpoint=_base_url(raw["endpoint"]),
        candidate_endpoint=_base_url(raw.get("candidate_endpoint") or ""),
        function_name=str(raw["function_name"]),
        image_tag=str(raw["image_tag"]),
        version=str(raw["version"]),
        raw=raw,
    )


def _base_url(said: object) -> str:
    """With one slash at its end; empty for an endpoint that is not there (yet)."""
    return f"{str(said).rstrip('/')}/" if said else ""
