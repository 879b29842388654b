"""Events of every kind through the handler's own mangum: what an application is asked, and what goes back."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from bento_projects import install_handler

from deployer.runtime.application import below, for_lambda
from deployer.runtime.events import TEXT_TYPES, as_request, as_result

Event = dict[str, Any]
Ask = Callable[..., Any]
PNG = b"\x89PNG\r\n\xff\x00"
COOKIES = [(b"set-cookie", b"a=1; Path=/"), (b"set-cookie", b"b=2")]


async def echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer with what was asked."""
    body = (await receive())["body"]
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "root_path": scope["root_path"],
        "query": parse_qsl(scope["query_string"].decode(), keep_blank_values=True),
        "headers": [[name.decode(), value.decode()] for name, value in scope["headers"]],
        "body": base64.b64encode(body).decode(),
    }
    await respond(send, json.dumps(seen).encode(), [(b"content-type", b"application/json")])


async def respond(send: Any, body: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def answering(body: bytes, *headers: tuple[bytes, bytes]) -> Any:
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await respond(send, body, list(headers))

    return app


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Hand an event over as the handler does; the result of the invocation comes back."""
    place = str(install_handler(tmp_path_factory.mktemp("handler") / "deployer"))
    sys.path.append(place)
    from mangum import Mangum

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def through(event: Any, app: Any = echo, *, default_route: str = "") -> Any:
        asked = as_request(event, default_route=default_route)
        application = below(for_lambda(app, documentation=True), asked.root_path)
        adapter = Mangum(application, lifespan="off", text_mime_types=[*TEXT_TYPES])
        return as_result(asked, adapter(asked.event, None))

    yield through
    sys.path.remove(place)
    asyncio.set_event_loop(None)
    loop.close()


def function_url(path: str = "/predict", query: str = "", **more: Any) -> Event:
    """Payload 2.0, path and query as they were sent."""
    http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "1.2.3.4", "userAgent": "x"}
    sender = {"http": http, "stage": "$default", "domainName": "abc.lambda-url.us-east-1.on.aws"}
    event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": {}}
    return {**event, "requestContext": sender, "isBase64Encoded": False, **more}


def http_api(raw_path: str, *, stage: str, route: str = "$default", **more: Any) -> Event:
    """Payload 2.0 of API Gateway, which decodes the path and leaves the stage in it."""
    event = function_url(raw_path, routeKey=route, **more)
    sender = {**event["requestContext"], "stage": stage, "domainName": "abc.execute-api.us-east-1.amazonaws.com"}
    return {**event, "requestContext": sender}


def rest_api(path: str = "/predict", resource: str = "/{proxy+}", **more: Any) -> Event:
    """Payload 1.0."""
    parameters = {"proxy": path.strip("/")} if "proxy" in resource else None
    sender = {"stage": "prod", "path": f"/prod{path}", "identity": {"sourceIp": "1.2.3.4"}, "httpMethod": "POST"}
    event = {"resource": resource, "path": path, "httpMethod": "POST", "headers": {}, "multiValueHeaders": {}}
    return {**event, "pathParameters": parameters, "requestContext": sender, "body": None, **more}


def load_balancer(path: str = "/predict", **more: Any) -> Event:
    """A target group's event: with `multiValueHeaders` its multi-value mode."""
    event = {"requestContext": {"elb": {"targetGroupArn": "arn"}}, "httpMethod": "POST", "path": path}
    several = "multiValueHeaders" in more
    return {**event, **({} if several else {"headers": {}}), "body": "", "isBase64Encoded": False, **more}


def seen(result: Any) -> Any:
    assert result["statusCode"] == 200, result
    return json.loads(result["body"])


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (function_url("/a%20b/caf%C3%A9"), "/a b/café"),
        (function_url("/100%2525"), "/100%25"),
        (function_url(""), "/"),
        (http_api("/predict", stage="$default"), "/predict"),
        (http_api("/prod/predict", stage="prod"), "/predict"),
        (http_api("/prod/prod", stage="prod"), "/prod"),
        (http_api("/prod", stage="prod"), "/"),
        (http_api("/production/x", stage="prod"), "/production/x"),
        (http_api("/prod/a b/50%25", stage="prod"), "/a b/50%25"),
        (http_api("/v1/x/", stage="p", route="ANY /{proxy+}", pathParameters={"proxy": "x/"}), "/x/"),
        (http_api("/predict", stage="predict", route="POST /predict"), "/predict"),
        (rest_api("/predict"), "/predict"),
        (rest_api("/base/predict/", pathParameters={"proxy": "predict"}), "/predict/"),
        (rest_api("/base/a%20b", pathParameters={"proxy": "a b"}), "/a b"),
        (rest_api("/base", resource="/"), "/"),
        (rest_api("/base/items/7", "/items/{id}", pathParameters={"id": "7"}), "/items/7"),
        (rest_api("/a/b", "/{proxy+}", pathParameters=None), "/a/b"),
        ({**rest_api("/prod/x", "/{proxy+}", pathParameters=None), "version": "1.0"}, "/x"),
        (load_balancer("/a%20b"), "/a b"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_application_sees_its_own_path(ask: Ask, event: Event, path: str) -> None:
    """Decoded once, without a stage or a custom domain's base path."""
    assert seen(ask(event))["path"] == path


CUSTOM = {"stage": "prod", "path": "/base/predict", "httpMethod": "POST", "domainName": "api.example.com"}


@pytest.mark.parametrize(
    ("event", "root_path"),
    [
        (function_url("/predict"), ""),
        (http_api("/predict", stage="$default"), ""),
        (http_api("/prod/predict", stage="prod"), "/prod"),
        (http_api("/prod/predict/", stage="prod"), "/prod"),
        (http_api("/prod", stage="prod"), "/prod"),
        (http_api("/prod/", stage="prod"), "/prod"),
        (http_api("/prod/prod", stage="prod"), "/prod"),
        (http_api("/prod/a b", stage="prod", route="ANY /{proxy+}", pathParameters={"proxy": "a b"}), "/prod"),
        (http_api("/predict", stage="predict", route="POST /predict"), ""),
        (rest_api("/predict"), "/prod"),
        (rest_api("/a%20b", pathParameters={"proxy": "a b"}), "/prod"),
        (rest_api("/", resource="/"), "/prod"),
        (rest_api("/base/predict", pathParameters={"proxy": "predict"}, requestContext=CUSTOM), "/base"),
        (rest_api("/predict", requestContext={"stage": "prod"}), ""),
        (load_balancer("/predict"), ""),
    ],
)
def test_the_application_knows_what_its_client_has_before_the_path(ask: Ask, event: Event, root_path: str) -> None:
    """A stage is a part of every link that it makes."""
    assert seen(ask(event))["root_path"] == root_path


def test_a_custom_domain_of_an_http_api_has_no_stage_in_its_links(ask: Ask) -> None:
    """Its client's path has none, though `rawPath` has; what it has instead, payload 2.0 does not say."""
    event = http_api("/prod/predict", stage="prod")
    event["requestContext"]["domainName"] = "api.example.com"
    answer = seen(ask(event))
    assert (answer["path"], answer["root_path"]) == ("/predict", "")


QUERY = "a=1&a=2&b=x%20y%2Bz+w&c=&%C3%A9=%26"
PAIRS = [["a", "1"], ["a", "2"], ["b", "x y+z w"], ["c", ""], ["é", "&"]]


@pytest.mark.parametrize(
    "event",
    [
        function_url(query=QUERY, queryStringParameters={"a": "1,2"}),
        rest_api(
            queryStringParameters={"a": "2"},
            multiValueQueryStringParameters={"a": ["1", "2"], "b": ["x y+z w"], "c": [""], "é": ["&"]},
        ),
        load_balancer(
            multiValueHeaders={},
            multiValueQueryStringParameters={"a": ["1", "2"], "b": ["x%20y%2Bz+w"], "c": [""], "%C3%A9": ["%26"]},
        ),
    ],
    ids=["2.0", "1.0", "load balancer"],
)
def test_a_query_keeps_repeated_keys_and_encoded_characters(ask: Ask, event: Event) -> None:
    """Load balancers leave it encoded, REST APIs decode it, payload 2.0 has it whole."""
    assert seen(ask(event))["query"] == PAIRS


@pytest.mark.parametrize("event", [function_url(), rest_api(), load_balancer()], ids=["2.0", "1.0", "load balancer"])
def test_a_binary_body_arrives_as_it_was_sent(ask: Ask, event: Event) -> None:
    """And none at all is empty."""
    sent = {**event, "body": base64.b64encode(PNG).decode(), "isBase64Encoded": True}
    assert base64.b64decode(seen(ask(sent))["body"]) == PNG
    assert seen(ask({**event, "body": None}))["body"] == ""
    text = {**event, "body": "é"}
    assert base64.b64decode(seen(ask(text))["body"]).decode() == "é"


def test_headers_with_several_values_arrive(ask: Ask) -> None:
    """A REST API's are one header, cookies joined as cookies are; a load balancer's stay apart."""
    several = {"Cookie": ["a=1", "b=2"], "X-Tag": ["p", "q"]}
    rest = dict(seen(ask(rest_api(headers={"Cookie": "b=2"}, multiValueHeaders=several)))["headers"])
    assert (rest["cookie"], rest["x-tag"]) == ("a=1; b=2", "p, q")
    balanced = seen(ask(load_balancer(multiValueHeaders=several)))["headers"]
    assert [pair for pair in balanced if pair[0] == "x-tag"] == [["x-tag", "p"], ["x-tag", "q"]]
    url = dict(seen(ask(function_url(cookies=["a=1", "b=2"])))["headers"])
    assert url["cookie"] == "a=1; b=2"


@pytest.mark.parametrize(
    "headers",
    [None, {"host": "[::1]:80"}, {"host": "x:y"}, {"x-forwarded-port": "443, 443"}, {"accept": None}],
    ids=str,
)
@pytest.mark.parametrize("make", [function_url, rest_api, load_balancer])
def test_no_header_of_a_client_makes_mangum_raise(ask: Ask, make: Callable[..., Event], headers: Any) -> None:
    """It reads ports out of two of them."""
    assert seen(ask(make(headers=headers)))["path"] == "/predict"


def test_several_cookies_go_back_in_each_payload_s_own_way(ask: Ask) -> None:
    """A list of their own in 2.0, several values in 1.0, and names of unequal case where a load balancer takes one."""
    app = answering(b"{}", (b"content-type", b"application/json"), *COOKIES)
    values = ["a=1; Path=/", "b=2"]
    assert ask(function_url(), app)["cookies"] == values
    assert ask(rest_api(), app)["multiValueHeaders"]["set-cookie"] == values
    assert ask(load_balancer(multiValueHeaders={}), app)["multiValueHeaders"]["set-cookie"] == values
    headers = ask(load_balancer(), app)["headers"]
    assert [value for name, value in headers.items() if name.lower() == "set-cookie"] == values


@pytest.mark.parametrize("make", [function_url, rest_api, load_balancer])
@pytest.mark.parametrize(
    ("body", "kind", "encoded"),
    [
        (PNG, b"image/png", True),
        (b"\x1f\x8b\xff", b"application/json", True),
        ('{"a": "é"}'.encode(), b"application/problem+json", False),
        (b"", b"image/png", False),
        ("é".encode("latin-1"), b"text/plain; charset=latin-1", True),
        ("é".encode(), b"text/event-stream", False),
    ],
)
def test_a_body_goes_back_as_text_only_when_it_is(
    ask: Ask, make: Callable[..., Event], body: bytes, kind: bytes, encoded: bool
) -> None:
    """Whatever the type promises: compressed JSON is not text."""
    result = ask(make(), answering(body, (b"content-type", kind)))
    assert result["isBase64Encoded"] is encoded
    assert (base64.b64decode(result["body"]) if encoded else result["body"].encode()) == body


def test_a_head_request_gets_no_body(ask: Ask) -> None:
    """Its headers are those of the whole answer."""
    event = rest_api(httpMethod="HEAD")
    result = ask(event, answering(b"four", (b"content-type", b"text/plain"), (b"content-length", b"4")))
    assert (result["body"], result["headers"]["content-length"]) == ("", "4")


def test_headers_in_latin_1_go_back(ask: Ask) -> None:
    """Starlette writes them so; mangum would raise."""
    result = ask(function_url(), answering(b"", (b"x-name", "café".encode("latin-1"))))
    assert result["headers"]["x-name"] == "café"


def test_an_application_that_raises_is_a_500(ask: Ask) -> None:
    """With JSON that names the error's type; the next request is served."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        raise ValueError("a secret")

    result = ask(function_url(), app)
    assert (result["statusCode"], result["headers"]["content-type"]) == (500, "application/json")
    assert "ValueError" in json.loads(result["body"])["error"]
    assert "secret" not in result["body"]


def test_a_plain_event_gets_its_route_s_json(ask: Ask) -> None:
    """Named by itself or by default; the invocation's result is the body alone."""
    named = ask({"route": "/predict?a=1&a=2", "body": {"x": 1}, "headers": {"X-Tag": "t"}})
    assert (named["method"], named["path"], named["query"]) == ("POST", "/predict", [["a", "1"], ["a", "2"]])
    assert json.loads(base64.b64decode(named["body"])) == {"x": 1}
    assert ["x-tag", "t"] in named["headers"]
    scheduled = ask({"source": "aws.events", "detail": {}}, default_route="/tick")
    assert scheduled["path"] == "/tick"
    assert json.loads(base64.b64decode(scheduled["body"])) == {"source": "aws.events", "detail": {}}
    assert ask({"route": "/p"}, answering(PNG, (b"content-type", b"image/png"))) == {
        "contentType": "image/png",
        "base64": base64.b64encode(PNG).decode(),
    }
