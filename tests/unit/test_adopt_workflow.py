"""What `adopt` refuses before anything is done, what it asks, and what it tells the user to do next."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from idle_toolbox import idle_toolbox

from deployer.errors import BadInput, DeployerError
from deployer.releases import Alias
from deployer.results import AdoptResult
from deployer.tools.aws_upstream_parts import Part
from deployer.workflows.adopt import AdoptRequest, Way, adopt
from deployer.workflows.deployment import Selection

REGION, ACCOUNT = "us-east-1", "123456789012"
CONFIG = (
    "api_version: v1\nname: {}\noperator:\n  name: aws-lambda\ntemplate: terraform\ntarget: aws\nspec:\n  region: {}\n"
)
FUNCTION = {"function_name": "iris-function", "arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:iris-function"}
API = {"id": "a1", "arn": f"arn:aws:apigateway:{REGION}::/apis/a1"}
ALL, AROUND = ["api", "function", "role"], ["api", "alias of version 7", "role"]


@dataclass
class OldAws:
    """An account with an old deployment; `owner` is its function's, None without one. `done` is what was done to it."""

    owner: str | None = ""
    live: str = ""
    frozen_version: str = ""
    count: int = 0
    gone: set[str] = field(default_factory=set)
    done: list[str] = field(default_factory=list)

    def function_owner(self, name: str) -> str | None:
        return self.owner

    def releases(self, name: str) -> OldAws:
        return self

    def url(self, alias: str) -> str | None:
        return self.live or None

    def alias(self, name: str) -> Alias | None:
        return Alias(name, "8") if self.live else None

    def version_http(self, function: str, version: str) -> Any:
        raise AssertionError("there is no API, and so nothing is compared")

    def upstream(self, deployment: object) -> OldAws:
        return self

    @property
    def parts(self) -> OldAws:
        return self

    def all(self) -> tuple[Part, ...]:
        return tuple(map(self._part, ALL))

    def around_the_function(self, version: str) -> tuple[Part, ...]:
        return tuple(self._part(line) for line in AROUND if version or "alias" not in line)

    def _part(self, line: str) -> Part:
        return Part(line, lambda: line not in self.gone, lambda: self.gone.add(line))

    def asks_latest(self) -> tuple[str, ...]:
        return ("event source orders",)

    def endpoint(self) -> str:
        return ""

    def frozen(self) -> str:
        return self.frozen_version

    def tag(self) -> None:
        self.done.append("tag")

    def requests(self, *, since: datetime) -> int:
        self.done.append("requests")
        return self.count


@dataclass(frozen=True)
class Desk:
    """A project with a config and, in `old`, the folder of bentoctl."""

    folder: Path
    aws: OldAws

    def state(self, *resources: tuple[str, dict[str, Any]], adopted: bool = False) -> None:
        written = [
            {"mode": "managed", "type": kind, "name": "x", "instances": [{"attributes": values}]}
            for kind, values in resources
        ]
        (self.folder / "old").mkdir(exist_ok=True)
        file = self.folder / "old" / f"terraform.tfstate{'.adopted' if adopted else ''}"
        file.write_text(json.dumps({"version": 4, "resources": written}))

    def config(self, name: str = "iris-function", region: str = REGION) -> Path:
        (self.folder / "deployment_configs").mkdir(exist_ok=True)
        path = self.folder / "deployment_configs" / "iris.yaml"
        path.write_text(CONFIG.format(name, region))
        return path

    def adopt(
        self,
        way: Way = "take over",
        *,
        config: Path | None = None,
        even_if_used: bool = False,
        confirm: Callable[[str], bool] = lambda question: True,
    ) -> AdoptResult:
        tools = idle_toolbox(self.folder, variables={}, aws=self.aws, terraform=nullcontext())
        request = AdoptRequest(self.folder / "old", Selection(config=config), way, even_if_used)
        return adopt(request, tools, confirm=confirm)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    made = Desk(tmp_path, OldAws())
    made.state(("aws_lambda_function", FUNCTION), ("aws_apigatewayv2_api", API))
    return made


