"""What belongs to a Lambda function that is still there: its aliases, versions, Function URLs and policy statements.

No boto3 here: `lambda_` is its client for Lambda. All of these go with the function.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from deployer.tools.aws_errors import code, is_denied

_MISSING = "ResourceNotFoundException"
_LATEST = "$LATEST"


def parts_of(lambda_: Any, name: str) -> str:
    """In words, each kind with its names; empty for a function without any, and where it may not be looked at."""
    aliases = [str(alias["Name"]) for alias in _pages(lambda_, "list_aliases", "Aliases", name)]
    versions = [str(version["Version"]) for version in _pages(lambda_, "list_versions_by_function", "Versions", name)]
    qualifiers = [None, *sorted(aliases)]
    kinds = (
        ("aliases", sorted(aliases)),
        ("versions", [version for version in versions if version != _LATEST]),
        ("Function URLs of", [qualifier or name for qualifier in qualifiers if _has_url(lambda_, name, qualifier)]),
        ("policy statements", [text for which in qualifiers for text in _statements(lambda_, name, which)]),
    )
    return "; ".join(f"{kind} {', '.join(names)}" for kind, names in kinds if names)


def _pages(lambda_: Any, operation: str, key: str, name: str) -> Sequence[Any]:
    pages = lambda_.get_paginator(operation).paginate(FunctionName=name)
    return _known(lambda: [found for page in pages for found in page[key]]) or []


def _has_url(lambda_: Any, name: str, qualifier: str | None) -> bool:
    return _known(lambda: lambda_.get_function_url_config(FunctionName=name, **_qualified(qualifier))) is not None


def _statements(lambda_: Any, name: str, qualifier: str | None) -> Iterator[str]:
    """`live/PublicUrl` for a statement of an alias's policy, `PublicUrl` for one of the function's own."""
    found = _known(lambda: lambda_.get_policy(FunctionName=name, **_qualified(qualifier)))
    for statement in json.loads(found["Policy"])["Statement"] if found else ():
        yield f"{qualifier}/{statement['Sid']}" if qualifier else str(statement["Sid"])


def _qualified(qualifier: str | None) -> dict[str, str]:
    return {} if qualifier is None else {"Qualifier": qualifier}


def _known(ask: Callable[[], Any]) -> Any:
    """What AWS answers; None where there is no such thing (any more), or these credentials may not see it."""
    try:
        return ask()
    except ClientError as error:
        if code(error) == _MISSING or is_denied(error):
            return None
        raise
