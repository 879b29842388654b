"""`down` on the real terraform and moto: its order, what is kept, and what a lost or half-written state means to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from idle_toolbox import idle_toolbox
from local_endpoint import LocalEndpoint
from template_on_local_aws import REGION, REPOSITORY, TemplateOnLocalAws

from deployer.config import DeploymentConfig, Spec
from deployer.errors import DeployerError
from deployer.models import Bento, Tag
from deployer.stages.ownership import adoptable
from deployer.toolbox import Toolbox
from deployer.workflows.deployment import Selection
from deployer.workflows.down import Keep, down
from deployer.workspace import Workspace

CONFIG = DeploymentConfig(name="digits", target="aws", spec=Spec(region=REGION, repository=REPOSITORY, auth="none"))
BENTO = Bento(Tag("digits", "v1"), Path(), "3.11", "1.4.0", "service:Digits")
HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""
GROUP, ROLE = "/aws/lambda/digits", f"digits-{REGION}"


@dataclass(frozen=True)
class Deployed:
    """A deployment of the template, recorded in a workspace, on an account of its own."""

    folder: Path
    moto: TemplateOnLocalAws

    @property
    def tools(self) -> Toolbox:
        return idle_toolbox(self.folder, variables=self.moto.shell, aws=self.moto.aws, terraform=self.moto.terraform)

    def up(self) -> tuple[str, ...]:
        """As far as `up` goes with terraform: what it takes over, what it makes. It is recorded before."""
        Workspace.at(self.folder, "digits", "aws").remember(CONFIG, BENTO)
        self.moto.write()
        terraform = self.moto.terraform
        terraform.init()
        plan = terraform.plan(imports=adoptable(CONFIG, terraform=terraform, aws=self.moto.aws))
        terraform.apply(plan)
        return tuple(sorted(f"{change.action} {change.address}" for change in plan.changes))

    def down(self, keep: Keep | None = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        result = down(Selection(), self.tools, confirm=lambda question: True, keep=keep)
        return result.removed, result.kept

    def forget(self, *addresses: str) -> None:
        """What a killed terraform leaves: it had made these, and did not come to write it down."""
        self.moto.terraform.command("state rm", *addresses, hint="")

    @contextmanager
    def state_restored(self) -> Iterator[None]:
        """Whatever the block makes of terraform's state, afterwards it is as it was."""
        state = self.moto.folder / "terraform.tfstate"
        before = state.read_bytes()
        try:
            yield
        finally:
            state.write_bytes(before)

    @property
    def is_whole(self) -> bool:
        return bool(self.moto.terraform.resources())

    @property
    def left(self) -> tuple[str, ...]:
        return self.moto.aws.leftovers("digits", repository=REPOSITORY)


@contextmanager
def held(file: Path) -> Iterator[int]:
    """The number of a process that has locked a file as terraform does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        try:
            yield child.pid
        finally:
            child.kill()


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalEndpoint]:
    local = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    yield local
    local.close()


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory, endpoint: LocalEndpoint) -> Deployed:
    """One for all: an apply takes longer than all else here."""
    folder = tmp_path_factory.mktemp("down")
    return Deployed(folder, TemplateOnLocalAws(Workspace.at(folder, "digits", "aws").terraform, endpoint))


@pytest.fixture
def deployed(account: Deployed) -> Deployed:
    """A whole deployment, whatever the test before has left."""
    if not account.is_whole:
        account.up()
    return account


def test_everything_goes_and_a_second_time_there_is_nothing(deployed: Deployed) -> None:
    """The provider's own statement for a public URL goes with the function; the images are the last."""
    policy = deployed.moto.client("lambda").get_policy(FunctionName="digits", Qualifier="live")["Policy"]
    assert "FunctionURLAllowPublicAccess" in {statement["Sid"] for statement in json.loads(policy)["Statement"]}
    removed, kept = deployed.down()
    assert f"ECR repository {REPOSITORY}" == removed[-1]
    assert {"aws_lambda_function.this", "aws_lambda_alias.candidate", "aws_lambda_alias.live[0]"} < set(removed)
    assert ((), ()) == (kept, deployed.left)
    assert ((), ()) == deployed.down()


def test_a_lost_state_leaves_the_function_its_image_and_its_role(deployed: Deployed) -> None:
    """It may be somebody's who deploys from another folder: `up` first, which takes over."""
    before = deployed.left
    with deployed.state_restored():
        (deployed.moto.folder / "terraform.tfstate").unlink()
        with pytest.raises(DeployerError, match="does not know the Lambda function digits"):
            deployed.down()
    assert before == deployed.left


def test_a_function_of_somebody_else_keeps_what_it_needs(deployed: Deployed) -> None:
    """Nothing at all is destroyed where the function is another deployment's and the state does not know it."""
    lambda_ = deployed.moto.client("lambda")
    arn = lambda_.get_function_configuration(FunctionName="digits")["FunctionArn"]
    lambda_.tag_resource(Resource=arn, Tags={"deployer:name": "other"})
    with deployed.state_restored():
        deployed.forget("aws_lambda_function.this")
        with pytest.raises(DeployerError, match="are left alone"):
            deployed.down()
    lambda_.tag_resource(Resource=arn, Tags={"deployer:name": "digits"})
    assert ROLE == deployed.moto.client("iam").get_role(RoleName=ROLE)["Role"]["RoleName"]
    assert deployed.moto.aws.image_digest(REPOSITORY, "v1") is not None


def test_a_terraform_that_is_at_work_stops_it_before_anything_is_destroyed(deployed: Deployed) -> None:
    """One that outlived a killed `up` may be about to make what needs the images."""
    before = deployed.left
    with held(deployed.moto.folder / "terraform.tfstate") as process:
        with pytest.raises(DeployerError, match=rf"is locked: terraform \(process {process}\)") as told:
            deployed.down()
        assert f"kill {process}" in told.value.hint
    assert before == deployed.left


def test_what_a_killed_up_made_and_did_not_write_down_is_taken_over(deployed: Deployed) -> None:
    """One `up` is enough: nothing is made twice."""
    before = deployed.moto.terraform.resources()
    lost = ("aws_lambda_alias.live", "aws_lambda_function_url.live", "aws_lambda_permission.public_invoke")
    deployed.forget(*lost, "aws_cloudwatch_log_group.this")
    assert [] == [line for line in deployed.up() if line.startswith(("create", "replace", "delete"))]
    assert deployed.moto.terraform.resources() == before


def test_what_is_to_be_kept_is_named_and_the_next_up_takes_it_over(deployed: Deployed) -> None:
    """The log group leaves terraform's state before the rest is destroyed."""
    removed, kept = deployed.down(Keep(images=True, logs=True))
    assert (f"ECR repository {REPOSITORY}", f"log group {GROUP}") == kept == deployed.left
    assert "aws_cloudwatch_log_group.this" not in removed
    made = deployed.up()
    assert "create aws_lambda_function.this" in made
    assert "create aws_cloudwatch_log_group.this" not in made


@pytest.mark.parametrize(
    "lost",
    [
        ["aws_lambda_function.this"],
        ["aws_iam_role.this", "aws_iam_role_policy.log", "aws_lambda_alias.live", "aws_cloudwatch_log_group.this"],
    ],
    ids=["the function", "all around it"],
)
def test_what_a_killed_up_made_and_did_not_write_down_goes_too(deployed: Deployed, lost: list[str]) -> None:
    """One `down` is enough, whatever was just being made."""
    deployed.forget(*lost)
    deployed.down()
    assert () == deployed.left
