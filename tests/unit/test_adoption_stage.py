"""The order in which a function is taken over, what stops it, which files are set aside, and how parts are removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from deployer.clock import Clock
from deployer.errors import DeployerError
from deployer.stages.adoption import ASKED, Asking, remove, set_aside, set_aside_at, take_over
from deployer.tools.aws_upstream_parts import Part
from deployer.tools.http import Response, Unreachable
from deployer.tools.upstream_state import UpstreamDeployment

DEPLOYMENT = UpstreamDeployment(Path(), "us-east-1", "123456789012", function="iris-function", repository="iris")
LATEST = "arn:aws:apigateway:r:lambda:path/2015-03-31/functions/arn:aws:lambda:r:1:function:iris-function/invocations"


@dataclass
class Api:
    """An old deployment; `done` is what was asked of it, in that order."""

    address: str = "https://old"
    asked: str = LATEST
    done: list[str] = field(default_factory=list)

    def endpoint(self) -> str:
        return self.address

    def freeze(self) -> str:
        self.done.append("freeze")
        return "7"

    def point(self, qualifier: str) -> str:
        self.done.append(f"point {qualifier}".strip())
        return self.asked

    def tag(self) -> None:
        self.done.append("tag")


@dataclass
class Answers:
    """An Http that answers with these statuses, one after the other; 0 is no answer."""

    statuses: Iterator[int]
    done: list[str]

    def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"", timeout: float) -> Response:
        self.done.append(f"{method} {url}")
        status = next(self.statuses)
        if not status:
            raise Unreachable("nothing came")
        return Response(status, {}, b"", 1.0)


def asking(api: Api, *statuses: int, version: int = 200) -> Asking:
    old, frozen = Answers(iter(statuses), api.done), Answers(iter([version]), api.done)
    return Asking(old, lambda number: frozen, Clock(sleep=lambda seconds: None))


def quiet(line: str) -> None: ...


def test_the_api_asks_what_answered_before_the_function_becomes_deployers() -> None:
    """The version has answered before the API asks it, and the API has answered from it before the tag."""
    api = Api()
    assert "7" == take_over(api, asking(api, 200, *[200] * ASKED), say=quiet)
    root = "GET https://old/"
    assert ["freeze", root, "GET /", "point bentoctl", *[root] * ASKED, "tag"] == api.done


def test_a_second_time_the_api_is_not_doubted() -> None:
    """It asks the alias already."""
    api = Api(asked=LATEST.replace("/invocations", ":bentoctl/invocations"))
    take_over(api, asking(api, 200), say=quiet)
    assert ["freeze", "GET https://old/", "GET /", "point bentoctl", "tag"] == api.done


def test_a_version_that_does_not_answer_is_never_asked_by_the_api() -> None:
    """Nothing of the old deployment was changed."""
    api = Api()
    with pytest.raises(DeployerError, match="answered 200 to GET /, and version 7, published of the same, answers 502"):
        take_over(api, asking(api, 200, version=502), say=quiet)
    assert not {"point bentoctl", "tag"} & set(api.done)


@pytest.mark.parametrize("after", [[500], [200, 503], [0]])
def test_an_api_that_answers_worse_asks_the_function_again(after: list[int]) -> None:
    """And the function stays bentoctl's."""
    api = Api()
    with pytest.raises(DeployerError, match="asks the function itself, as before"):
        take_over(api, asking(api, 200, *after), say=quiet)
    assert "point" == api.done[-1]
    assert "tag" not in api.done


@pytest.mark.parametrize("before", [500, 0])
def test_an_api_that_failed_before_may_fail_after(before: int) -> None:
    """It answers no worse, and its owner may be on the way to `up` for that reason."""
    api = Api()
    take_over(api, asking(api, before, *[500] * ASKED, version=500), say=quiet)
    assert "tag" == api.done[-1]


def test_without_an_api_nothing_is_published() -> None:
    """Nobody asks it."""
    api = Api(address="")
    assert "" == take_over(api, asking(api), say=quiet)
    assert ["tag"] == api.done


def test_what_bentoctl_and_terraform_work_with_is_set_aside(tmp_path: Path) -> None:
    """The state last, since it says that all is done; files of other deployments and of deployer stay."""
    named = "operator: {{name: {}}}\ntemplate: terraform\nname: {}\n".format
    files = {
        "deployment_config.yaml": named("aws-lambda", "iris"),
        "iris.yml": named("aws-lambda", "iris"),
        "wine.yaml": named("aws-lambda", "wine"),
        "sagemaker.yaml": named("aws-sagemaker", "iris"),
        "deployer.yaml": named("aws-lambda", "iris-function"),
        "list.yaml": "- iris",
        "broken.yaml": "a: [",
        "main.tf": "# terraform",
        "bentoctl.tfvars": "",
        "terraform.tfstate": "{}",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    deployment = UpstreamDeployment(tmp_path, "us-east-1", "1", function="iris-function", repository="iris")
    moved = ["deployment_config.yaml", "iris.yml", "main.tf", "terraform.tfstate"]
    assert [tmp_path / f"{name}.adopted" for name in moved] == list(set_aside(deployment))
    assert {*files, "binary.yaml"} - set(moved) == {
        path.name for path in tmp_path.iterdir() if path.suffix != ".adopted"
    }
    assert [files[name] for name in moved] == [(tmp_path / f"{name}.adopted").read_text() for name in moved]
    assert timedelta() < set_aside_at(deployment) - datetime.now(timezone.utc) <= timedelta(minutes=1)
    assert () == set_aside(deployment)


@dataclass
class Things:
    """Parts that are there; those in `stuck` do not go."""

    there: list[str]
    stuck: tuple[str, ...] = ()

    def part(self, line: str, *users: str) -> Part:
        return Part(line, lambda: line in self.there, lambda: self._remove(line), lambda: users)

    def _remove(self, line: str) -> None:
        if line not in self.stuck:
            self.there.remove(line)


def test_parts_go_in_their_order_unless_somebody_needs_them() -> None:
    """What is gone already is not told."""
    things = Things(["api", "role", "images"])
    parts = [
        things.part("api"),
        things.part("function"),
        things.part("role", "function a", "function b"),
        things.part("images"),
    ]
    assert (("api", "images"), ("role: needed by function a, function b",)) == remove(parts, say=quiet)
    assert ["role"] == things.there
    assert ((), ("role: needed by function a, function b",)) == remove(parts, say=quiet)


def test_what_aws_still_has_afterwards_is_named() -> None:
    """An answer of 200 is no proof."""
    things = Things(["api", "role"], stuck=("api",))
    with pytest.raises(DeployerError, match=r"this is still there: api\."):
        remove([things.part("api"), things.part("role")], say=quiet)
