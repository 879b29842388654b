"""A deployment that was made from another folder: what this one's config leads to, and what `down` says of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from idle_toolbox import idle_toolbox

from deployer.config import load_config
from deployer.errors import BadInput, DeployerError
from deployer.models import Bento, Outputs, Tag
from deployer.releases import Version
from deployer.results import DownResult
from deployer.stages.template_files import bring_template
from deployer.targets import Environment
from deployer.templates import template_folder
from deployer.toolbox import Toolbox
from deployer.tools.terraform_backend import StatePlace
from deployer.workflows.deployment import Selection, deployment_to_ask, recorded_elsewhere
from deployer.workflows.down import down
from deployer.workflows.drift import as_released, drift
from deployer.workflows.force_unlock import force_unlock
from deployer.workflows.state import show_state
from deployer.workspace import Workspace

BACKEND = {"terraform": {"backend": {"type": "s3", "bucket": "states"}}}
S3 = StatePlace("s3", "states", "deployer/digits/eu-west-1/terraform.tfstate", "eu-west-1")
SAID = f"digits:v7 [image sha256:{'a' * 12}, inputs {'b' * 16}]"
NEWEST = Version("7", f"sha256:{'a' * 64}", SAID, "2026-11-23T00:00:00Z")
BENTO = Bento(Tag("digits", "v1"), Path(), "3.11", "1.4.0", "service:Digits")


@dataclass
class Terraform:
    """A state in S3 with these resources."""

    known: tuple[str, ...] = ()

    def resources(self) -> tuple[str, ...]:
        return self.known

    def place(self) -> StatePlace:
        return S3

    def lock(self) -> None:
        return None

    def init(self) -> None: ...

    @property
    def path(self) -> Path:
        return Path("no template with parts for newer providers")

    def output(self) -> Outputs:
        return Outputs("", "digits", "r:v7", NEWEST.number)

    def keeps_own_place(self) -> bool:
        return False


@dataclass
class Bucket:
    """The bucket of the states, and whether it is there."""

    is_there: bool = True

    def exists(self) -> bool:
        return self.is_there


class Releases:
    """One version, which is live."""

    def version(self, qualifier: str) -> Version | None:
        return NEWEST if qualifier in (NEWEST.number, "live") else None


class Images:
    """A repository of the deployment's own."""

    def owner(self) -> str:
        return "digits"


@dataclass
class Aws:
    """An account with a function `digits` of some owner; `asked` are the names that were asked for."""

    owner: str | None = None
    bucket: Bucket = field(default_factory=Bucket)
    asked: list[str] = field(default_factory=list)

    def function_owner(self, name: str) -> str | None:
        self.asked.append(name)
        return self.owner

    def state_bucket(self, name: str) -> Bucket:
        return self.bucket

    def releases(self, name: str) -> Releases:
        return Releases()

    def images(self, repository: str) -> Images:
        return Images()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deployment_configs").mkdir()
    return tmp_path


def write_config(folder: Path, **more: Any) -> Path:
    path = folder / "deployment_configs" / "digits.yaml"
    values = {"api_version": "v1", "name": "digits", "operator": {"name": "aws-lambda"}, "template": "terraform"}
    spec = {"region": "eu-west-1", "timeout": 9}
    path.write_text(json.dumps({**values, "target": "aws", "spec": spec, **more}), encoding="utf-8")
    return path


def tools_of(folder: Path, aws: Aws | None = None, *known: str) -> Toolbox:
    return idle_toolbox(folder, variables={}, aws=aws or Aws(), terraform=Terraform(known))


def removed(tools: Toolbox, **selection: Any) -> DownResult:
    """What `down` says where nobody confirms anything."""
    return down(Selection(**selection), tools, confirm=lambda question: False)


@pytest.mark.parametrize("more", [{}, BACKEND], ids=["on the disk", "in S3"])
@pytest.mark.parametrize("by", ["config", "name"])
def test_down_does_not_say_nothing_of_what_another_folder_deployed(folder: Path, more: Any, by: str) -> None:
    """It cannot be destroyed without its state: what to do is said, and the exit code is 1."""
    path = write_config(folder, **more)
    selection: dict[str, Any] = {"config": path} if by == "config" else {"name": "digits"}
    with pytest.raises(DeployerError, match="digits is deployed in account 123456789012, region eu-west-1") as told:
        removed(tools_of(folder, Aws("digits")), **selection)
    assert "`deployer up`" in told.value.hint and told.value.exit_code == 1


@pytest.mark.parametrize("more", [{}, BACKEND], ids=["on the disk", "in S3"])
@pytest.mark.parametrize("owner", [None, "", "other"])
def test_down_of_what_is_not_there_is_no_error(folder: Path, more: Any, owner: str | None) -> None:
    """A function of that name that is somebody else's is no deployment."""
    aws = Aws(owner)
    result = removed(tools_of(folder, aws), config=write_config(folder, **more))
    assert ((), ["digits"]) == (result.removed, aws.asked)


def test_a_bucket_that_is_gone_holds_no_state(folder: Path) -> None:
    """After a `down` somebody may have deleted it too."""
    path = write_config(folder, **BACKEND)
    assert () == removed(tools_of(folder, Aws(bucket=Bucket(is_there=False)), "a.b"), config=path).removed


