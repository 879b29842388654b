"""What botocore's service models say against a call: names, required members, types, lengths and words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aws_wire import Call
from botocore.model import ListShape, Shape, StructureShape
from botocore.validate import ParamValidator


def problems(call: Call) -> Iterator[str]:
    """What the model says against the parameters: each in botocore's words, and texts that are none of the words."""
    shape = call.model.input_shape
    if shape is None:
        yield from (f"unexpected {name}" for name in call.parameters)
        return
    report = ParamValidator().validate(call.parameters, shape)
    if report.has_errors():
        yield report.generate_report()
    yield from _limits(shape, call.parameters, call.operation)


def _limits(shape: Shape, value: Any, where: str) -> Iterator[str]:
    """botocore's validator leaves the largest lengths and the words of an enumeration to the service."""
    most, words = shape.metadata.get("max"), getattr(shape, "enum", ())
    if isinstance(value, (str, list)) and most is not None and len(value) > most:
        yield f"{where} has {len(value)} of at most {most}"
    if words and value not in words:
        yield f"{where} is {value!r}, none of {', '.join(words)}"
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name in value.keys() & shape.members.keys():
            yield from _limits(shape.members[name], value[name], f"{where}.{name}")
    if isinstance(shape, ListShape) and isinstance(value, list):
        for one in value:
            yield from _limits(shape.member, one, f"{where}[]")
