"""An HTTP API of API Gateway as the data plane sees it: plain values, read from the control plane at each request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

DEFAULT = "$default"
FUNCTION = re.compile(r"arn:aws[a-z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):function:[\w-]+(?::[\w$-]+)?")
VARIABLE = re.compile(r"\{(?P<name>[^}+]+)(?P<greedy>\+)?\}")


@dataclass(frozen=True)
class Integration:
    """`function` is the ARN of a function or alias, empty where the integration is none of Lambda."""

    function: str
    seconds: float = 30.0
    payload: str = "2.0"

    @classmethod
    def of(cls, uri: str, *, seconds: float, payload: str) -> Integration:
        """`uri` is the function's ARN, or API Gateway's own around it."""
        match = FUNCTION.search(uri)
        return cls(match[0] if match else "", seconds, payload)


@dataclass(frozen=True)
class Route:
    """`key` is `$default`, or a method or ANY and a path with `{variables}`; `authorization` as NONE or AWS_IAM."""

    key: str
    authorization: str = "NONE"
    integration: Integration | None = None

    def variables(self, method: str, path: str) -> Mapping[str, str] | None:
        """What the path's variables stand for, None where this is no route for the request."""
        if self.key == DEFAULT:
            return {}
        wanted, _, template = self.key.partition(" ")
        match = re.fullmatch(_pattern(template), path) if wanted in (method, "ANY") else None
        names = [variable["name"] for variable in VARIABLE.finditer(template)]
        return dict(zip(names, map(unquote, match.groups()), strict=True)) if match else None

    @property
    def rank(self) -> tuple[bool, bool, bool, bool]:
        """Smaller is asked first: a full match, one variable, a greedy one, `$default`; a method before ANY."""
        return self.key == DEFAULT, "+}" in self.key, "{" in self.key, self.key.startswith("ANY ")


@dataclass(frozen=True)
class HttpApi:
    """`stages` are the stage variables by the stage's name; `cors` is as configured, empty for none."""

    id: str
    account: str
    region: str
    stages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    routes: Sequence[Route] = ()
    cors: Mapping[str, Any] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        return f"{self.id}.execute-api.{self.region}.amazonaws.com"

    def stage_of(self, path: str) -> tuple[str, str] | None:
        """The stage that a path asks for, and the path within it; None where there is no such stage."""
        first, _, rest = path.removeprefix("/").partition("/")
        if first in self.stages and first != DEFAULT:
            return first, f"/{rest}"
        return (DEFAULT, path) if DEFAULT in self.stages else None

    def route_of(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route for a path within a stage, and what its variables stand for."""
        for route in sorted(self.routes, key=lambda one: one.rank):
            variables = route.variables(method, path)
            if variables is not None:
                return route, variables
        return None

    def source_arn(self, stage: str, route: Route) -> str:
        """What a permission of the function must allow."""
        called = route.key.replace(" ", "", 1) if route.key != DEFAULT else DEFAULT
        return f"arn:aws:execute-api:{self.region}:{self.account}:{self.id}/{stage}/{called}"


def _pattern(template: str) -> str:
    """`{name}` is one part of the path, `{name+}` one or more."""
    fixed = [re.escape(text) for text in VARIABLE.sub("\0", template).split("\0")]
    kinds = ["(.+)" if variable["greedy"] else "([^/]+)" for variable in VARIABLE.finditer(template)]
    return "".join(text for pair in zip(fixed, [*kinds, ""], strict=True) for text in pair)
