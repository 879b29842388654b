"""BentoML's schemas, as its 1.4 line writes them into a Bento, against values that its services take and refuse."""

from __future__ import annotations

from typing import Any

import pytest

from deployer.tools.route_schema import problem, shorten, to_json_schema

ROW = {
    "type": "object",
    "title": "Row",
    "properties": {
        "a": {"type": "integer", "title": "A"},
        "b": {"type": "number", "default": 1.0},
        "c": {"type": "string", "default": None},
    },
    "required": ["a"],
}
ROWS = {"$defs": {"Row": ROW}, "items": {"$ref": "#/$defs/Row"}, "type": "array", "root_input": True}
FRAME = {"type": "dataframe", "orient": "records", "root_input": True}
TENSOR = {"type": "tensor", "format": "numpy-array", "dtype": "float32", "shape": [2, 3], "dim": 6}
PAIR = {"type": "array", "maxItems": 2, "minItems": 2, "prefixItems": [{"type": "integer"}, {"type": "number"}]}
CHOICE = {"type": "object", "properties": {"l": {"enum": ["a", "b"], "type": "string", "default": "a"}}}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (FRAME, [{"x": 1.0}]),
        (FRAME, {"x": [1.0]}),
        (TENSOR, [[1, 2, 3], [4, 5, 6]]),
        (TENSOR, [1, 2, 3, 4, 5, 6]),
        ({"type": "object", "properties": {"x": TENSOR}, "required": ["x"]}, {"x": [1]}),
        (ROW, {"a": 1}),
        (ROW, {"a": 1, "c": None}),
        (ROW, {"a": 1, "unknown": 2}),
        (ROWS, [{"a": 1}]),
        (PAIR, [1, 2.5]),
        (CHOICE, {"l": "b"}),
        ({"type": "file"}, "anything"),
        ({}, object),
        (None, object),
    ],
)
def test_what_a_service_takes_is_no_problem(schema: dict[str, Any] | None, value: Any) -> None:
    """Each pair was answered with 200 by a real service of that schema, or states nothing."""
    assert problem(value, schema) is None


@pytest.mark.parametrize(
    ("schema", "value", "said"),
    [
        (FRAME, "x", "at $: expected array or object, found string"),
        (TENSOR, {"x": 1}, "at $: expected array or number or boolean, found object"),
        (ROW, {}, "at $: 'a' is a required property"),
        (ROW, {"a": "x"}, "at $.a: expected integer, found string"),
        (ROW, {"a": True}, "at $.a: expected integer, found boolean"),
        (ROWS, [{"a": 1}, {"a": 1.5}], "at $[1].a: expected integer, found number"),
        (PAIR, [1], "at $: [1] is too short"),
        (CHOICE, {"l": "c"}, "at $.l: 'c' is not one of ['a', 'b']"),
    ],
)
def test_a_problem_is_told_with_its_path(schema: dict[str, Any], value: Any, said: str) -> None:
    """The JSON path, what was expected there and what was found, never the whole value."""
    assert problem(value, schema) == said


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/components/schemas/Row"},
        {"$ref": "http://127.0.0.1:1/schema.json"},
        {"type": "a-type-of-tomorrow"},
        {"properties": []},
    ],
    ids=["elsewhere", "remote", "unknown type", "invalid"],
)
def test_a_schema_that_cannot_be_used_checks_nothing(schema: dict[str, Any]) -> None:
    """Nothing is fetched, nothing is refused for a schema's own fault."""
    assert problem({"a": 1}, schema) is None


def test_values_inside_a_schema_are_not_read_as_schemas() -> None:
    """A default that looks like BentoML's dialect stays what it is."""
    schema = {"type": "object", "properties": {"x": {"default": {"type": "tensor"}, "enum": [{"type": "file"}]}}}
    assert to_json_schema(schema) == schema


def test_long_text_is_cut_in_the_middle() -> None:
    """Messages stay on one line of bounded length, with both ends of the text."""
    cut = shorten("start\n" + "x" * 1000 + " end", limit=50)
    assert len(cut) <= 50
    assert cut.startswith("start xxx")
    assert cut.endswith("xxx end")
