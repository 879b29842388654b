"""Which attributes the installed provider knows, asked once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from stand_in_runner import StandInRunner

from deployer.tools.terraform import Terraform
from deployer.tools.terraform_schema import names_of

# Of `terraform providers schema -json` with provider 5.100, shortened.
PERMISSION: dict[str, Any] = {
    "version": 0,
    "block": {
        "attributes": {
            "action": {"type": "string", "description_kind": "plain", "required": True},
            "function_url_auth_type": {"type": "string", "description_kind": "plain", "optional": True},
        },
        "description_kind": "plain",
    },
}
FUNCTION: dict[str, Any] = {
    "version": 0,
    "block": {
        "attributes": {"function_name": {"type": "string", "required": True}},
        "block_types": {"snap_start": {"nesting_mode": "list", "block": {"attributes": {}}}},
    },
}


def schema(**resources: Any) -> str:
    provider = {"provider": {}, "resource_schemas": resources, "data_source_schemas": {"aws_caller_identity": {}}}
    providers = {"registry.terraform.io/hashicorp/aws": provider, "registry.terraform.io/hashicorp/null": {}}
    return json.dumps({"format_version": "1.0", "provider_schemas": providers})


SCHEMA = schema(aws_lambda_permission=PERMISSION, aws_lambda_function=FUNCTION)


def terraform(folder: Path, runner: StandInRunner) -> Terraform:
    return Terraform(
        folder=folder,
        binary=Path("/bin/terraform"),
        variables={},
        runner=runner,
        log=folder / "terraform.log",
        provider_mirror=None,
        cache=folder / "cache",
    )


def test_attributes_and_blocks_are_names_alike() -> None:
    """Of resources; what a data source is like nobody asks."""
    assert {
        "aws_lambda_permission": ["action", "function_url_auth_type"],
        "aws_lambda_function": ["function_name", "snap_start"],
    } == names_of(json.loads(SCHEMA))


@pytest.mark.parametrize(
    ("resource", "attribute", "known"),
    [
        ("aws_lambda_permission", "function_url_auth_type", True),
        ("aws_lambda_permission", "invoked_via_function_url", False),
        ("aws_lambda_function", "snap_start", True),
        ("aws_nothing", "name", False),
    ],
)
def test_what_the_provider_does_not_know_is_not_supported(
    tmp_path: Path, resource: str, attribute: str, known: bool
) -> None:
    """Provider 5.100 cannot say `invoked_via_function_url`; nor can any a resource that it does not have."""
    runner = StandInRunner(answers=[(0, ""), (0, SCHEMA)])
    assert known is terraform(tmp_path, runner).supports(resource, attribute)
    assert ["init", "providers"] == [command[0] for command in runner.commands]


def test_the_schema_is_asked_for_once_until_the_providers_change(tmp_path: Path) -> None:
    """It takes seconds: the names are kept by the lock file, for every later command and every folder."""
    newer = schema(aws_lambda_permission={"block": {"attributes": {"invoked_via_function_url": {}}}})
    runner = StandInRunner(answers=[(0, ""), (0, SCHEMA), (0, ""), (0, newer)])
    asked = ("aws_lambda_permission", "invoked_via_function_url")
    assert [False, False] == [terraform(tmp_path, runner).supports(*asked) for _ in range(2)]
    (tmp_path / ".terraform.lock.hcl").write_text('provider "aws" {\n  version = "6.29.0"\n}\n')
    assert [True, True] == [terraform(tmp_path, runner).supports(*asked) for _ in range(2)]
    assert ["init", "providers", "init", "providers"] == [command[0] for command in runner.commands]


def test_a_cache_that_cannot_be_read_is_asked_past(tmp_path: Path) -> None:
    """Damaged, or on a disk that is full or not to be written to."""
    (tmp_path / "cache").write_text("a file where a folder should be")
    runner = StandInRunner(answers=[(0, ""), (0, SCHEMA)])
    assert terraform(tmp_path, runner).supports("aws_lambda_function", "snap_start")
