"""A deployment of the kind that upstream bentoctl made, on the local AWS: taken over, finished with, and removed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import urllib3
from idle_toolbox import idle_toolbox
from laptop import Laptop
from local_endpoint import KEYS, LocalEndpoint
from release_desk import Desk
from upstream_deployment import UpstreamOnDisk

from deployer.errors import BadInput, DeployerError
from deployer.results import AdoptResult
from deployer.targets import Environment
from deployer.toolbox import Toolbox
from deployer.tools.aws import Aws
from deployer.workflows.adopt import AdoptRequest, Way, adopt
from deployer.workflows.deployment import Selection

ACCOUNT, REGION = "123456789012", "us-east-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
HANDLER = "deployer_runtime.handler.handle"
NAMES = {"names": ["GREETING"]}
LOGS = ("/aws/api_gw/iris-gw", "/aws/lambda/iris-function")
HOUR = 3600


@dataclass
class Client:
    """Somebody who asks the old API all the time; `told` are status and answer of each request."""

    url: str
    told: list[tuple[int, Any]] = field(default_factory=list)

    @contextmanager
    def asking(self) -> Iterator[None]:
        ended = threading.Event()
        thread = threading.Thread(target=self._ask, args=(ended,))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _ask(self, ended: threading.Event) -> None:
        while not ended.wait(0.2):
            self.told.append(greeting(self.url))


def greeting(url: str) -> tuple[int, Any]:
    answer = urllib3.request("POST", f"{url.rstrip('/')}/variables", json=NAMES, retries=False, timeout=60)
    return answer.status, answer.json().get("GREETING")


@dataclass(frozen=True)
class Migration:
    """The old deployment on a laptop's local AWS, and the desk that releases the same service with deployer."""

    old: UpstreamOnDisk
    desk: Desk

    @property
    def url(self) -> str:
        """The old API's."""
        return str(self.old.client("apigatewayv2").get_api(ApiId=self.old.api())["ApiEndpoint"])

    def adopt(self, *options: str, code: int = 0) -> Any:
        laptop, folder = self.desk.laptop, str(self.old.folder)
        if code:
            return laptop.deployer("adopt", folder, "-f", str(self.desk.config), *options, code=code).stderr
        return laptop.deployer_json("adopt", folder, "-f", str(self.desk.config), *options)


@pytest.fixture
def migration(laptop: Laptop, tmp_path: Path) -> Iterator[Migration]:
    """The echo service, built and deployed as bentoctl would have: it says `old`."""
    import boto3

    machine = replace(laptop, folder=tmp_path)
    machine.deployer("local", "start")
    status = machine.deployer_json("local", "status")
    user, _, password = machine.deployer("local", "credentials").stdout.strip().partition(":")
    keys = {"AWS_ENDPOINT_URL": status["endpoint"], "AWS_ACCESS_KEY_ID": user, "AWS_SECRET_ACCESS_KEY": password}
    shell = replace(machine, variables={**machine.variables, **keys})
    client = partial(
        boto3.client,
        region_name=REGION,
        endpoint_url=status["endpoint"],
        aws_access_key_id=user,
        aws_secret_access_key=password,
    )
    desk = Desk(machine, tmp_path / "migrated-function.yaml", bento="migrated")
    desk.build()
    client("ecr").create_repository(repositoryName="migrated")
    machine.deployer("image", "build", "migrated:latest", "--layout", "layout", "--base", "none")
    shell.deployer("image", "push", "layout", f"{HOST}/migrated:v1", "--registry-url", status["registry"], "--no-check")
    old = UpstreamOnDisk(tmp_path / "bentoctl", "migrated", shell.variables, client)
    old.deploy(image_version="v1", handler=HANDLER)
    yield Migration(old, desk)
    machine.deployer("down")
    machine.deployer("adopt", str(old.folder), "--finish", "--even-if-used", "--target", "local")


def test_a_deployment_moves_to_deployer_and_no_request_is_lost(migration: Migration) -> None:
    """The old API answers as before until it is finished with; what only it needed is gone then, and nothing else."""
    old, desk, client = migration.old, migration.desk, Client(migration.url)
    assert (200, "old") == greeting(client.url)
    desk.write("new")
    assert "its tag deployer:name is missing" in desk.laptop.deployer("up", "-f", str(desk.config), code=1).stderr
    assert "is not taken over yet" in migration.adopt("--finish", code=2)

    with client.asking():
        taken = migration.adopt()
        assert ("1", client.url, "") == (taken["version"], taken["old_endpoint"].rstrip("/"), taken["endpoint"])
        assert "migrated-function:bentoctl" == old.asks()
        aside = ["deployment_config.yaml.adopted", "main.tf.adopted", "terraform.tfstate.adopted"]
        assert aside == [Path(path).name for path in taken["set_aside"]]
        assert "No version of migrated-function was released" in migration.adopt("--finish", code=1)

        released = desk.up()
        assert ("2", "2") == (released["version"], released["live"])
        assert (200, "new") == greeting(released["endpoint"])
        again = migration.adopt()
        assert ("1", released["endpoint"], []) == (again["version"], again["endpoint"], again["set_aside"])
        assert f"--finish -f {desk.config} --target local" in again["next"][-1]
    assert {(200, "old")} == set(client.told)
    assert len(client.told) > 10

    _set_aside_an_hour_ago(old)
    assert "was asked" in migration.adopt("--finish", code=1)
    removed = migration.adopt("--finish", "--even-if-used")["removed"]
    assert [
        "HTTP API",
        "alias bentoctl of version 1",
        "version 1 of migrated-function",
        "policy statement AllowExecutionFromAPIGateway of migrated-function",
        "log group /aws/api_gw/migrated-gw",
        "IAM role migrated-iam",
        "ECR repository migrated",
    ] == [removed[0].rpartition(" ")[0], *removed[1:]]
    assert (404, None) == greeting(client.url)
    assert (200, "new") == greeting(released["endpoint"])
    assert [] == migration.adopt("--finish")["removed"]
    assert 0 == desk.laptop.deployer("plan", "-f", str(desk.config), "--refresh", "--detailed-exitcode").returncode
    assert ["2"] == [release["version"] for release in desk.history()]


