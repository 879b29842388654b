"""Whether a statement of a function's resource policy lets somebody do something: principal, action and conditions.

An operator or a key that is not known here holds for nobody, so that nothing is open by mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

EVERYBODY = "*"
PUBLIC_ACTIONS = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")  # AWS asks for both since October 2025
AUTH_TYPE, VIA_URL = "lambda:FunctionUrlAuthType", "lambda:InvokedViaFunctionUrl"

Statement = Mapping[str, object]


@dataclass(frozen=True)
class Asked:
    """`principal` is a service's name, or `*` for a caller without credentials; `facts` are the condition keys' values.

    `resource` is an ARN with the qualifier that is asked for: a policy belongs to exactly one.
    """

    principal: str
    action: str
    resource: str
    facts: Mapping[str, str] = field(default_factory=dict)


def allowed(statements: Sequence[Statement], asked: Asked) -> bool:
    return any(_allows(statement, asked) for statement in statements)


def is_public(statements: Sequence[Statement], *, arn: str, auth_type: str) -> bool:
    """Whether everybody may call the function URL of the function or alias `arn`."""
    facts = {AUTH_TYPE: auth_type, VIA_URL: "true"}
    return all(allowed(statements, Asked(EVERYBODY, action, arn, facts)) for action in PUBLIC_ACTIONS)


def _allows(statement: Statement, asked: Asked) -> bool:
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Action") in (asked.action, "lambda:*")
        and statement.get("Principal") in (EVERYBODY, {"AWS": EVERYBODY}, {"Service": asked.principal})
        and statement.get("Resource") == asked.resource
        and _holds(statement.get("Condition"), asked.facts)
    )


def _holds(condition: object, facts: Mapping[str, str]) -> bool:
    """Every key of every operator; a key is found in whatever case."""
    known = {name.lower(): value for name, value in facts.items()}
    operators: Mapping[str, Mapping[str, str]] = condition if isinstance(condition, dict) else {}
    return all(
        name in OPERATORS and key.lower() in known and OPERATORS[name](known[key.lower()], str(value))
        for name, keys in operators.items()
        for key, value in keys.items()
    )


def _arn_like(arn: str, pattern: str) -> bool:
    """Part by part; the sixth and last part may hold colons itself."""
    parts, patterns = arn.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) and all(map(fnmatchcase, parts, patterns))


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda fact, value: fact == value.lower(),
    "StringEquals": lambda fact, value: fact == value,
    "StringLike": fnmatchcase,
}
