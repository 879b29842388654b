"""The sample features: read and judged before anything is deployed, sent as they are afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.config import SmokeTest
from deployer.errors import BadInput
from deployer.models import Route
from deployer.stages.json_input import parse_json
from deployer.stages.routes import find_route
from deployer.tools.route_schema import files_in, problem

PAYLOAD_LIMIT = 6 * 1024 * 1024  # bytes of JSON in one Lambda event


@dataclass(frozen=True)
class Samples:
    """What the smoke test sends: the file's own bytes, to this route."""

    route: Route
    body: bytes


def check_samples(options: SmokeTest, routes: Sequence[Route]) -> Samples | None:
    """The samples that the config names, None where it names none.

    Raises BadInput for a route that the Bento does not have, and for a file that is missing, too large for Lambda,
    not JSON, or not what the route takes.
    """
    if options.samples is None:
        if options.route and routes:
            _choose(options.route, routes)
        return None
    route = _choose(options.route, routes)
    body = _read(options.samples)
    _check_size(body, path=options.samples)
    value = parse_json(body, whence=f"smoke_test.samples: {options.samples}")
    _check_input(value, route=route, path=options.samples)
    return Samples(route, body)


def _choose(wanted: str, routes: Sequence[Route]) -> Route:
    if wanted:
        return find_route(wanted, routes, where="smoke_test.route")
    if len(routes) == 1:
        return routes[0]
    paths = [route.path for route in routes]
    known = f"one of {', '.join(paths)}" if paths else "such as `/predict`"
    raise BadInput(
        f"smoke_test.route is missing: the Bento has {len(paths)} routes.",
        hint=f"Name the route that takes the samples, {known}.",
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"smoke_test.samples: {path} cannot be read: {error.strerror}.",
            hint="Name a JSON file with the body of one request; the path is relative to the config that names it.",
        ) from error


def _check_size(body: bytes, *, path: Path) -> None:
    """The event holds the file as a JSON string, with each quote escaped; the rest of it is a few hundred bytes."""
    size = len(json.dumps(body.decode("utf-8", "replace"), ensure_ascii=False).encode())
    if size > PAYLOAD_LIMIT:
        raise BadInput(
            f"smoke_test.samples: {path} is too large for Lambda: {size:,} bytes in its event, which may"
            f" have {PAYLOAD_LIMIT:,}.",
            hint="Take fewer samples; the service's callers have the same limit for one request.",
        )


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
