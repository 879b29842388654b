"""The pieces that the config's schema is put together from. A `description` says which values are valid."""

from __future__ import annotations

from typing import Any

BOOLEAN: dict[str, Any] = {"type": "boolean", "description": "true or false"}
ROUTE: dict[str, Any] = {
    "type": "string",
    "pattern": r"^/[^\s?#]*\Z",
    "description": "a route of the Bento that begins with /, such as /predict",
}
PARTITION = r"arn:aws[a-z-]*"


def whole(minimum: int, maximum: int, unit: str) -> dict[str, Any]:
    valid = f"a whole number of {unit} from {minimum} to {maximum}"
    return {"type": "integer", "minimum": minimum, "maximum": maximum, "description": valid}


def mapping(properties: dict[str, Any], *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    keys = ", ".join(properties)
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "description": f"a mapping with the keys {keys}",
    }


def text(pattern: str, description: str) -> dict[str, Any]:
    return {"type": "string", "pattern": rf"^{pattern}\Z", "description": description}


def texts(item: dict[str, Any], *, at_least: int, at_most: int) -> dict[str, Any]:
    described = f"a list of {at_least} to {at_most}, each {item['description']}"
    return {"type": "array", "minItems": at_least, "maxItems": at_most, "items": item, "description": described}


def arn(resource: str, what: str) -> dict[str, Any]:
    """`resource` is the pattern of what comes after the partition: `sqs:REGION:ACCOUNT:NAME`."""
    return text(rf"{PARTITION}:{resource}", f"the ARN of {what}")
