"""Which route of a Bento is meant. What is refused names those that there are.

A Bento of an old BentoML may not say what it serves: then the user's word is taken.
"""

from __future__ import annotations

from collections.abc import Sequence

from deployer.errors import BadInput
from deployer.models import Route
from deployer.near_miss import near_miss


def find_route(wanted: str, routes: Sequence[Route], *, where: str) -> Route:
    """The route of this path or API name. `where` is the setting or argument that says it. Raises BadInput."""
    if not routes:
        return Route(name=wanted.strip("/"), path=f"/{wanted.lstrip('/')}")
    for route in routes:
        if wanted.lstrip("/") in (route.path.lstrip("/"), route.name):
            return route
    raise _unknown(wanted, routes, where=where)


def check_event_route(path: str, routes: Sequence[Route]) -> None:
    """Raises BadInput where `spec.event_route` is given and no route of the Bento has exactly that path."""
    if path and routes and path not in [route.path for route in routes]:
        raise _unknown(path, routes, where="spec.event_route")


def _unknown(wanted: str, routes: Sequence[Route], *, where: str) -> BadInput:
    paths = [route.path for route in routes]
    return BadInput(
        f"{where}: the Bento has no route {wanted}.",
        hint=f"{near_miss(wanted, paths)} Its routes: {', '.join(paths)}.".lstrip(),
    )
