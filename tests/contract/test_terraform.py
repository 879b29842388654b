"""The terraform door on the real terraform, with its built-in resource that needs no provider."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from deployer.errors import DeployerError
from deployer.models import Change
from deployer.tools.process import Processes
from deployer.tools.terraform import Terraform, find_terraform

TEMPLATE = """
variable "greeting" { type = string }
variable "destroying" {
  type    = bool
  default = false
}
resource "terraform_data" "this" { input = var.greeting }
output "endpoint" { value = "http://127.0.0.1:1/${terraform_data.this.output}" }
output "function_name" { value = "digits" }
output "image_tag" { value = "r:t" }
output "version" { value = 3 }
"""

Make = Callable[..., Terraform]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A terraform on a folder with a template; `greeting` goes into its variables file."""

    def made(template: str = TEMPLATE, *, greeting: str = "hello", **variables: str) -> Terraform:
        (tmp_path / "main.tf").write_text(template)
        (tmp_path / "terraform.tfvars.json").write_text(json.dumps({"greeting": greeting}))
        environment = {**os.environ, **variables}
        return Terraform(
            folder=tmp_path,
            binary=find_terraform(environment),
            variables=environment,
            runner=Processes(),
            log=tmp_path / "terraform.log",
            provider_mirror=None,
        )

    return made


def up(terraform: Terraform) -> tuple[str, ...]:
    """Init, plan, apply; what was said meanwhile."""
    said: list[str] = []
    terraform.init()
    terraform.apply(terraform.plan(), on_event=said.append)
    return tuple(said)


def test_a_plan_is_applied_and_read_back(make: Make) -> None:
    """The whole way on a real binary: changes, progress, outputs with one slash at the end, addresses."""
    terraform = make()
    terraform.init()
    plan = terraform.plan()
    said: list[str] = []
    terraform.apply(plan, on_event=said.append)
    outputs = terraform.output()
    assert (Change("terraform_data.this", "create"),) == plan.changes
    assert ["creating terraform_data.this", "created terraform_data.this"] == said
    assert ("http://127.0.0.1:1/hello/", "digits", "r:t", "3") == (
        outputs.endpoint,
        outputs.function_name,
        outputs.image_tag,
        outputs.version,
    )
    assert ("terraform_data.this",) == terraform.resources()


def test_a_second_plan_has_no_changes(make: Make) -> None:
    """Nothing changed, nothing to do."""
    up(make())
    assert () == make().plan().changes


def test_a_changed_value_is_an_update(make: Make) -> None:
    """And only of what it is about."""
    up(make())
    assert (Change("terraform_data.this", "update"),) == make(greeting="good morning").plan().changes


def test_a_change_of_outputs_alone_is_a_change(make: Make) -> None:
    """Left out, the outputs would go on saying what was."""
    up(make())
    assert (Change("output.image_tag", "update"),) == make(TEMPLATE.replace("r:t", "r:u")).plan().changes


def test_destroying_leaves_an_empty_state(make: Make) -> None:
    """A second destroy has nothing to do."""
    up(make())
    terraform = make()
    plan = terraform.plan(destroy=True)
    terraform.apply(plan)
    assert ((Change("terraform_data.this", "delete"),), ()) == (plan.changes, terraform.resources())
    assert () == terraform.plan(destroy=True).changes


def test_any_text_arrives_unchanged(make: Make) -> None:
    """Quotes, backslashes, newlines, markup, terraform's own templates and unicode in a variable's value."""
    greeting = "a\"b\\c\n${x} %{y} [red]é'\t"
    terraform = make(greeting=greeting)
    up(terraform)
    assert f"http://127.0.0.1:1/{greeting}" == terraform.output().raw["endpoint"]


def test_variables_of_the_shell_do_not_change_the_deployment(make: Make) -> None:
    """A TF_VAR, arguments, a log level or a workspace of the user stay outside, and so does a missing config file."""
    terraform = make(
        TF_VAR_destroying="true",
        TF_CLI_ARGS_plan="-destroy",
        TF_LOG="trace",
        TF_WORKSPACE="other",
        TF_CLI_CONFIG_FILE="/nowhere/terraform.rc",
    )
    terraform.init()
    assert (Change("terraform_data.this", "create"),) == terraform.plan().changes


def test_a_mistake_in_the_template_is_told_with_its_line(make: Make) -> None:
    """In terraform's own words."""
    terraform = make(TEMPLATE + 'output "more" { value = terraform_data.missing.output }\n')
    terraform.init()
    with pytest.raises(DeployerError) as caught:
        terraform.plan()
    assert "main.tf:12: Reference to undeclared resource" in caught.value.message
    assert "Nothing was changed." == caught.value.hint


def test_a_failed_apply_says_what_exists_and_how_to_go_on(make: Make) -> None:
    """One resource is there, the other failed: both ways out are named, and the next run continues."""
    failing = 'resource "terraform_data" "bad" {\n  provisioner "local-exec" { command = "exit 7" }\n}\n'
    terraform = make(TEMPLATE + failing + "")
    terraform.init()
    with pytest.raises(DeployerError) as caught:
        terraform.apply(terraform.plan())
    assert "terraform_data.bad" in caught.value.message
    assert "terraform_data.this" in caught.value.hint
    assert "`deployer up` continues from here, `deployer down` removes them." in caught.value.hint
    up(make())
    assert ("terraform_data.this",) == make().resources()


def test_a_template_without_the_outputs_is_named(make: Make) -> None:
    """The message says which one is missing."""
    terraform = make(TEMPLATE.replace('output "version" { value = 3 }', ""))
    up(terraform)
    with pytest.raises(DeployerError, match="no output named version in"):
        terraform.output()


def test_a_folder_that_lost_its_dot_terraform_heals(make: Make, tmp_path: Path) -> None:
    """The module folder is gone, the mark that `init` was done with it."""
    up(make())
    for path in sorted((tmp_path / ".terraform").rglob("*"), reverse=True):
        path.unlink()
    (tmp_path / ".terraform").rmdir()
    assert () == up(make())


def test_a_provider_that_cannot_be_had_is_said_with_every_way_to_one(make: Make, tmp_path: Path) -> None:
    """An empty mirror: the provider is named in the message, network, key, variable and folders in the hint."""
    make('terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n')
    terraform = Terraform(
        folder=tmp_path,
        binary=find_terraform(os.environ),
        variables=os.environ,
        runner=Processes(),
        log=tmp_path / "terraform.log",
        provider_mirror=tmp_path,
    )
    with pytest.raises(DeployerError) as caught:
        terraform.init()
    assert "registry.terraform.io/hashicorp/aws was not found" in caught.value.message
    assert all(way in caught.value.hint for way in ("network", "terraform.provider_mirror", "DEPLOYER_PROVIDER_MIRROR"))
