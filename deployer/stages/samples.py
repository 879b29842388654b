"""The sample features: read and judged before anything is deployed, sent as they are afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from deployer.config import SmokeTest
from deployer.errors import BadInput
from deployer.models import Route
from deployer.near_miss import near_miss
from deployer.tools.route_schema import files_in, problem


@dataclass(frozen=True)
class Samples:
    """What the smoke test sends: the file's own bytes, to this route."""

    route: Route
    body: bytes


def check_samples(options: SmokeTest, routes: Sequence[Route]) -> Samples | None:
    """The samples that the config names, None where it names none.

    Raises BadInput for a route that the Bento does not have, and for a file that is missing, not JSON, or not what
    the route takes.
    """
    if options.samples is None:
        if options.route and routes:
            _choose(options.route, routes)
        return None
    route = _choose(options.route, routes)
    body = _read(options.samples)
    _check_input(_parse(body, path=options.samples), route=route, path=options.samples)
    return Samples(route, body)


def _choose(wanted: str, routes: Sequence[Route]) -> Route:
    if not wanted and len(routes) == 1:
        return routes[0]
    if wanted and not routes:  # an old Bento may not say what it serves: take the user's word
        return Route(name=wanted.strip("/"), path=f"/{wanted.lstrip('/')}")
    for route in routes:
        if wanted and wanted.lstrip("/") in (route.path.lstrip("/"), route.name):
            return route
    paths = [route.path for route in routes]
    if not wanted:
        known = f"one of {', '.join(paths)}" if paths else "such as `/predict`"
        raise BadInput(
            f"smoke_test.route is missing: the Bento has {len(paths)} routes.",
            hint=f"Name the route that takes the samples, {known}.",
        )
    raise BadInput(
        f"smoke_test.route: the Bento has no route {wanted}.",
        hint=f"{near_miss(wanted, paths)} Its routes: {', '.join(paths)}.".lstrip(),
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"smoke_test.samples: {path} cannot be read: {error.strerror}.",
            hint="Name a JSON file with the body of one request; the path is relative to the config that names it.",
        ) from error


def _parse(body: bytes, *, path: Path) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise BadInput(
            f"smoke_test.samples: {path} is not JSON: {error}.", hint="The file is sent as it is: make it valid JSON."
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _check_input(value: Any, *, route: Route, path: Path) -> None:
    files = files_in(route.input_schema)
    if files:
        raise BadInput(
            f"smoke_test.samples: {route.path} takes a file ({', '.join(files)}), and samples are sent as JSON.",
            hint="Leave smoke_test.samples out, or name a route that takes JSON.",
        )
    wrong = problem(value, route.input_schema)
    if wrong is not None:
        raise BadInput(
            f"smoke_test.samples: {path} is not what {route.path} takes: {wrong}.",
            hint="The file is the whole body of one request, as the route's schema in the Bento states it.",
        )
