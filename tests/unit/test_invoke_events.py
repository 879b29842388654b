"""What `deployer invoke` sends and what it refuses to send; which routes settings and arguments may name."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from deployer.errors import BadInput
from deployer.models import Route
from deployer.stages.events import choose_route, own_event, route_event
from deployer.stages.routes import check_event_route

PREDICT, SCORE = Route("predict", "/predict"), Route("score", "/v1/score")
BOTH = (PREDICT, SCORE)


def refusal(doing: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(BadInput) as refused:
        doing()
    return refused.value.message, refused.value.hint


@pytest.mark.parametrize(
    ("wanted", "routes", "event_route", "path"),
    [
        ("/predict", BOTH, "/v1/score", "/predict"),
        ("score", BOTH, "", "/v1/score"),
        ("", BOTH, "/v1/score", "/v1/score"),
        ("", (SCORE,), "", "/v1/score"),
        ("anything", (), "", "/anything"),
    ],
)
def test_the_route_is_the_named_one_then_the_one_for_events_then_the_only_one(
    wanted: str, routes: tuple[Route, ...], event_route: str, path: str
) -> None:
    """By path or by API name; a Bento that states no routes takes the user's word."""
    assert path == choose_route(wanted, routes, event_route=event_route)


def test_a_route_that_is_not_there_is_refused_with_those_that_are() -> None:
    """A near miss is named, and where none is named the choice is."""
    assert (
        "ROUTE: the Bento has no route /predcit.",
        "Did you mean /predict? Its routes: /predict, /v1/score.",
    ) == refusal(lambda: choose_route("/predcit", BOTH, event_route=""))
    assert (
        "No route is named, and the Bento has 2.",
        "Name one: /predict, /v1/score.",
    ) == refusal(lambda: choose_route("", BOTH, event_route=""))
    assert ("No route is named.", "Name one, as in `deployer invoke /predict`.") == refusal(
        lambda: choose_route("", (), event_route="")
    )


def test_the_event_route_of_a_config_is_a_path_of_the_bento() -> None:
    """An API's name is none, for the function goes by paths; without a setting or stated routes nothing is checked."""
    check_event_route("/v1/score", BOTH)
    check_event_route("", BOTH)
    check_event_route("/score", ())
    assert (
        "spec.event_route: the Bento has no route /score.",
        "Did you mean /v1/score? Its routes: /predict, /v1/score.",
    ) == refusal(lambda: check_event_route("/score", BOTH))


def test_a_body_travels_with_its_route() -> None:
    """As the function's runtime reads it, any text in it."""
    assert {"route": "/predict", "body": {"a": [1, "ü\ud800"]}} == json.loads(
        route_event("/predict", {"a": [1, "ü\ud800"]}).decode("utf-8", "surrogatepass")
    )


@pytest.mark.parametrize(
    "event",
    [
        {"version": "2.0", "requestContext": {"http": {"method": "GET", "path": "/"}}},
        {"httpMethod": "GET", "requestContext": {}},
        {"route": "/predict", "body": [1]},
        {"route": "/predict", "headers": {"a": "b"}, "method": "POST"},
    ],
    ids=["payload 2.0", "payload 1.0", "route", "route with headers"],
)
def test_an_event_that_says_where_it_goes_needs_no_setting(event: object) -> None:
    """It is sent as it is."""
    assert event == json.loads(own_event(event, whence="--event e.json", event_route=""))


@pytest.mark.parametrize(
    "event", [[1], "text", None, {}, {"source": "aws.events"}, {"route": "predict"}, {"route": "/predict", "id": 1}]
)
def test_any_other_event_needs_the_route_for_events(event: object) -> None:
    """Without one that is said before anything is sent; with one it is sent as it is."""
    message, hint = refusal(lambda: own_event(event, whence="--event e.json", event_route=""))
    assert message.startswith("--event e.json is no HTTP request and names no route, and the config has no spec.event")
    assert "deployer invoke ROUTE --data-file FILE" in hint
    assert event == json.loads(own_event(event, whence="--event e.json", event_route="/predict"))


def test_more_than_lambda_takes_is_refused_to_the_byte() -> None:
    """6 MB are 6 * 1024 * 1024 bytes of the whole event."""
    room = 6 * 1024 * 1024 - len(b'{"route":"/predict","body":""}')
    assert 6 * 1024 * 1024 == len(route_event("/predict", "x" * room))
    message, _ = refusal(lambda: route_event("/predict", "x" * (room + 1)))
    assert "The event has 6,291,457 bytes, and Lambda takes at most 6,291,456 (6 MB)." == message