def test_a_function_is_taken_over_and_the_next_steps_are_told(desk: Desk) -> None:
    """The config is found by the function's name; the commands lead to it again."""
    file = desk.config()
    result = desk.adopt()
    options = f"-f {file} --target aws"
    assert (
        f"deployer up --bento NAME:VERSION {options}",
        "let clients ask the endpoint that it prints",
        f"deployer adopt {desk.folder / 'old'} --finish {options}",
    ) == result.next
    assert (tuple(ALL), ["tag"]) == (result.holds, desk.aws.done)
    assert (str(desk.folder / "old" / "terraform.tfstate.adopted"),) == result.set_aside


def test_after_up_the_new_endpoint_is_named(desk: Desk) -> None:
    """Adopting again does nothing but tell."""
    desk.state(("aws_lambda_function", FUNCTION), adopted=True)
    (desk.folder / "old" / "terraform.tfstate").unlink()
    desk.config()
    desk.aws.owner, desk.aws.live, desk.aws.frozen_version = "iris-function", "https://new/", "7"
    result = desk.adopt()
    assert ("7", "https://new/", (), []) == (result.version, result.endpoint, result.set_aside, desk.aws.done)
    assert "let clients ask https://new/" == result.next[0]


@pytest.mark.parametrize(
    ("name", "region"), [("iris", REGION), ("iris-function", "eu-west-1")], ids=["another name", "another region"]
)
def test_a_config_for_something_else_is_refused(desk: Desk, name: str, region: str) -> None:
    """`up` would make a second function of it."""
    with pytest.raises(BadInput, match="a function keeps its name and its region") as told:
        desk.adopt(config=desk.config(name, region))
    assert "`name` is iris-function and `spec.region` is us-east-1" in told.value.hint
    assert [] == desk.aws.done


def test_another_accounts_deployment_is_refused(desk: Desk) -> None:
    """Its names may be there too."""
    desk.state(("aws_lambda_function", {**FUNCTION, "arn": FUNCTION["arn"].replace(ACCOUNT, "210987654321")}))
    (desk.folder / "deployment_configs").mkdir()
    pinned = desk.folder / "iris.yaml"
    pinned.write_text(CONFIG.format("iris-function", REGION) + f'account: "{ACCOUNT}"\n')
    with pytest.raises(
        DeployerError, match=f"is in the AWS account 210987654321, and the credentials are of {ACCOUNT}"
    ):
        desk.adopt(config=pinned)


@pytest.mark.parametrize(
    ("owner", "said"), [(None, "There is no Lambda function"), ("wine", "belongs to the deployment wine")]
)
def test_a_function_that_is_gone_or_somebodys_is_not_taken_over(desk: Desk, owner: str | None, said: str) -> None:
    """Nothing is tagged."""
    desk.config()
    desk.aws.owner = owner
    with pytest.raises(DeployerError, match=said):
        desk.adopt()
    assert [] == desk.aws.done


def test_what_is_not_agreed_to_is_not_taken_over(desk: Desk) -> None:
    """The state stays where it is."""
    desk.config()
    with pytest.raises(DeployerError, match=r"Nothing was taken over\."):
        desk.adopt(confirm=lambda question: False)
    assert ([], True) == (desk.aws.done, (desk.folder / "old" / "terraform.tfstate").exists())


def test_a_state_with_other_things_is_not_removed(desk: Desk) -> None:
    """They are the user's own, and somebody may need them."""
    desk.state(("aws_lambda_function", FUNCTION), ("aws_s3_bucket", {}))
    with pytest.raises(DeployerError, match=r"does not make: aws_s3_bucket\.x\. Nothing was removed"):
        desk.adopt("remove")


