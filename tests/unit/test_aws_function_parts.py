"""What is said to belong to a function that `down` finds still there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deployer.tools.aws_function_parts import parts_of


@dataclass
class Lambda:
    """A client that knows one function; what `refuses` names is answered with that error code."""

    aliases: Sequence[str] = ()
    versions: Sequence[str] = ()
    urls: Sequence[str | None] = ()
    statements: dict[str | None, Sequence[str]] = field(default_factory=dict)
    refuses: str = ""

    def get_paginator(self, operation: str) -> Lambda:
        return self

    def paginate(self, **asked: str) -> Iterator[dict[str, Any]]:
        if self.refuses:
            raise ClientError({"Error": {"Code": self.refuses}}, "List")
        yield {
            "Aliases": [{"Name": name} for name in self.aliases],
            "Versions": [{"Version": number} for number in ("$LATEST", *self.versions)],
        }

    def get_function_url_config(self, **asked: str) -> dict[str, str]:
        return self._if(asked.get("Qualifier") in self.urls, {"FunctionUrl": "https://u.on.aws/"})

    def get_policy(self, **asked: str) -> dict[str, str]:
        named = self.statements.get(asked.get("Qualifier"), ())
        return self._if(bool(named), {"Policy": json.dumps({"Statement": [{"Sid": sid} for sid in named]})})

    def _if(self, there: bool, answer: dict[str, str]) -> dict[str, str]:
        if not there:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "Get")
        return answer


def test_each_kind_is_named_with_the_qualifier_it_hangs_on() -> None:
    """Also what the provider adds by itself to a public URL, and what hangs on the function without a qualifier."""
    added = ("PublicUrl", "FunctionURLAllowPublicAccess")
    function = Lambda(("live", "candidate"), ("1", "2"), (None, "live"), {"live": added, None: ("Own",)})
    assert (
        "aliases candidate, live; versions 1, 2; Function URLs of digits, live;"
        " policy statements Own, live/PublicUrl, live/FunctionURLAllowPublicAccess"
    ) == parts_of(function, "digits")


def test_a_bare_function_has_nothing_to_name() -> None:
    """`$LATEST` is the function itself."""
    assert "" == parts_of(Lambda(), "digits")


@pytest.mark.parametrize("refusal", ["AccessDeniedException", "ResourceNotFoundException"])
def test_what_may_not_be_listed_is_left_out(refusal: str) -> None:
    """The function itself is told all the same."""
    assert "" == parts_of(Lambda(aliases=("live",), versions=("1",), refuses=refusal), "digits")


def test_any_other_failure_is_one() -> None:
    """A throttled or broken AWS is not an empty one."""
    with pytest.raises(ClientError):
        parts_of(Lambda(refuses="TooManyRequestsException"), "digits")
