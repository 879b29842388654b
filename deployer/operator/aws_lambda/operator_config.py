"""What bentoctl asks for and accepts under `spec`. No ranges and no defaults: the config has been checked before.

Every field may be left out: what bentoctl cannot carry (0, false, an empty text, `[/x]`) travels in the job file
instead, and `architecture` and `documentation` always do.
"""

from __future__ import annotations

from typing import Any

OPERATOR_NAME = "aws-lambda"
OPERATOR_MODULE = "lambda_operator"
OPERATOR_DEFAULT_TEMPLATE = "terraform"


def _text(help_message: str) -> dict[str, Any]:
    return {"type": "string", "nullable": True, "help_message": help_message}


def _number(help_message: str) -> dict[str, Any]:
    return {"type": "integer", "coerce": int, "nullable": True, "help_message": help_message}


OPERATOR_SCHEMA: dict[str, dict[str, Any]] = {
    "region": _text("AWS region of the function and of its image"),
    "timeout": _number("Seconds that one request may take"),
    "memory_size": _number("Memory in MB"),
    "ephemeral_storage": _number("Size of /tmp in MB"),
    "auth": _text("Who may call the function URL: iam or none"),
    "invoke_mode": _text("How the function URL answers: BUFFERED or RESPONSE_STREAM"),
    "event_route": _text("Route of the Bento for events that are no HTTP request"),
    "log_retention_days": _number("Days that logs are kept"),
    "repository": _text("Name of the ECR repository"),
    "description": _text("Description of the function"),
    "tags": {
        "type": "dict",
        "keysrules": {"type": "string"},
        "valuesrules": {"type": "string"},
        "help_message": "Tags put on every resource",
    },
}
