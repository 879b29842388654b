"""The frozen values of IAM policies: what each statement allows, and why. How a policy is written down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MANAGED_POLICY_LIMIT = 6144  # characters without white space, by "IAM and AWS STS quotas"
POLICY_VERSION = "2012-10-17"

Conditions = Mapping[str, Mapping[str, str | Sequence[str]]]  # as {"StringEquals": {"aws:RequestedRegion": REGION}}


@dataclass(frozen=True)
class Statement:
    """What is allowed, `why` for people. `shown`: whether calls of deployer's show that all of it is needed.

    What no call shows is asked for by AWS itself, as iam:PassRole, or goes over another protocol, as a push.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    why: str
    conditions: Conditions = field(default_factory=dict)
    shown: bool = True


def document(statements: Iterable[Statement]) -> dict[str, Any]:
    """The policy as IAM takes it."""
    return {"Version": POLICY_VERSION, "Statement": [_written(statement) for statement in statements]}


def characters(statements: Iterable[Statement]) -> int:
    """As IAM counts them: white space is free."""
    return len(json.dumps(document(statements), separators=(",", ":")).replace(" ", ""))


def _written(statement: Statement) -> dict[str, Any]:
    written: dict[str, Any] = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": list(statement.actions),
        "Resource": list(statement.resources),
    }
    if statement.conditions:
        written["Condition"] = {operator: dict(keys) for operator, keys in statement.conditions.items()}
    return written
