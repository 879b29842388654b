"""The permissions of a public URL that terraform's provider cannot say, on the local AWS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from local_endpoint import LocalEndpoint

from deployer.config import DeploymentConfig, Spec
from deployer.stages.provider_fit import NEWER, keep_url_public, settle_url_policy, url_policy_drift
from deployer.tools.aws_url_policy import INVOKE, STRAYS, TERRAFORMS, THROUGH_URL, UrlPolicy

PUBLIC = DeploymentConfig("digits", spec=Spec(auth="none"))
PRIVATE = DeploymentConfig("digits")
API = DeploymentConfig("digits", spec=Spec(auth="none", endpoint="http_api"))


@pytest.fixture
def functions(tmp_path: Path) -> Iterator[Any]:
    """Lambda's client, and a function `digits` with the alias `live`."""
    local = LocalEndpoint(tmp_path / "blobs")
    made = local.function("digits")
    made.create_alias(FunctionName="digits", Name="live", FunctionVersion="1")
    yield made
    local.close()


def policy(functions: Any) -> UrlPolicy:
    return UrlPolicy(functions, "digits", lambda doing: nullcontext())


def statements(functions: Any) -> dict[str, Any]:
    try:
        found = functions.get_policy(FunctionName="digits", Qualifier="live")["Policy"]
    except functions.exceptions.ResourceNotFoundException:
        return {}
    return {statement["Sid"]: statement for statement in json.loads(found)["Statement"]}


def allow(functions: Any, statement: str, *, action: str = "lambda:InvokeFunction", **more: Any) -> None:
    functions.add_permission(
        FunctionName="digits", Qualifier="live", StatementId=statement, Action=action, Principal="*", **more
    )


def test_anybody_may_invoke_through_the_url_alone_and_once(functions: Any) -> None:
    """The statement has the condition; the second time nothing is to be said."""
    assert policy(functions).allow_invoke()
    given = statements(functions)[INVOKE]
    assert ("*", "lambda:InvokeFunction", THROUGH_URL) == (given["Principal"], given["Action"], given["Condition"])
    assert not policy(functions).allow_invoke()


def test_a_permission_without_the_condition_is_replaced(functions: Any, tmp_path: Path) -> None:
    """It would let anybody with an AWS account invoke the function directly. A public URL is public all the while."""
    allow(functions, "PublicUrl", action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    allow(functions, TERRAFORMS)
    keep_url_public(PUBLIC, policy(functions), folder=tmp_path)
    assert {"PublicUrl", TERRAFORMS, INVOKE} == set(statements(functions))
    settle_url_policy(PUBLIC, policy(functions), folder=tmp_path)
    assert {"PublicUrl", INVOKE} == set(statements(functions))
    assert THROUGH_URL == statements(functions)[INVOKE]["Condition"]


@pytest.mark.parametrize("config", [PUBLIC, PRIVATE], ids=["public", "iam"])
def test_nothing_becomes_public_before_the_plan_is_agreed_to(
    functions: Any, tmp_path: Path, config: DeploymentConfig
) -> None:
    """The URL is not public yet, or shall not be any more."""
    if config is PRIVATE:
        allow(functions, "PublicUrl", action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    before = statements(functions)
    keep_url_public(config, policy(functions), folder=tmp_path)
    assert before == statements(functions)


def test_what_the_provider_adds_by_itself_goes_and_what_others_added_stays(functions: Any, tmp_path: Path) -> None:
    """A public URL keeps deployer's own statement; where nothing is to do nothing is said."""
    allow(functions, STRAYS[0], action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
    allow(functions, "Partner")
    assert settle_url_policy(PUBLIC, policy(functions), folder=tmp_path) == (
        f"The permission {STRAYS[0]} of live is taken away",
        f"The permission {INVOKE} of live is given through Lambda's API",
    )
    assert {INVOKE, "Partner"} == set(statements(functions))
    assert settle_url_policy(PUBLIC, policy(functions), folder=tmp_path) == ()


def test_what_is_missing_and_what_is_too_much_is_drift(functions: Any, tmp_path: Path) -> None:
    """Of a public URL and of a private one; nothing is changed, and once it is put right nothing is told."""
    allow(functions, STRAYS[1])
    for public, told in ((True, ["changed", "deleted"]), (False, ["changed"])):
        found = list(url_policy_drift(policy(functions), folder=tmp_path, public=public))
        assert [("live", what) for what in told] == [(drift.where, drift.what) for drift in found]
    assert {STRAYS[1]} == set(statements(functions))
    settle_url_policy(PUBLIC, policy(functions), folder=tmp_path)
    assert [] == list(url_policy_drift(policy(functions), folder=tmp_path, public=True))


@pytest.mark.parametrize("config", [PRIVATE, API], ids=["iam", "http_api"])
def test_an_endpoint_that_is_no_public_url_leaves_nothing_public(
    functions: Any, tmp_path: Path, config: DeploymentConfig
) -> None:
    """Whatever was there from an earlier config, or from the provider."""
    for statement in (*STRAYS, INVOKE, TERRAFORMS):
        allow(functions, statement)
    assert len(settle_url_policy(config, policy(functions), folder=tmp_path)) == 4
    assert statements(functions) == {}
    assert settle_url_policy(config, policy(functions), folder=tmp_path) == ()


@pytest.mark.parametrize("config", [PUBLIC, PRIVATE], ids=["public", "iam"])
def test_what_terraform_keeps_is_left_to_it(functions: Any, tmp_path: Path, config: DeploymentConfig) -> None:
    """A template that was fitted to a newer provider has the statement, and what stood for it before goes."""
    (tmp_path / NEWER).mkdir()
    for file in (tmp_path / NEWER / "public_invoke.tf", tmp_path / "public_invoke.tf"):
        file.touch()
    for statement in (TERRAFORMS, INVOKE):
        allow(functions, statement, InvokedViaFunctionUrl=True)
    assert len(settle_url_policy(config, policy(functions), folder=tmp_path)) == 1
    assert {TERRAFORMS} == set(statements(functions))
