"""Who may ask the Function URL of `live`, as far as terraform's provider cannot say it or does not track it.

Since October 2025 a URL needs two permissions, also a public one: lambda:InvokeFunctionUrl, and lambda:InvokeFunction
narrowed to invocations through the URL (docs/aws-rules.md). The AWS provider can say the second one from
6.29 on. No boto3 here: `lambda_` is its client for Lambda.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from botocore.exceptions import ClientError

from deployer.releases import LIVE
from deployer.tools.aws_errors import code

INVOKE = "PublicInvokeThroughUrl"
TERRAFORMS = "PublicInvoke"  # the same where terraform can say it; an earlier deployer made it without the condition
# What the console and terraform's provider add to a public URL by themselves, and nobody takes away with it.
STRAYS = ("FunctionURLAllowPublicAccess", "FunctionURLAllowInvokeAction")
THROUGH_URL = {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}


class UrlPolicy:
    """The statements of the alias `live`. Every method raises DeployerError where AWS refuses or cannot be reached."""

    def __init__(self, lambda_: Any, function: str, explained: Callable[[str], AbstractContextManager[None]]) -> None:
        self._lambda, self._function, self._explained = lambda_, function, explained

    def allow_invoke(self) -> bool:
        """Anybody may invoke the function through its URL, and only so; whether that had to be said."""
        if self.allows_invoke():
            return False
        self.remove(INVOKE)  # somebody made it otherwise
        with self._explained(f"Letting anybody invoke {self._function} through its URL"):
            self._lambda.add_permission(
                FunctionName=self._function,
                Qualifier=LIVE,
                StatementId=INVOKE,
                Action="lambda:InvokeFunction",
                Principal="*",
                InvokedViaFunctionUrl=True,
            )
        return True

    def allows_invoke(self) -> bool:
        """Whether `allow_invoke` has nothing to do."""
        there = self._statements().get(INVOKE)
        return there is not None and there.get("Condition") == THROUGH_URL

    def of(self, *statements: str) -> tuple[str, ...]:
        """Those of them that are there."""
        return tuple(statement for statement in self._statements() if statement in statements)

    def remove(self, *statements: str) -> tuple[str, ...]:
        """Take these away, as far as they are there; which they were."""
        there = self.of(*statements)
        for statement in there:
            self._remove(statement)
        return there

    def _statements(self) -> dict[str, Mapping[str, Any]]:
        with self._explained(f"Reading who may invoke {self._function}"):
            try:
                answer = self._lambda.get_policy(FunctionName=self._function, Qualifier=LIVE)
            except ClientError as error:
                if code(error) == "ResourceNotFoundException":
                    return {}
                raise
        return {str(statement["Sid"]): statement for statement in json.loads(answer["Policy"])["Statement"]}

    def _remove(self, statement: str) -> None:
        with self._explained(f"Taking away the permission {statement} of {self._function}"):
            try:
                self._lambda.remove_permission(FunctionName=self._function, Qualifier=LIVE, StatementId=statement)
            except ClientError as error:
                if code(error) != "ResourceNotFoundException":
                    raise
