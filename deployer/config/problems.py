"""What is wrong with a config, in words: each problem names its key path, what was found, what is valid, a near miss.

All problems are found in one pass. No file is read here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from deployer.config.problem import Keys, Problem, shown
from deployer.config.rules import limits_across_keys
from deployer.config.schema import SCHEMA
from deployer.near_miss import near_miss

Written = Callable[[Keys], "str | None"]

KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "a boolean",
}


def find_problems(values: Mapping[str, Any], written: Written) -> tuple[Problem, ...]:
    """Every problem of a config, at most one for each key. `written` gives a scalar as it stands in the file."""
    errors = Draft202012Validator(SCHEMA).iter_errors(values)
    found = [problem for error in errors for problem in _describe(_finding(error), written)]
    first: dict[Keys, Problem] = {}
    for problem in found:
        first.setdefault(problem.keys, problem)
    for problem in limits_across_keys(values, spoiled=tuple(first)):
        first.setdefault(problem.keys, problem)
    return tuple(first.values())


@dataclass(frozen=True)
class _Finding:
    """An error of jsonschema: the rule that was broken, the value that broke it, the schema that has the rule."""

    keys: Keys
    rule: str
    value: Any
    schema: Mapping[str, Any]
    about_name: bool


def _finding(error: ValidationError) -> _Finding:
    about_name = "propertyNames" in error.absolute_schema_path
    schema = cast("Mapping[str, Any]", error.schema)
    return _Finding(tuple(error.absolute_path), str(error.validator), error.instance, schema, about_name)


def _describe(finding: _Finding, written: Written) -> Iterator[Problem]:
    keys = finding.keys
    if finding.about_name:
        yield Problem((*keys, str(finding.value)), _bad_name(finding))
    elif finding.rule == "required":
        yield from _missing(finding)
    elif finding.rule == "additionalProperties":
        yield from _unknown(finding)
    elif keys[:1] == ("env",) and len(keys) == 2 and finding.rule != "enum":
        yield Problem(keys, f'this value is not text in YAML: put it in quotes, as in {keys[1]}: "…".')
    elif keys[:1] == ("secrets",) and len(keys) == 2:  # what is there instead of a reference may be the secret itself
        yield Problem(keys, f"this is no reference to a secret. Valid: {_valid(finding.schema)}.")
    elif finding.rule == "type":
        yield Problem(keys, _wrong_type(finding, written(keys)))
    elif finding.rule == "enum":
        yield Problem(keys, _not_one_of(finding, written(keys)))
    else:
        yield Problem(keys, _not_valid(finding))


def _bad_name(finding: _Finding) -> str:
    if finding.rule == "enum":
        known = finding.schema["enum"]
        hint = _home(finding.value, ()) or near_miss(finding.value, known)
        return f"unknown key.{hint} Valid keys: {', '.join(known)}."
    if finding.rule == "not":
        return f"this name is reserved; {finding.schema['description']}."
    return f"this name is not allowed. Valid: {finding.schema['description']}."


def _missing(finding: _Finding) -> Iterator[Problem]:
    for name in finding.schema["required"]:
        if name not in finding.value:
            yield Problem((*finding.keys, name), f"missing. Valid: {_valid(finding.schema['properties'][name])}.")


def _unknown(finding: _Finding) -> Iterator[Problem]:
    known = list(finding.schema["properties"])
    for name in finding.value:
        if name in known:
            continue
        hint = _home(name, finding.keys) or near_miss(name, known)
        yield Problem((*finding.keys, name), f"unknown key.{hint} Valid keys: {', '.join(known)}.")


def _home(name: str, keys: Keys) -> str:
    """Where a key belongs that is known, but not here."""
    homes = [home for home in _homes(name, SCHEMA, ()) if home != keys]
    if not homes:
        return ""
    return f" It belongs under {'.'.join(homes[0])}." if homes[0] else " It belongs at the top level."


def _homes(name: str, schema: Mapping[str, Any], keys: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every mapping of the schema that has a key of this name."""
    properties = schema.get("properties", {})
    if name in properties:
        yield keys
    for key, inner in properties.items():
        yield from _homes(name, inner, (*keys, key))


def _wrong_type(finding: _Finding, source: str | None) -> str:
    value, wanted = finding.value, finding.schema["type"]
    if wanted == "string" and source is not None:
        quoted = json.dumps(source, ensure_ascii=False)
        return f"{source or 'nothing'} is not text in YAML: quote it, as in {finding.keys[-1]}: {quoted}."
    unquote = " Write it without quotes." if isinstance(value, str) and wanted == "integer" and _is_whole(value) else ""
    return f"{shown(value)} is not {KINDS[wanted]}.{unquote} Valid: {_valid(finding.schema)}."


def _is_whole(text: str) -> bool:
    return text.strip().lstrip("+-").isdecimal()


def _not_one_of(finding: _Finding, source: str | None) -> str:
    value, valid = finding.value, finding.schema["enum"]
    if isinstance(value, int) and not isinstance(value, bool) and isinstance(valid[0], int):
        hint = f" The nearest is {min(valid, key=lambda number: abs(number - value))}."
    else:
        hint = near_miss(value if isinstance(value, str) else source, [str(item) for item in valid])
    found = shown(value) if isinstance(value, str) or source is None else source
    return f"{found} is not valid.{hint} Valid: {_valid(finding.schema)}."


def _not_valid(finding: _Finding) -> str:
    value, schema = finding.value, finding.schema
    if finding.rule in ("maxLength", "maxProperties"):
        unit = "characters" if finding.rule == "maxLength" else "entries"
        return f"{len(value)} {unit} are too many. Valid: {_valid(schema)}."
    return f"{shown(value)} is not valid.{near_miss(value, schema.get('examples', []))} Valid: {_valid(schema)}."


def _valid(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(str(item) for item in schema["enum"])
    return str(schema["description"])
