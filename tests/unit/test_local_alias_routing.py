"""An alias with weights sends its invocations to two versions, by shares that the test draws itself."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from local_aws import ACCOUNT, REGION, FakeControlPlane
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from deployer.local.alias_routing import AliasRouting
from deployer.local.function_urls import FunctionUrls
from deployer.local.functions import LATEST, Alias, FunctionName, FunctionVersion, NoSuchFunction
from deployer.local.invocation import Answer, Invocation
from deployer.local.invoke_api import InvokeApi
from deployer.local.signature import Keys
from deployer.local.url_configs import UrlConfig, UrlConfigs

DIGITS = FunctionName(ACCOUNT, REGION, "digits")
FIRST = FunctionVersion(DIGITS, "1", "sha256:0", timeout=5, memory_size=128, ephemeral_storage=512)
SECOND = replace(FIRST, version="2")


class Draws(Random):
    """Draws what the test says, and fails the test when nothing is left to draw."""

    def __init__(self, *drawn: float) -> None:
        super().__init__()
        self._drawn = list(drawn)

    def random(self) -> float:
        return self._drawn.pop(0)


@dataclass
class RecordingInvoker:
    """Answers at once and remembers what was asked."""

    asked: list[tuple[str, str]] = field(default_factory=list)

    def invoke(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool = False) -> Answer:
        self.asked.append((version.version, invocation.arn))
        if invocation.live is not None:
            invocation.live.end(whole=True)
        return Answer(b"{}", version.version, invocation.request_id)


def plane(weights: Mapping[str, float]) -> FakeControlPlane:
    return FakeControlPlane(
        versions={(DIGITS, LATEST): replace(FIRST, version=LATEST), (DIGITS, "1"): FIRST, (DIGITS, "2"): SECOND},
        named={DIGITS: {"live": Alias("live", "1", weights)}},
    )


@pytest.mark.parametrize(("drawn", "version"), [(0.0, SECOND), (0.0999, SECOND), (0.1, FIRST), (0.9999, FIRST)])
def test_a_share_of_an_alias_goes_to_the_other_version(drawn: float, version: FunctionVersion) -> None:
    """A weight of 0.1 is what is drawn below 0.1."""
    assert version == AliasRouting(plane({"2": 0.1}), Draws(drawn)).version(DIGITS, "live")


@pytest.mark.parametrize(("weight", "version"), [(0.0, FIRST), (1.0, SECOND)])
def test_nothing_and_everything_are_shares_too(weight: float, version: FunctionVersion) -> None:
    """The least and the greatest that can be drawn, both decided by the weight."""
    routing = AliasRouting(plane({"2": weight}), Draws(0.0, 0.9999999))
    assert [version, version] == [routing.version(DIGITS, "live") for _ in range(2)]


def test_many_invocations_come_near_the_weight() -> None:
    """A thousand of a fair source: about three hundred."""
    routing = AliasRouting(plane({"2": 0.3}), Random(7))  # noqa: S311 - drawn again the same
    taken = Counter(routing.version(DIGITS, "live").version for _ in range(1000))
    assert 260 < taken["2"] < 340
    assert taken["1"] + taken["2"] == 1000


@pytest.mark.parametrize(("qualifier", "version"), [("", LATEST), (LATEST, LATEST), ("1", "1"), ("2", "2")])
def test_a_version_is_never_drawn(qualifier: str, version: str) -> None:
    """Whoever names a version gets it, whatever an alias says."""
    assert version == AliasRouting(plane({"2": 0.5}), Draws()).version(DIGITS, qualifier).version


def test_an_alias_without_weights_is_not_drawn() -> None:
    """It is its version, always."""
    assert FIRST == AliasRouting(plane({}), Draws()).version(DIGITS, "live")


def test_what_does_not_exist_is_said() -> None:
    """A function or an alias that nobody made."""
    routing = AliasRouting(plane({}), Draws())
    with pytest.raises(NoSuchFunction, match="digits:other"):
        routing.version(DIGITS, "other")
    with pytest.raises(NoSuchFunction, match="nobody"):
        routing.version(FunctionName(ACCOUNT, REGION, "nobody"), "live")


def request(path: str = "/", method: str = "POST") -> Request:
    return Request(EnvironBuilder(path=path, method=method).get_environ())


def test_an_invoke_says_which_version_ran() -> None:
    """The header names the version, the function is told the alias."""
    invoker = RecordingInvoker()
    api = InvokeApi(AliasRouting(plane({"2": 0.5}), Draws(0.4, 0.6)), invoker)
    ran = [api.answer(request(), DIGITS, "live").headers["X-Amz-Executed-Version"] for _ in range(2)]
    assert (["2", "1"], [("2", f"{DIGITS.arn}:live"), ("1", f"{DIGITS.arn}:live")]) == (ran, invoker.asked)


@pytest.mark.parametrize("mode", ["BUFFERED", "RESPONSE_STREAM"])
def test_a_function_url_of_the_alias_is_drawn_alike(mode: str) -> None:
    """Whether it is answered whole or as it comes."""
    config = UrlConfig(DIGITS, "live", "NONE", invoke_mode=mode)
    urls, invoker, control = UrlConfigs(), RecordingInvoker(), plane({"2": 0.5})
    urls.create(config)
    allowed = {"Effect": "Allow", "Principal": "*", "Resource": config.arn}
    control.policies = {DIGITS: [{**allowed, "Action": "lambda:*"}]}
    answering = FunctionUrls(control, AliasRouting(control, Draws(0.4, 0.6)), invoker, urls, Keys("key", "secret"))
    for _ in range(2):
        answer = answering.answer(request(f"/lambda-url/{config.id}/", "GET"))
        assert (200, {}) == (answer.status_code, json.loads(answer.get_data()))
    assert [("2", config.arn), ("1", config.arn)] == invoker.asked