@pytest.mark.parametrize(("owner", "adopted"), [("iris-function", False), ("", True), ("wine", False)])
def test_what_is_deployers_is_not_removed_as_bentoctls(desk: Desk, owner: str, adopted: bool) -> None:
    """By its tag, or by the state that was set aside."""
    if adopted:
        state = desk.folder / "old" / "terraform.tfstate"
        state.rename(state.with_name("terraform.tfstate.adopted"))
    desk.aws.owner = owner
    with pytest.raises(DeployerError, match=r"Nothing was removed\."):
        desk.adopt("remove")
    assert set() == desk.aws.gone


def test_removal_needs_no_config(desk: Desk) -> None:
    """The state says region and account."""
    assert AdoptResult("iris-function", removed=tuple(ALL)) == desk.adopt("remove")
    assert AdoptResult("iris-function") == desk.adopt("remove")


def test_half_a_deployment_is_removed_and_not_taken_over(desk: Desk) -> None:
    """bentoctl goes on after a failed apply; a config without a name is not for it."""
    desk.state(
        ("aws_apigatewayv2_api", API), ("aws_iam_role", {"name": "iris-iam", "arn": f"arn:aws:iam::{ACCOUNT}:x"})
    )
    (desk.folder / "deployment_configs").mkdir()
    (desk.folder / "deployment_configs" / "nameless.yaml").write_text("bento: iris\n")
    with pytest.raises(BadInput, match="No Lambda function is in the state"):
        desk.adopt()
    assert tuple(ALL) == desk.adopt("remove").removed


@dataclass(frozen=True)
class Finishing:
    """A deployment that was taken over, and released where `live`."""

    desk: Desk

    def given(self, *, owner: str | None = "iris-function", live: str = "https://new/", count: int = 0) -> Desk:
        state = self.desk.folder / "old" / "terraform.tfstate"
        state.rename(state.with_name("terraform.tfstate.adopted"))
        aws = self.desk.aws
        aws.owner, aws.live, aws.count = owner, live, count
        aws.frozen_version = "7" if owner else ""
        return self.desk


@pytest.fixture
def finishing(desk: Desk) -> Finishing:
    return Finishing(desk)


def test_nothing_is_finished_before_it_is_begun(desk: Desk) -> None:
    """Nor is anything asked."""
    with pytest.raises(BadInput, match="is not taken over yet"):
        desk.adopt("finish")


@pytest.mark.parametrize(
    ("owner", "live", "said"),
    [
        ("iris-function", "", "was released by `deployer up` yet"),
        ("", "https://new/", "tag deployer:name is missing"),
        ("wine", "https://new/", "tag deployer:name is wine"),
    ],
)
def test_the_old_api_stays_until_deployer_has_released(finishing: Finishing, owner: str, live: str, said: str) -> None:
    """Otherwise nothing would answer."""
    desk = finishing.given(owner=owner, live=live)
    with pytest.raises(DeployerError, match=said):
        desk.adopt("finish")
    assert set() == desk.aws.gone


def test_the_old_api_stays_while_somebody_asks_it(finishing: Finishing) -> None:
    """Unless the user says that this is of no matter."""
    desk = finishing.given(count=3)
    with pytest.raises(DeployerError, match="was asked 3 times in the last") as told:
        desk.adopt("finish")
    assert "--even-if-used" in told.value.hint
    assert set() == desk.aws.gone
    assert tuple(AROUND) == desk.adopt("finish", even_if_used=True).removed


def test_the_question_says_how_often_it_was_asked(finishing: Finishing) -> None:
    """And for how long it was looked at."""
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return True

    finishing.given().adopt("finish", confirm=confirm)
    assert [
        "Remove what upstream bentoctl left of iris-function, whose old API was asked 0 times in the last 0.0 hours?"
    ] == asked


def test_a_function_that_was_taken_down_needs_nothing_any_more(finishing: Finishing) -> None:
    """Nobody can have asked it: no metrics are read."""
    desk = finishing.given(owner=None, live="")
    assert ("api", "role") == desk.adopt("finish").removed
    assert [] == desk.aws.done
