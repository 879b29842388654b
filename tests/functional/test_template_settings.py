"""Every setting on the local AWS: what is made is whole after one apply, and taken over where the state is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from config_values import CONFIGS, values_of
from local_endpoint import LocalEndpoint
from template_on_local_aws import TemplateOnLocalAws

from deployer.config import load_config
from deployer.tools.aws_adoption import FUNCTION, addresses

SNAPSTART = {"com.amazonaws.lambda.feature.snapstart": "Allow"}  # a label that every image of deployer's has


@pytest.fixture
def account(tmp_path: Path) -> Iterator[LocalEndpoint]:
    local = LocalEndpoint(tmp_path / "blobs")
    yield local
    local.close()


@pytest.mark.parametrize("name", CONFIGS)
def test_settings_are_made_once_and_taken_over(name: str, account: LocalEndpoint, tmp_path: Path) -> None:
    """A second plan is empty. Without the state each resource is found by its address, and none is made again.

    The function itself is updated then: terraform does not read that it publishes.
    """
    config = load_config(CONFIGS[name])
    uri = account.image(config.repository, "digits", tag="1", labels=SNAPSTART)
    arn = account.aws("ecr").describe_repositories()["repositories"][0]["repositoryArn"]
    account.aws("ecr").tag_resource(resourceArn=arn, tags=[{"Key": "deployer:name", "Value": config.name}])
    if config.spec.role:
        path, _, role = config.spec.role.partition(":role")[2].rpartition("/")
        account.aws("iam").create_role(RoleName=role, Path=f"{path}/", AssumeRolePolicyDocument="{}")
    template = TemplateOnLocalAws(tmp_path / "terraform", account)
    template.write_values(values_of(config, template.environment, digest=uri.partition("@")[2]))
    made = template.up()
    assert {f"create {address}" for address in addresses(config)} == set(made)
    assert template.up() == ()

    (template.folder / "terraform.tfstate").unlink()
    found = template.aws.existing(config)
    assert set(addresses(config)) == set(found)
    plan = template.terraform.plan(imports=found)
    actions = {change.address: change.action for change in plan.changes}
    assert set(addresses(config)) == set(actions)
    updated = {address for address, action in actions.items() if action != "import"}
    assert {"update"} == {actions[address] for address in updated}
    assert updated == {FUNCTION, "aws_lambda_alias.candidate"}
