"""Function URLs: HTTP to event and result to HTTP, without a server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from deployer.tools.payload_v2 import HttpRequest, HttpResponse, to_event, to_response


def event(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"method": "POST", "path": "/predict", "query": "", "headers": [], "body": b"", **changes}
    return to_event(HttpRequest(**values), url_id="abc", region="eu-west-1", request_id="r-1")


def result(value: Any, *, error: str = "") -> HttpResponse:
    return to_response(json.dumps(value).encode(), error=error)


def test_the_path_and_query_arrive_as_they_were_sent() -> None:
    """Encoding is the application's to undo, once."""
    made = event(path="/a%20b/%C3%BC", query="x=1&y=%20&x=2")
    assert ("/a%20b/%C3%BC", "x=1&y=%20&x=2") == (made["rawPath"], made["rawQueryString"])
    assert {"x": "1,2", "y": " "} == made["queryStringParameters"]


def test_headers_are_lower_case_joined_and_without_cookies() -> None:
    """Payload 2.0 has one value per header, and cookies in a list of their own."""
    made = event(headers=[("X-A", "1"), ("x-a", "2"), ("Cookie", "a=b; c=d")])
    assert {"x-a": "1,2"} == made["headers"]
    assert ["a=b", "c=d"] == made["cookies"]


def test_the_request_context_names_method_caller_and_url() -> None:
    """What AWS tells an application about the request."""
    context = event(headers=[("User-Agent", "curl/8")], source_ip="127.0.0.1")["requestContext"]
    expected = {
        "method": "POST",
        "path": "/predict",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "curl/8",
    }
    assert expected == context["http"]
    assert ("abc.lambda-url.eu-west-1.on.aws", "r-1") == (context["domainName"], context["requestId"])
    assert "authorizer" not in context


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        ("application/json", b'{"a": "\xc3\xbc"}', False),
        ("text/csv; charset=utf-8", b"a,b", False),
        ("application/vnd.api+json", b"{}", False),
        ("application/octet-stream", b"\x00\xff", True),
        ("", b"plain", True),
        ("application/json", b"\xff\xfe", True),
    ],
)
def test_bodies_that_are_not_text_arrive_in_base64(content_type: str, body: bytes, encoded: bool) -> None:
    """Text by its type arrives as it is; everything else, and text that is none, in base64."""
    made = event(headers=[("content-type", content_type)], body=body)
    arrived = base64.b64decode(made["body"]) if made["isBase64Encoded"] else made["body"].encode()
    assert (encoded, body) == (made["isBase64Encoded"], arrived)


def test_a_request_without_a_body_has_none_in_the_event() -> None:
    """No body is not an empty body."""
    assert "body" not in event(method="GET")


def test_a_full_result_becomes_status_headers_cookies_and_body() -> None:
    """Every field of the response format counts."""
    made = result({"statusCode": "201", "headers": {"X-A": 1}, "cookies": ["a=b", "c=d"], "body": "ok"})
    assert (
        HttpResponse(
            201,
            [("X-A", "1"), ("Content-Type", "application/json"), ("Set-Cookie", "a=b"), ("Set-Cookie", "c=d")],
            b"ok",
        )
        == made
    )


def test_a_base64_body_is_decoded() -> None:
    """Images and other bytes leave a function in base64."""
    body = base64.b64encode(b"\x89PNG").decode()
    assert result({"statusCode": 200, "body": body, "isBase64Encoded": True}).body == b"\x89PNG"


@pytest.mark.parametrize(("value", "body"), [([1.0, 2.0], b"[1.0, 2.0]"), ("hello", b"hello"), ({"a": 1}, b'{"a": 1}')])
def test_any_other_result_is_the_body_of_a_200(value: Any, body: bytes) -> None:
    """A result without statusCode is answered as JSON."""
    assert HttpResponse(200, (("Content-Type", "application/json"),), body) == result(value)


@pytest.mark.parametrize(
    "value",
    [
        {"statusCode": "many"},
        {"statusCode": 99},
        {"statusCode": 200, "headers": {"X": "a\r\nSet-Cookie: stolen"}},
        {"statusCode": 200, "body": "not base64!", "isBase64Encoded": True},
    ],
)
def test_a_result_that_is_no_response_is_a_502(value: Any) -> None:
    """AWS hides the function's mistake behind a 502, and a header never splits into two."""
    assert result(value).status == 502


def test_a_failed_function_is_a_502_without_its_message() -> None:
    """The caller of a URL does not see the traceback."""
    made = result({"errorMessage": "secret"}, error="Unhandled")
    assert (502, {"Message": "Internal Server Error"}) == (made.status, json.loads(made.body))
