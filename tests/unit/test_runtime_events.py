"""What an event asks of the service, and what its invocation returns: mangum is in tests/functional."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from deployer.runtime.events import Asked, RouteFailed, ServiceFailed, UnsupportedEvent, as_request, as_result

URL = {
    "version": "2.0",
    "rawPath": "/a%20b",
    "requestContext": {"http": {"method": "POST"}, "domainName": "x.lambda-url.eu-west-1.on.aws"},
}
REST = {"httpMethod": "GET", "resource": "/", "path": "/", "requestContext": {}}
BALANCED = {"httpMethod": "GET", "path": "/x", "requestContext": {"elb": {}}}


@pytest.mark.parametrize(
    ("event", "route"), [(URL, "POST /a b"), (REST, "GET /"), (BALANCED, "GET /x")], ids=["URL", "REST", "balancer"]
)
def test_an_http_event_is_a_request_with_its_route(event: dict[str, Any], route: str) -> None:
    """The route is for the log: method and decoded path. The event itself is left as it came."""
    before = json.dumps(event)
    asked = as_request(event, default_route="/other")
    assert (asked.route, asked.plain) == (route, False)
    assert json.dumps(event) == before


@pytest.mark.parametrize(
    "event",
    [
        *[
            None,
            3,
            "text",
            [],
            {},
            {"requestContext": None},
            {"requestContext": {"http": {}}},
            {"source": "aws.events"},
        ],
        *[{"route": "predict"}, {"route": 7}, {"route": "/x", "unknown": 1}, {"route": "/x", "version": "2.0"}],
    ],
    ids=repr,
)
def test_events_without_a_route_are_refused_or_go_to_the_default_one(event: Any) -> None:
    """The message says both ways out; with a default route the whole event is the body."""
    with pytest.raises(UnsupportedEvent, match=r'(?s)answers HTTP requests.*"route": "/predict".*spec\.event_route'):
        as_request(event, default_route="")
    asked = as_request(event, default_route="/tick")
    assert (asked.route, asked.plain, json.loads(asked.event["body"])) == ("POST /tick", True, event)


@pytest.mark.parametrize(
    ("event", "method", "body"),
    [
        ({"route": "/p"}, "POST", "{}"),
        ({"route": "/p", "body": None}, "POST", "null"),
        ({"route": "/p", "body": "text"}, "POST", '"text"'),
        ({"route": "/p", "body": "text", "headers": {"Content-Type": "text/plain"}}, "POST", "text"),
        ({"route": "/p", "method": "get"}, "GET", ""),
    ],
)
def test_a_plain_event_names_its_route(event: dict[str, Any], method: str, body: str) -> None:
    """It is POSTed there as JSON unless it says otherwise, and goes before the default route."""
    asked = as_request(event, default_route="/other")
    assert (asked.route, asked.plain, asked.event["body"]) == (f"{method} /p", True, body)


@pytest.mark.parametrize("headers", ["x", {"a": 1}, []], ids=repr)
def test_headers_of_a_plain_event_are_strings(headers: Any) -> None:
    """What is no header is named, instead of failing somewhere in the service."""
    with pytest.raises(UnsupportedEvent, match="object of strings"):
        as_request({"route": "/p", "headers": headers}, default_route="")


def test_an_event_of_a_websocket_api_is_refused() -> None:
    """Whatever the default route: nobody could be answered."""
    event = {"requestContext": {"connectionId": "c", "eventType": "CONNECT"}}
    with pytest.raises(UnsupportedEvent, match="keeps no WebSocket open"):
        as_request(event, default_route="/tick")


def plain(body: str, *, kind: str = "application/json", status: int = 200, encoded: bool = False) -> Any:
    """The result of a plain event whose route answered so."""
    response = {"statusCode": status, "headers": {"content-type": kind}, "body": body, "isBase64Encoded": encoded}
    return as_result(Asked({}, "POST /p", plain=True), response)


def test_the_result_of_a_plain_event_is_its_body_as_json() -> None:
    """Text is a string, other content is told with its type, nothing is null."""
    png = base64.b64encode(b"\x89PNG").decode()
    assert plain('{"a": [1.5]}') == {"a": [1.5]}
    assert plain("") is None
    assert plain("hi", kind="text/plain") == "hi"
    assert plain('{"a": 1}\n{"a": 2}', kind="application/x-ndjson+json") == '{"a": 1}\n{"a": 2}'
    assert plain(png, kind="image/png", encoded=True) == {"contentType": "image/png", "base64": png}


def test_a_plain_event_that_its_route_refuses_fails() -> None:
    """With what the service said, so that whoever invoked the function, and a retry queue, learn of it."""
    with pytest.raises(RouteFailed, match="POST /p answered 400: no such column"):
        plain("no such column", status=400)
    with pytest.raises(ServiceFailed, match="POST /p answered 503: not started"):  # not the caller's to correct
        plain("not started", status=503)
    assert plain("null", status=399) is None


def test_a_response_to_http_is_returned_as_it_is() -> None:
    """Errors too: they are the client's."""
    response = {"statusCode": 500, "body": "x"}
    assert as_result(Asked({}, "GET /", plain=False), response) is response
