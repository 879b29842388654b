"""What is asked of `bentoctl init`, and the bytes that answer its prompts. Pure: no files, no processes.

bentoctl drops 0, False and "", crashes on `[/x]` and re-reads a refused answer's line as the next answer. So only what
it surely carries is asked of it; `Asked` says exactly what that is, and everything travels in the job file besides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from deployer.config import DeploymentConfig, Spec
from deployer.operator.aws_lambda.operator_config import OPERATOR_DEFAULT_TEMPLATE, OPERATOR_NAME, OPERATOR_SCHEMA

CONFIG_FILE = "deployment_config.yaml"
LONGEST_TEXT = 1000  # characters; the terminal width bentoctl is told is wider, so no echoed value is wrapped
_ENV_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # bentoctl's own rule for names under `env`


@dataclass(frozen=True)
class Asked:
    """The deployment config that bentoctl must write, value for value and type for type."""

    name: str
    spec: Mapping[str, Any]
    env: Mapping[str, str]

    def document(self) -> dict[str, Any]:
        """As YAML holds it, keys in bentoctl's order."""
        return {
            "api_version": "v1",
            "name": self.name,
            "operator": {"name": OPERATOR_NAME},
            "template": OPERATOR_DEFAULT_TEMPLATE,
            "spec": dict(self.spec),
            "env": dict(self.env),
        }


def ask(config: DeploymentConfig) -> Asked:
    """The part of a config that bentoctl carries unchanged."""
    return Asked(name=config.name, spec=_carried_spec(config.spec), env=_carried_texts(config.env, _ENV_NAME))


def answers(asked: Asked) -> bytes:
    """Standard input for `bentoctl init`: one line for each prompt, in the order of the prompts."""
    lines = [asked.name]
    for field, rule in OPERATOR_SCHEMA.items():
        value = asked.spec.get(field)
        lines += _entries(value or {}) if rule["type"] == "dict" else ["" if value is None else str(value)]
    lines += [*_entries(asked.env), CONFIG_FILE]
    return "".join(f"{line}\n" for line in lines).encode()


def same(one: object, other: object) -> bool:
    """Equality that tells 1, True and "1" apart, in any depth; the order of keys does not matter."""
    return _spelled(one) == _spelled(other)


def differences(asked: Mapping[str, Any], written: object) -> list[str]:
    """Key paths (`spec.timeout`) where what bentoctl wrote is not what was asked; never values, they may be secret."""
    if not isinstance(written, Mapping):
        return ["the whole file"]
    found: list[str] = []
    for key in sorted(asked.keys() | written.keys(), key=str):
        ours, theirs = asked.get(key), written.get(key)
        if same(ours, theirs):
            continue
        nested = isinstance(ours, Mapping) and isinstance(theirs, Mapping)
        found += [f"{key}.{path}" for path in differences(ours or {}, theirs)] if nested else [str(key)]
    return found


def _carried_spec(spec: Spec) -> dict[str, Any]:
    values = {field: value for field, value in asdict(spec).items() if field in OPERATOR_SCHEMA}
    carried: dict[str, Any] = {}
    for field in OPERATOR_SCHEMA:
        value = _carried_texts(values[field]) if isinstance(values[field], Mapping) else values[field]
        if _is_carried(value):
            carried[field] = value
    return carried


def _carried_texts(texts: Mapping[str, str], name: re.Pattern[str] | None = None) -> dict[str, str]:
    return {
        key: text
        for key, text in texts.items()
        if _is_carried(key) and _is_carried(text) and (name is None or name.fullmatch(key))
    }


def _is_carried(value: object) -> bool:
    """Rich reads `[` as markup, `input()` splits at line ends, and an empty answer means "none"."""
    if isinstance(value, str):
        return 0 < len(value) <= LONGEST_TEXT and value.isprintable() and "[" not in value
    return bool(value)


def _entries(texts: Mapping[str, str]) -> list[str]:
    """Answers for a free mapping: y, key, value for each entry, then n."""
    return [line for key, text in texts.items() for line in ("y", key, text)] + ["n"]


def _spelled(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=repr)
