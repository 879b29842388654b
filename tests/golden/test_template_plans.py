"""What terraform makes of a config: every resource with its values, held against files in `expected/`.

reference.yaml sets every key that goes together with the rest; http_api.yaml sets the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from config_values import CONFIGS, values_of
from golden_files import held
from local_endpoint import LocalEndpoint
from template_on_local_aws import TemplateOnLocalAws

from deployer.config import load_config

DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    local = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield local
    local.close()


@pytest.mark.parametrize("name", CONFIGS)
def test_what_a_config_makes(name: str, account: LocalEndpoint, tmp_path: Path) -> None:
    """A released deployment, planned where nothing is yet."""
    template = TemplateOnLocalAws(tmp_path / "terraform", account)
    template.write_values(values_of(load_config(CONFIGS[name]), template.environment, digest=DIGEST))
    terraform = template.terraform
    terraform.init()
    plan = terraform.plan(image_exists=False)
    shown = json.loads(terraform.command("show -json", plan.path.name, hint=""))
    resources = shown["planned_values"]["root_module"]["resources"]
    made = {resource["address"]: _said(resource["values"]) for resource in resources}
    held(f"template-{name}.json", json.dumps(made, indent=2, sort_keys=True) + "\n")


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """Without what is unset, and with policies as the JSON that they are."""
    said = {key: value for key, value in values.items() if value not in (None, [], {}, "")}
    return {
        key: json.loads(value) if "policy" in key and str(value).startswith("{") else value
        for key, value in said.items()
    }
