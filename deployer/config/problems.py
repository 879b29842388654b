"""What is wrong with a config, in words: each problem names its key path, what was found, what is valid, a near miss.

All problems are found in one pass. No file is read here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from deployer.config.schema import ENV_BYTES, ROLE_NAME_LENGTH, SCHEMA
from deployer.config.schema_spec import REPOSITORY, REPOSITORY_RULE
from deployer.config.values import runtime_variables
from deployer.near_miss import near_miss

Keys = tuple[str | int, ...]
Written = Callable[[Keys], "str | None"]

SHOWN_CHARACTERS = 60
PLAIN_KEY = re.compile(r"[\w:/+=@-]+")
KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "a boolean",
}


@dataclass(frozen=True)
class Problem:
    """`keys` lead to the value; `message` is one or more sentences without the key path."""

    keys: Keys
    message: str

    @property
    def path(self) -> str:
        return ".".join(key if PLAIN_KEY.fullmatch(key) else shown(key) for key in map(str, self.keys))


def find_problems(values: Mapping[str, Any], written: Written) -> tuple[Problem, ...]:
    """Every problem of a config, at most one for each key. `written` gives a scalar as it stands in the file."""
    errors = Draft202012Validator(SCHEMA).iter_errors(values)
    found = [problem for error in errors for problem in _describe(_finding(error), written)]
    first: dict[Keys, Problem] = {}
    for problem in found:
        first.setdefault(problem.keys, problem)
    for problem in _limits_across_keys(values, spoiled=tuple(first)):
        first.setdefault(problem.keys, problem)
    return tuple(first.values())


def shown(value: object) -> str:
    """A value as it would be written in JSON, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


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
    elif finding.rule == "type":
        yield Problem(keys, _wrong_type(finding, written(keys)))
    elif finding.rule == "enum":
        yield Problem(keys, _not_one_of(finding, written(keys)))
    else:
        yield Problem(keys, _not_valid(finding))


def _bad_name(finding: _Finding) -> str:
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


def _limits_across_keys(values: Mapping[str, Any], *, spoiled: tuple[Keys, ...]) -> Iterator[Problem]:
    """Limits of AWS on what is made of several keys; skipped where one of those is wrong by itself."""
    broken = {keys[0] for keys in spoiled if len(keys) == 1} | {".".join(map(str, keys[:2])) for keys in spoiled}
    spec = values.get("spec", {}) if "spec" not in broken else {}
    if "name" in values and "name" not in broken:
        yield from _limits_of_name(values["name"], spec, region_is_wrong="spec.region" in broken)
    if not any(keys[:1] == ("env",) for keys in spoiled):
        yield from _limit_of_env(values.get("env", {}), {} if any(key[:1] == ("spec",) for key in spoiled) else spec)
    yield from _unprintable(values.get("smoke_test", {}))


def _limits_of_name(name: str, spec: Mapping[str, Any], *, region_is_wrong: bool) -> Iterator[Problem]:
    if "repository" not in spec and (not re.search(REPOSITORY, name) or len(name) < 2):
        message = f"{shown(name)} cannot name the ECR repository too ({REPOSITORY_RULE})."
        yield Problem(("name",), f"{message} Choose another name, or give one in spec.repository.")
    role = f"{name}-{spec.get('region', 'us-east-1')}"
    if len(role) > ROLE_NAME_LENGTH and not region_is_wrong:
        longest = ROLE_NAME_LENGTH - (len(role) - len(name))
        message = f"{len(name)} characters are too many: the IAM role {role} may have {ROLE_NAME_LENGTH}."
        yield Problem(("name",), f"{message} Valid: at most {longest} characters in this region.")


def _limit_of_env(env: Mapping[str, str], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """What the settings add to the function's environment counts too."""
    added = runtime_variables(spec.get("event_route", ""), documentation=spec.get("documentation", True))
    together = json.dumps({**env, **added}, ensure_ascii=False, separators=(",", ":"))
    size = len(together.encode("utf-8", "surrogatepass"))
    if size > ENV_BYTES:
        whose = f" ({', '.join(added)} of the settings among them)" if added else ""
        valid = f"at most {ENV_BYTES} bytes of names and values together, as JSON"
        yield Problem(("env",), f"{size} bytes{whose} are too many. Valid: {valid}.")


def _unprintable(smoke_test: Mapping[str, Any]) -> Iterator[Problem]:
    """`expected` may be any JSON value, and YAML knows some that JSON does not."""
    if not isinstance(smoke_test, Mapping) or "expected" not in smoke_test:
        return
    try:
        json.dumps(smoke_test["expected"], allow_nan=False)
    except (TypeError, ValueError):
        message = f"{shown(smoke_test['expected'])} is not a JSON value."
        yield Problem(("smoke_test", "expected"), message)
