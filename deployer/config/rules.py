"""Limits of AWS on what several keys make together. Each message has the value that counts, and the limit.

A limit is passed over where one of its keys is wrong by itself: what it would say then need not be so.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deployer.config.arns import misplaced
from deployer.config.problem import Keys, Problem, shown
from deployer.config.schema import ENV_BYTES, ROLE_NAME_LENGTH
from deployer.config.schema_spec import REPOSITORY, REPOSITORY_RULE
from deployer.config.values import Spec, runtime_variables

SNAPSTART_STORAGE = 512  # MB of /tmp
RUNTIME_SETTINGS = ("event_route", "documentation", "stage")  # keys of spec that become variables of the function
DEFAULTS = {field.name: field.default for field in dataclasses.fields(Spec)}


@dataclass(frozen=True)
class _Rule:
    """`key` of spec cannot be as it is beside `other`, another key of spec.

    `is_broken` gets both values, the default where there is none; `told` may name them as {value} and {other}.
    """

    key: str
    other: str
    is_broken: Callable[[Any, Any], bool]
    told: str


# The sources are the pages of Lambda's and API Gateway's developer guides on SnapStart, EFS, concurrency, log formats,
# response streaming and stages.
RULES = (
    _Rule(
        "ephemeral_storage",
        "snapstart",
        lambda size, snapstart: snapstart and size > SNAPSTART_STORAGE,
        f"{{value}} MB are too many with spec.snapstart: true. Valid: {SNAPSTART_STORAGE} MB.",
    ),
    _Rule(
        "file_system",
        "snapstart",
        lambda there, snapstart: bool(there and snapstart),
        "Lambda takes no file system with spec.snapstart: true. Leave one of them out.",
    ),
    _Rule(
        "provisioned_concurrency",
        "snapstart",
        lambda count, snapstart: bool(count and snapstart),
        "{value} provisioned environments do not go with spec.snapstart: true. Leave one of them out.",
    ),
    _Rule(
        "file_system",
        "vpc",
        lambda there, vpc: bool(there and not vpc),
        "EFS is reached through a VPC, and there is no spec.vpc. Add the subnets and security groups of its network.",
    ),
    _Rule(
        "permission_boundary",
        "role",
        lambda boundary, role: bool(boundary and role),
        "it is for the role that deployer makes, and spec.role names {other}. Leave one of them out.",
    ),
    _Rule(
        "log_level",
        "log_format",
        lambda level, form: bool(level and form != "JSON"),
        "{value} needs spec.log_format: JSON, and it is {other}.",
    ),
    _Rule(
        "system_log_level",
        "log_format",
        lambda level, form: bool(level and form != "JSON"),
        "{value} needs spec.log_format: JSON, and it is {other}.",
    ),
    _Rule(
        "invoke_mode",
        "endpoint",
        lambda mode, endpoint: mode == "RESPONSE_STREAM" and endpoint == "http_api",
        "an HTTP API passes whole responses on: {value} needs spec.endpoint: function_url, and it is {other}.",
    ),
    _Rule(
        "stage",
        "endpoint",
        lambda stage, endpoint: stage != "$default" and endpoint != "http_api",
        "only an HTTP API has stages: {value} needs spec.endpoint: http_api, and it is {other}.",
    ),
    _Rule(
        "provisioned_concurrency",
        "reserved_concurrency",
        lambda count, reserved: None not in (count, reserved) and count > reserved,
        "{value} environments are more than spec.reserved_concurrency lets run, which is {other}.",
    ),
)


def limits_across_keys(values: Mapping[str, Any], *, spoiled: tuple[Keys, ...]) -> Iterator[Problem]:
    """`spoiled` are the keys that are wrong by themselves."""
    broken = {str(keys[0]) for keys in spoiled if len(keys) == 1} | {".".join(map(str, keys[:2])) for keys in spoiled}
    touched = {keys[0] for keys in spoiled}
    spec = values.get("spec", {}) if "spec" not in broken else {}
    if "name" in values and "name" not in broken:
        yield from _limits_of_name(values["name"], spec, region_is_wrong="spec.region" in broken)
    yield from _limits_of_spec(spec, broken)
    region, account = spec.get("region", DEFAULTS["region"]), values.get("account", "")
    yield from misplaced(spec, region=region, account=account, broken=broken)
    if "spec.cors" not in broken:
        yield from _credentials_for_everyone(spec.get("cors", {}))
    if not touched & {"env", "secrets"}:
        env, secrets = values.get("env", {}), values.get("secrets", {})
        yield from _set_twice(env, secrets)
        settings = {key: spec[key] for key in RUNTIME_SETTINGS if key in spec and f"spec.{key}" not in broken}
        yield from _limit_of_env(env, settings, secrets)
    yield from _unprintable(values.get("smoke_test", {}))


def _limits_of_name(name: str, spec: Mapping[str, Any], *, region_is_wrong: bool) -> Iterator[Problem]:
    if "repository" not in spec and (not re.search(REPOSITORY, name) or len(name) < 2):
        message = f"{shown(name)} cannot name the ECR repository too ({REPOSITORY_RULE})."
        yield Problem(("name",), f"{message} Choose another name, or give one in spec.repository.")
    role = f"{name}-{spec.get('region', DEFAULTS['region'])}"
    if len(role) > ROLE_NAME_LENGTH and "role" not in spec and not region_is_wrong:
        longest = ROLE_NAME_LENGTH - (len(role) - len(name))
        message = f"{len(name)} characters are too many: the IAM role {role} may have {ROLE_NAME_LENGTH}."
        yield Problem(("name",), f"{message} Valid: at most {longest} characters in this region.")


def _limits_of_spec(spec: Mapping[str, Any], broken: set[str]) -> Iterator[Problem]:
    for rule in RULES:
        if {f"spec.{rule.key}", f"spec.{rule.other}"} & broken:
            continue
        value, other = (spec.get(key, DEFAULTS[key]) for key in (rule.key, rule.other))
        if rule.is_broken(value, other):
            yield Problem(("spec", rule.key), rule.told.format(value=value, other=other))


def _credentials_for_everyone(cors: Mapping[str, Any]) -> Iterator[Problem]:
    if cors.get("allow_credentials") and "*" in cors["allow_origins"]:
        message = 'browsers send none to everyone, and spec.cors.allow_origins has "*". Name the origins one by one.'
        yield Problem(("spec", "cors", "allow_credentials"), message)


def _set_twice(env: Mapping[str, str], secrets: Mapping[str, str]) -> Iterator[Problem]:
    for name in secrets:
        if name in env:
            yield Problem(("secrets", name), f"env.{name} sets this variable too. Leave one of them out.")


def _limit_of_env(env: Mapping[str, str], settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Iterator[Problem]:
    """What the settings add to the function's environment counts too."""
    added = runtime_variables(
        settings.get("event_route", ""),
        documentation=settings.get("documentation", True),
        secrets=secrets,
    )
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