def _set_aside_an_hour_ago(old: UpstreamOnDisk) -> None:
    file, then = old.folder / "terraform.tfstate.adopted", time.time() - HOUR
    os.utime(file, (then, then))


@dataclass(frozen=True)
class Account:
    """An account that runs no function, with an old deployment in it."""

    folder: Path
    endpoint: LocalEndpoint
    account: str = ACCOUNT

    @property
    def shell(self) -> dict[str, str]:
        keys = {"AWS_ACCESS_KEY_ID": KEYS.access_key_id, "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key}
        return {**os.environ, "AWS_ENDPOINT_URL": self.endpoint.endpoint, **keys}

    @property
    def old(self) -> UpstreamOnDisk:
        return UpstreamOnDisk(self.folder / "bentoctl", "iris", self.shell, self.endpoint.aws)

    @property
    def tools(self) -> Toolbox:
        aws = Aws(Environment("aws", REGION), self.shell)
        return idle_toolbox(self.folder, variables=self.shell, aws=aws, terraform=None)

    def deploy(self) -> None:
        self.endpoint.image("iris", "one", tag="v1")
        self.old.deploy(image_version="v1")

    def adopt(self, way: Way, *, yes: bool = True) -> AdoptResult:
        request = AdoptRequest(self.old.folder, Selection(), way)
        return adopt(request, self.tools, confirm=lambda question: yes)

    def tag(self, **tags: str) -> None:
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:iris-function"
        self.endpoint.aws("lambda").tag_resource(Resource=arn, Tags=tags)

    def left(self) -> list[str]:
        """All that there is of its kinds."""
        aws = self.endpoint.aws
        return [
            *(function["FunctionName"] for function in aws("lambda").list_functions()["Functions"]),
            *(api["Name"] for api in aws("apigatewayv2").get_apis()["Items"] if api["Name"] == "iris-gw"),
            *(group["logGroupName"] for group in aws("logs").describe_log_groups()["logGroups"]),
            *(role["RoleName"] for role in aws("iam").list_roles()["Roles"]),
            *(repository["repositoryName"] for repository in aws("ecr").describe_repositories()["repositories"]),
        ]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One for all: an apply takes longer than all else here."""
    endpoint = LocalEndpoint(tmp_path_factory.mktemp("blobs"))
    made = Account(tmp_path_factory.mktemp("adoption"), endpoint)
    made.deploy()
    yield made
    endpoint.close()


def test_without_a_config_of_the_functions_name_nothing_is_taken_over(account: Account) -> None:
    """The hint says which name and region it needs."""
    with pytest.raises(BadInput, match=r"No config is named iris-function") as told:
        account.adopt("take over")
    assert "`name` is iris-function and `spec.region` is us-east-1" in told.value.hint


def test_what_is_not_agreed_to_is_left_alone(account: Account) -> None:
    """Each question comes before anything is done."""
    there = account.left()
    with pytest.raises(DeployerError, match=r"Nothing was removed\."):
        account.adopt("remove", yes=False)
    assert there == account.left()


def test_a_function_that_is_deployers_is_not_removed_with_the_old_things(account: Account) -> None:
    """`down` is for that; and so it is after an adoption that was killed before the state was set aside."""
    there = account.left()
    account.tag(**{"deployer:name": "iris-function"})
    with pytest.raises(DeployerError, match="iris-function is deployer's own") as told:
        account.adopt("remove")
    account.endpoint.aws("lambda").untag_resource(
        Resource=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:iris-function", TagKeys=["deployer:name"]
    )
    assert "deployer down" in told.value.hint
    assert there == account.left()


def test_a_role_and_images_that_another_function_uses_stay(account: Account) -> None:
    """They are named with who needs them; all else is gone, and a second time there is nothing to remove.

    One that has the same image from another repository needs nothing.
    """
    account.endpoint.function("copy", Code={"ImageUri": account.endpoint.image("copies", "one")})
    there = account.left()
    lambda_ = account.endpoint.aws("lambda")
    old = lambda_.get_function(FunctionName="iris-function")
    lambda_.create_function(
        FunctionName="other",
        Role=old["Configuration"]["Role"],
        PackageType="Image",
        Code={"ImageUri": old["Code"]["ImageUri"]},
    )
    result = account.adopt("remove")
    assert [
        "Lambda function iris-function",
        *(f"log group {name}" for name in LOGS),
    ] == list(result.removed[1:])
    needed = "needed by function other"
    assert (f"IAM role iris-iam: {needed}", f"ECR repository iris: {needed}") == result.kept
    assert {*there, "other"} - {"iris-function", "iris-gw", *LOGS} == set(account.left())

    lambda_.delete_function(FunctionName="other")
    assert ("IAM role iris-iam", "ECR repository iris") == account.adopt("remove").removed
    assert {"copy", "copies", "functions"} == set(account.left())
    assert AdoptResult("iris-function") == account.adopt("remove")
