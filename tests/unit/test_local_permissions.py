"""What a statement of a function's policy opens, by its principal, action, qualifier and conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from deployer.local.permissions import Asked, allowed, is_public

ARN = "arn:aws:lambda:us-east-1:123456789012:function:digits:live"
URL = {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunctionUrl", "Resource": ARN}
INVOKE = {**URL, "Action": "lambda:InvokeFunction"}
NONE = {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
VIA_URL = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}


def opens(*statements: Mapping[str, object]) -> bool:
    return is_public(statements, arn=ARN, auth_type="NONE")


@pytest.mark.parametrize("invoke", [INVOKE, {**INVOKE, "Condition": VIA_URL}])
@pytest.mark.parametrize("url", [URL, {**URL, "Condition": NONE}, {**URL, "Principal": {"AWS": "*"}}])
def test_a_public_url_needs_both_permissions(url: Mapping[str, object], invoke: Mapping[str, object]) -> None:
    """The second unconditional, or narrowed to requests through the URL; neither is enough alone."""
    assert opens(url, invoke)
    assert not opens(url)
    assert not opens(invoke)


@pytest.mark.parametrize(
    "changed",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "apigateway.amazonaws.com"}},
        {"Principal": {"AWS": "arn:aws:iam::999999999999:root"}},
        {"Resource": ARN.removesuffix(":live")},
        {"Resource": ARN.replace(":live", ":candidate")},
        {"Condition": {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}},
        {"Condition": {"Bool": {"lambda:InvokedViaFunctionUrl": "false"}}},
        {"Condition": {"IpAddress": {"lambda:FunctionUrlAuthType": "NONE"}}},
    ],
)
def test_a_narrower_statement_opens_no_url(changed: Mapping[str, Any]) -> None:
    """For somebody else, another qualifier, or under a condition that does not hold or is not known here."""
    for statements in ([{**URL, **changed}, INVOKE], [URL, {**INVOKE, **changed}]):
        assert not opens(*statements)


API = "arn:aws:execute-api:us-east-1:123456789012:abc/v1/$default"


@pytest.mark.parametrize(
    ("pattern", "holds"),
    [
        (API, True),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/*", True),
        ("arn:aws:execute-api:*:123456789012:abc/*/$default", True),
        ("arn:aws:execute-api:us-east-1:123456789012:abc/*/GET/*", False),
        ("arn:aws:execute-api:us-east-1:999999999999:abc/*", False),
        ("arn:aws:execute-api:*", False),
    ],
)
def test_a_source_is_like_a_pattern_part_by_part(pattern: str, holds: bool) -> None:
    """A star stands for one part of an ARN, and for anything in the last one; the key's case does not matter."""
    principal = {"Service": "apigateway.amazonaws.com"}
    condition = {"ArnLike": {"AWS:SourceArn": pattern}}
    statements: Sequence[Mapping[str, object]] = [{**INVOKE, "Principal": principal, "Condition": condition}]
    asked = Asked("apigateway.amazonaws.com", "lambda:InvokeFunction", ARN, {"aws:SourceArn": API})
    assert allowed(statements, asked) is holds