def test_down_finds_the_state_in_s3_and_asks_before_it_destroys(folder: Path) -> None:
    """With a template and values in the folder: terraform destroys nothing without them."""
    path = write_config(folder, **BACKEND)
    with pytest.raises(DeployerError, match="Nothing was removed"):
        removed(tools_of(folder, Aws("digits"), "aws_lambda_function.this"), config=path)
    assert (Workspace.named(folder, "digits", "aws").terraform / "main.tf").is_file()


def test_nothing_is_asked_where_no_option_says_what_is_meant(folder: Path) -> None:
    """A plain `down` in a folder without a deployment, and one in a folder with its record."""
    write_config(folder, **BACKEND)
    aws = Aws("digits")
    assert () == removed(tools_of(folder, aws)).removed
    assert [] == aws.asked


def test_a_name_that_is_not_deployed_is_still_told_with_what_is(folder: Path) -> None:
    """A slip of the pen is no deployment of another folder."""
    config = load_config(write_config(folder))
    Workspace.at(folder, "digits", "aws").remember(config, BENTO)
    with pytest.raises(BadInput, match="there are: digits"):
        removed(tools_of(folder), name="digts", target="aws")
    assert ["digits"] == [path.name for path in (folder / ".deployer").glob("dig*")]


def test_what_is_in_s3_can_be_asked_about_from_a_fresh_checkout(folder: Path) -> None:
    """By the config alone; beside deployments of other names too."""
    path = write_config(folder, **BACKEND)
    tools = tools_of(folder, None, "a.b")
    shown = show_state(Selection(config=path), tools)
    assert (str(S3), ("a.b",)) == (shown.place, shown.resources)
    assert "" == force_unlock(Selection(config=path), tools, identity=None, confirm=lambda question: False)
    Workspace.at(folder, "words", "aws").remember(load_config(path, name="words"), BENTO)
    found = deployment_to_ask(Selection(config=path), tools, command="smoke-test")
    assert ("digits", 9, None) == (found.config.name, found.config.spec.timeout, found.workspace.record())


def test_an_environment_is_found_by_its_name_alone(folder: Path) -> None:
    """In the only config here."""
    write_config(folder, **BACKEND, environments={"prod": {"spec": {"timeout": 7}}})
    found = recorded_elsewhere(Selection(environment="prod"), tools_of(folder), command="drift")
    assert found is not None
    assert ("digits-prod", 7) == (found.config.name, found.config.spec.timeout)


def test_a_config_without_a_bucket_leads_to_no_state(folder: Path) -> None:
    """Only the folder that it was deployed from has it."""
    path = write_config(folder)
    assert None is recorded_elsewhere(Selection(config=path), tools_of(folder), command="drift")
    with pytest.raises(DeployerError, match="Nothing is deployed here"):
        deployment_to_ask(Selection(config=path), tools_of(folder), command="drift")


def test_a_record_of_this_folder_counts(folder: Path) -> None:
    """What it says of region and account is what was deployed."""
    path = write_config(folder, **BACKEND)
    Workspace.at(folder, "digits", "aws").remember(load_config(path), BENTO)
    for selection in (Selection(config=path), Selection(name="digits"), Selection()):
        assert None is recorded_elsewhere(selection, tools_of(folder), command="drift")


def test_the_values_to_destroy_by_are_all_that_the_template_asks_for(folder: Path) -> None:
    """Those without a default; the image's are stand-ins, within the template's own limits."""
    config, into = load_config(write_config(folder)), folder / "terraform"
    bring_template(config, Environment("aws", "eu-west-1"), into)
    assert {file.name for file in template_folder().glob("*.tf")} == {file.name for file in into.glob("*.tf")}
    values = json.loads((into / "terraform.tfvars.json").read_text())
    variables = re.findall(r'^variable "(\w+)" \{(.*?)^\}', (into / "variables.tf").read_text(), re.M | re.S)
    needed = {name for name, body in variables if not re.search(r"^  default ", body, re.M)}
    assert {"region", "name", "repository_name", "image_tag", "image_digest"} == needed
    assert needed <= set(values) <= {name for name, _ in variables}
    assert re.fullmatch(r"[^:@ ]+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", values["image_tag"])
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", values["image_digest"])
    assert 0o600 == (into / "terraform.tfvars.json").stat().st_mode & 0o777


def test_the_values_to_compare_by_are_those_of_the_release_that_is_there(folder: Path) -> None:
    """Without an `up` in this folder: the newest version says which Bento and image it was made of."""
    path = write_config(folder, **BACKEND, bento="digits")
    tools = tools_of(folder, Aws("digits"), "aws_lambda_function.this")
    fresh = recorded_elsewhere(Selection(config=path), tools, command="drift")
    assert fresh is not None
    found = as_released(fresh, Environment("aws", "eu-west-1"), tools)
    values = json.loads((found.workspace.terraform / "terraform.tfvars.json").read_text())
    assert "digits:v7" == found.config.bento == values["tags"]["deployer:bento"]
    expected = {"image_tag": "r:v7", "image_digest": NEWEST.digest, "description": NEWEST.description, "timeout": 9}
    expected |= {"released": True, "owns_repository": True, "architecture": "x86_64"}
    assert expected == {name: values[name] for name in expected}


def test_drift_of_a_state_without_anything_in_it_is_refused(folder: Path) -> None:
    """There is nothing to compare with."""
    path = write_config(folder, **BACKEND)
    with pytest.raises(DeployerError, match="knows nothing of digits"):
        drift(Selection(config=path), tools_of(folder))
