"""What a workspace shows of a deployment beside its record, for one that cannot be read or is older than accounts."""

from __future__ import annotations

import json
import re
from pathlib import Path

VALUES = "terraform.tfvars.json"  # terraform's variables; `image_tag` is the image's URI in ECR
STATES = (
    "terraform.tfstate",
    ".terraform/terraform.tfstate",
)  # the state, and where terraform notes one that is remote
_REGISTRY = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.")


def place_of_images(terraform: Path) -> tuple[str, str]:
    """The account and the region of the images, which are the function's; both empty where the values do not say."""
    try:
        values = json.loads((terraform / VALUES).read_text(encoding="utf-8"))
        found = _REGISTRY.match(values["image_tag"])
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    return (found["account"], found["region"]) if found else ("", "")


def has_state(terraform: Path) -> bool:
    """Whether terraform has made anything from this folder, as far as the folder shows."""
    return any((terraform / name).is_file() and (terraform / name).stat().st_size > 0 for name in STATES)
