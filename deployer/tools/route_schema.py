"""What a route takes and answers, as its Bento states it: BentoML's dialect read as JSON Schema.

Lenient where the Bento says nothing: a schema that cannot be used checks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Schema = Mapping[str, Any]

_DIALECT: Mapping[str, Schema] = {
    "dataframe": {"type": ["array", "object"]},
    "tensor": {"type": ["array", "number", "boolean"]},
    "file": {},
}
_VALUES = ("const", "default", "enum", "examples")  # hold values, not schemas
_JSON_TYPES: tuple[Any, ...] = ("array", "boolean", "dataframe", "integer", "number", "object", "tensor")
_KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


def problem(value: Any, schema: Schema | None) -> str | None:
    """The first thing in `value` that the schema does not allow, such as `at $[0].age: expected integer, found string`.

    None where all is well.
    """
    if not schema:
        return None
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError, best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    standard = to_json_schema(schema)
    try:
        Draft202012Validator.check_schema(standard)
        # An empty registry: a reference is followed inside the schema and never fetched.
        error = best_match(Draft202012Validator(standard, registry=Registry()).iter_errors(value))
    except (SchemaError, Unresolvable):
        return None
    return None if error is None else _describe(error)


def files_in(schema: Schema | None) -> tuple[str, ...]:
    """The names of what must be sent as a file, which JSON cannot carry; `body` where the whole body is one."""
    if not schema:
        return ()
    if schema.get("type") == "file":
        return ("body",)
    properties = schema.get("properties", {})
    return tuple(name for name, part in properties.items() if isinstance(part, Mapping) and part.get("type") == "file")


def promises_json(schema: Schema | None) -> bool:
    """True only where the Bento says so: text, streams and files are sent as they are, and so may an unstated type."""
    return schema is not None and schema.get("type") in _JSON_TYPES and not is_stream(schema)


def is_stream(schema: Schema | None) -> bool:
    """Whether the route answers piece by piece, as a generator does."""
    return schema is not None and bool(schema.get("is_stream"))


def to_json_schema(schema: Any) -> Any:
    """BentoML's `dataframe`, `tensor` and `file` in standard terms, throughout the schema.

    A data frame is parsed from rows or from columns whatever its `orient` says, and a tensor is reshaped from any
    nesting of lists, so no more than that is asked. BentoML writes an optional value's type without its null.
    """
    if isinstance(schema, list | tuple):
        return [to_json_schema(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _DIALECT:
        return _DIALECT[kind]
    standard = {key: part if key in _VALUES else to_json_schema(part) for key, part in schema.items()}
    if isinstance(kind, str) and "default" in schema and schema["default"] is None:
        return {"anyOf": [standard, {"type": "null"}]}
    return standard


def _describe(error: ValidationError) -> str:
    if error.validator == "type":
        wanted = error.validator_value
        named = " or ".join(wanted) if isinstance(wanted, list) else str(wanted)
        return f"at {error.json_path}: expected {named}, found {_kind(error.instance)}"
    return f"at {error.json_path}: {shorten(error.message)}"


def _kind(value: Any) -> str:
    return "null" if value is None else _KINDS.get(type(value), type(value).__name__)


def shorten(text: str, *, limit: int = 200) -> str:
    """The text on one line, cut in the middle where it is long."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    half = (limit - 3) // 2
    return f"{line[:half]} … {line[-half:]}"
