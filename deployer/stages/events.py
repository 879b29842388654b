"""What `deployer invoke` sends: JSON for a route of the Bento, or an event as the user has it. Nothing is sent here.

`deployer/runtime/events.py` is the other side: it says which events reach a route.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from deployer.errors import BadInput
from deployer.models import Route
from deployer.stages.routes import find_route
from deployer.stages.samples import PAYLOAD_LIMIT

_ROUTE_EVENT = {"route", "method", "headers", "body"}


def choose_route(wanted: str, routes: Sequence[Route], *, event_route: str) -> str:
    """The path of the route that was named, else the one for events, else the Bento's only one. Raises BadInput."""
    if wanted:
        return find_route(wanted, routes, where="ROUTE").path
    if event_route:
        return event_route
    if len(routes) == 1:
        return routes[0].path
    paths = ", ".join(route.path for route in routes)
    raise BadInput(
        f"No route is named, and the Bento has {len(routes)}." if routes else "No route is named.",
        hint=f"Name one: {paths}." if routes else "Name one, as in `deployer invoke /predict`.",
    )


def route_event(path: str, body: Any) -> bytes:
    """The payload that POSTs a JSON body to a route. Raises BadInput for more than Lambda takes."""
    return _payload({"route": path, "body": body})


def own_event(event: Any, *, whence: str, event_route: str) -> bytes:
    """The payload of an event that is sent as it is. Raises BadInput where the function would not know its route."""
    if not event_route and not _is_http(event) and not _names_its_route(event):
        raise BadInput(
            f"{whence} is no HTTP request and names no route, and the config has no spec.event_route for such events.",
            hint="Name one there and run `deployer up`, or send it as the body of a request:"
            " `deployer invoke ROUTE --data-file FILE`.",
        )
    return _payload(event)


def _is_http(event: Any) -> bool:
    """Of a function URL, an HTTP or REST API, or a load balancer."""
    return isinstance(event, dict) and isinstance(event.get("requestContext"), dict)


def _names_its_route(event: Any) -> bool:
    route = event.get("route") if isinstance(event, dict) else None
    return isinstance(route, str) and route.startswith("/") and event.keys() <= _ROUTE_EVENT


def _payload(event: Any) -> bytes:
    payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    if len(payload) > PAYLOAD_LIMIT:
        raise BadInput(
            f"The event has {len(payload):,} bytes, and Lambda takes at most {PAYLOAD_LIMIT:,} (6 MB).",
            hint="Send less at once, or send where the data is and let the service fetch it.",
        )
    return payload
