"""HTTP APIs of the local AWS: which route takes a request, what the function is told, what the API itself refuses."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from local_aws import ACCOUNT, REGION, FakeControlPlane
from werkzeug.test import Client, TestResponse

from deployer.local.alias_routing import AliasRouting
from deployer.local.functions import Alias, FunctionName, FunctionVersion
from deployer.local.http_api import HttpApi, Integration, Route
from deployer.local.http_apis import REQUEST_LIMIT, HttpApis
from deployer.local.invocation import Answer, CannotRun, Invocation, Throttled
from deployer.local.server import wsgi
from deployer.local.signature import Keys

KEYS = Keys("AKIALOCAL", "secret")
DIGITS = FunctionName(ACCOUNT, REGION, "digits")
FIRST = FunctionVersion(DIGITS, "1", "sha256:0", timeout=5, memory_size=128, ephemeral_storage=512)
LIVE = Integration(f"{DIGITS.arn}:live")
API = HttpApi("abcdefgh", ACCOUNT, REGION, stages={"$default": {}}, routes=[Route("$default", integration=LIVE)])
PERMISSION = {
    "Effect": "Allow",
    "Action": "lambda:InvokeFunction",
    "Principal": {"Service": "apigateway.amazonaws.com"},
    "Resource": f"{DIGITS.arn}:live",
    "Condition": {"ArnLike": {"AWS:SourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:abcdefgh/*/$default"}},
}
PAGE = {"Origin": "https://app.example.com"}
PREFLIGHT = {**PAGE, "Access-Control-Request-Method": "POST"}
CORS = {"allowOrigins": ["https://app.example.com"], "allowMethods": ["GET", "POST"], "maxAge": 600}


@dataclass
class Function:
    """Answers what the test says, and remembers the events."""

    answer: Callable[[], Answer] = lambda: Answer(b'{"statusCode": 201, "body": "made"}', "1", "r-1")
    events: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, version: FunctionVersion, invocation: Invocation, *, want_log: bool = False) -> Answer:
        self.events.append(json.loads(invocation.payload))
        return self.answer()


def asked(
    path: str = "/predict",
    *,
    api: HttpApi = API,
    function: Function | None = None,
    method: str = "POST",
    permission: Mapping[str, object] = PERMISSION,
    **request: Any,
) -> TestResponse:
    """The answer of the API to a request below its address."""
    plane = FakeControlPlane(
        versions={(DIGITS, "$LATEST"): FIRST, (DIGITS, "1"): FIRST},
        named={DIGITS: {"live": Alias("live", "1")}},
        policies={DIGITS: [permission]},
    )
    routing = AliasRouting(plane, Random(1))  # noqa: S311 - shares of traffic, no secret
    apis = HttpApis(plane, routing, function or Function(), {API.id: api}.get, KEYS)
    return Client(wsgi(apis.answer)).open(f"/http-api/{API.id}{path}", method=method, **request)


def said(response: TestResponse) -> tuple[int, str]:
    return response.status_code, json.loads(response.data)["message"]


def told(path: str, api: HttpApi = API, **request: Any) -> dict[str, Any]:
    """The event of a request that the function was asked."""
    function = Function()
    assert asked(path, api=api, function=function, **request).status_code == 201
    (event,) = function.events
    return event


def test_a_request_is_an_event_of_the_api() -> None:
    """Payload 2.0, with the API, its account, stage and route in its context; the function's answer comes back."""
    event = told("/predict/%C3%BC?a=b%20c", data=b"[1]", headers={"Content-Type": "application/json", "X-A": "1"})
    context = event["requestContext"]
    assert ("2.0", "/predict/%C3%BC", "a=b%20c", "[1]") == (
        event["version"],
        event["rawPath"],
        event["rawQueryString"],
        event["body"],
    )
    assert (ACCOUNT, "abcdefgh", "$default", "$default") == (
        context["accountId"],
        context["apiId"],
        context["stage"],
        context["routeKey"],
    )
    assert context["domainName"] == f"abcdefgh.execute-api.{REGION}.amazonaws.com"
    assert "pathParameters" not in event and "authorizer" not in context
    answer = asked()
    assert (201, b"made") == (answer.status_code, answer.data)
    assert answer.headers["Apigw-Requestid"]


def test_a_named_stage_is_the_paths_first_part_and_stays_in_it() -> None:
    """On AWS too: the runtime takes it away. Its variables are told; any other first part is no stage."""
    staged = replace(API, stages={"v1": {"model": "digits"}})
    event = told("/v1/predict", staged)
    assert ("/v1/predict", "v1", {"model": "digits"}) == (
        event["rawPath"],
        event["requestContext"]["stage"],
        event["stageVariables"],
    )
    assert event["requestContext"]["http"]["path"] == "/v1/predict"
    assert told("/v1", staged)["rawPath"] == "/v1"
    both = replace(API, stages={"$default": {}, "v1": {}})
    assert ["$default", "v1"] == [told(path, both)["requestContext"]["stage"] for path in ("/predict", "/v1/predict")]
    for path in ("/predict", "/", "/v2/predict"):
        assert (404, "Not Found") == said(asked(path, api=staged))


def test_what_is_not_there_is_not_found() -> None:
    """An API that nobody made, and one without a route for the request."""
    empty = replace(API, routes=[Route("GET /predict", integration=LIVE)])
    assert (404, "Not Found") == said(asked(api=empty))
    client = Client(wsgi(HttpApis(FakeControlPlane(), None, Function(), {}.get, KEYS).answer))  # type: ignore[arg-type]
    assert client.get("/http-api/other/").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "key", "variables"),
    [
        ("GET", "/models", "GET /models", None),
        ("POST", "/models", "ANY /models", None),
        ("GET", "/models/3", "GET /models/{id}", {"id": "3"}),
        ("GET", "/models/a%20b", "GET /models/{id}", {"id": "a b"}),
        ("GET", "/models/3/files/x", "ANY /{proxy+}", {"proxy": "models/3/files/x"}),
        ("GET", "/", "$default", None),
    ],
)
def test_the_most_specific_route_takes_a_request(
    method: str, path: str, key: str, variables: Mapping[str, str] | None
) -> None:
    """A full match, then variables, then a greedy one, then `$default`; a greedy one stands for one part at least."""
    keys = ("$default", "ANY /{proxy+}", "ANY /models", "GET /models", "GET /models/{id}")
    api = replace(API, routes=[Route(one, integration=LIVE) for one in keys])
    permission = {name: value for name, value in PERMISSION.items() if name != "Condition"}
    event = told(path, api, method=method, permission=permission)
    assert (key, variables) == (event["routeKey"], event.get("pathParameters"))


@pytest.mark.parametrize(
    "changed",
    [
        {"Resource": DIGITS.arn},
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Action": "lambda:InvokeFunctionUrl"},
        {"Condition": {"ArnLike": {"AWS:SourceArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:other/*/$default"}}},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "999999999999"}}},
    ],
)
def test_an_api_needs_a_permission_of_the_alias_for_itself(changed: Mapping[str, object]) -> None:
    """Of another qualifier, service, action, API or account it is none: as on AWS an error that says nothing."""
    function = Function()
    answer = asked(permission={**PERMISSION, **changed}, function=function)
    assert ((500, "Internal Server Error"), []) == (said(answer), function.events)


def raising(error: Exception) -> Callable[[], Answer]:
    def raised() -> Answer:
        raise error

    return raised


@pytest.mark.parametrize(
    ("answer", "status", "message"),
    [
        (lambda: Answer(b"{}", "1", "r", error="Unhandled"), 500, "Internal Server Error"),
        (lambda: Answer(b'{"statusCode": "many"}', "1", "r"), 500, "Internal Server Error"),
        (raising(CannotRun("no such processor")), 500, "Internal Server Error"),
        (raising(Throttled()), 503, "Service Unavailable"),
    ],
)
def test_a_function_that_gives_no_answer(answer: Callable[[], Answer], status: int, message: str) -> None:
    """Behind an API it is 500, where a function URL says 502; too many at once is 503."""
    assert (status, message) == said(asked(function=Function(answer)))


def test_an_answer_that_comes_too_late_is_service_unavailable() -> None:
    """After the integration's time-out, 30 s where it names none; the function goes on."""
    ended = threading.Event()

    def slow() -> Answer:
        ended.wait(20)
        return Answer(b"{}", "1", "r")

    api = replace(API, routes=[Route("$default", integration=replace(LIVE, seconds=0.05))])
    assert (503, "Service Unavailable") == said(asked(api=api, function=Function(slow)))
    ended.set()
    assert LIVE.seconds == 30


@pytest.mark.parametrize("size", [REQUEST_LIMIT + 1, 7 << 20])
def test_a_large_request_is_refused(size: int) -> None:
    """More than the API takes, and more than Lambda takes of it."""
    function = Function()
    assert (413, "Request Entity Too Large") == said(asked(data=b"x" * size, function=function))
    assert function.events == []


def signed(path: str, *, service: str = "execute-api", key: str = KEYS.access_key_id) -> dict[str, str]:
    request = AWSRequest("GET", f"http://localhost/http-api/{API.id}{path}", headers={"Host": "localhost"})
    SigV4Auth(Credentials(key, KEYS.secret_access_key), service, REGION).add_auth(request)
    return {name: str(value) for name, value in request.headers.items()}


PRIVATE = replace(API, routes=[Route("$default", authorization="AWS_IAM", integration=LIVE)], cors=CORS)


def test_a_private_route_takes_signed_requests_alone() -> None:
    """Signed for execute-api, not for lambda; the function is told who signed."""
    event = told("/predict?a=1", PRIVATE, method="GET", headers=signed("/predict?a=1"))
    iam = event["requestContext"]["authorizer"]["iam"]
    assert (ACCOUNT, KEYS.access_key_id) == (iam["accountId"], iam["accessKey"])
    by_token = replace(API, routes=[Route("$default", authorization="JWT", integration=LIVE)])
    assert (403, "Forbidden") == said(asked(api=by_token))
    for headers in ({}, signed("/", service="lambda"), signed("/other"), signed("/", key="OTHER")):
        assert (403, "Forbidden") == said(asked("/", api=PRIVATE, method="GET", headers=headers))


def cors_of(response: TestResponse) -> dict[str, list[str]]:
    names = {name.lower() for name, _ in response.headers if name.lower().startswith("access-control-")}
    return {name.removeprefix("access-control-"): response.headers.getlist(name) for name in names}


ALLOWED = {"allow-origin": [PAGE["Origin"]], "allow-methods": ["GET,POST"], "max-age": ["600"]}


def test_a_preflight_is_answered_by_the_api() -> None:
    """With or without a route for it, and without the function; a page of another origin is told nothing."""
    function = Function()
    for routes in (API.routes, []):
        answer = asked(
            api=replace(API, cors=CORS, routes=routes), method="OPTIONS", headers=PREFLIGHT, function=function
        )
        assert (204, b"", ALLOWED) == (answer.status_code, answer.data, cors_of(answer))
    other = {**PREFLIGHT, "Origin": "https://example.org"}
    answer = asked(api=replace(API, cors=CORS), method="OPTIONS", headers=other, function=function)
    assert (204, {}, []) == (answer.status_code, cors_of(answer), function.events)


def test_a_private_default_route_refuses_preflights_unless_another_takes_them() -> None:
    """It catches OPTIONS too, and no browser signs one (API Gateway's guide, "Configure CORS for HTTP APIs")."""
    assert (403, "Forbidden") == said(asked(api=PRIVATE, method="OPTIONS", headers=PREFLIGHT))
    opened = [*PRIVATE.routes, Route("OPTIONS /{proxy+}", integration=LIVE), Route("OPTIONS /", integration=LIVE)]
    for path in ("/predict", "/"):
        answer = asked(path, api=replace(PRIVATE, routes=opened), method="OPTIONS", headers=PREFLIGHT)
        assert (204, ALLOWED) == (answer.status_code, cors_of(answer))


def test_the_apis_cors_takes_the_place_of_the_functions() -> None:
    """Where it is configured; without it the function's own headers go through."""
    own = b'{"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*", "X-A": "1"}}'
    function = Function(lambda: Answer(own, "1", "r"))
    answer = asked(api=replace(API, cors={**CORS, "exposeHeaders": ["x-a"]}), function=function, headers=PAGE)
    assert {"allow-origin": [PAGE["Origin"]], "expose-headers": ["x-a"]} == cors_of(answer)
    assert answer.headers["X-A"] == "1"
    assert {} == cors_of(asked(api=replace(API, cors=CORS), function=function))
    assert {"allow-origin": ["*"]} == cors_of(asked(function=function, headers=PAGE))


OLDER = replace(API, routes=[Route("ANY /{proxy+}", integration=replace(LIVE, payload="1.0"))])
ANY_ROUTE = {name: value for name, value in PERMISSION.items() if name != "Condition"}


def test_the_older_payload_is_told_apart_by_its_version() -> None:
    """Version 1.0 is what an integration has that names none: lists beside single values, and nulls for nothing."""
    older = replace(OLDER, stages={"v1": {}})
    headers = [("X-A", "1"), ("X-A", "2"), ("Content-Type", "application/octet-stream")]
    event = told("/v1/predict?a=1&a=2&b=", older, data=b"\xff", headers=headers, permission=ANY_ROUTE)
    assert ("1.0", "/{proxy+}", "/v1/predict", "POST") == (
        event["version"],
        event["resource"],
        event["path"],
        event["httpMethod"],
    )
    assert ({"a": "2", "b": ""}, {"a": ["1", "2"], "b": [""]}) == (
        event["queryStringParameters"],
        event["multiValueQueryStringParameters"],
    )
    assert {"proxy": "predict"} == event["pathParameters"]
    assert ("/w==", True, None) == (event["body"], event["isBase64Encoded"], event["stageVariables"])
    context = event["requestContext"]
    assert ("v1", "/v1/predict", "127.0.0.1") == (context["stage"], context["path"], context["identity"]["sourceIp"])
    empty = told("/x", OLDER, method="GET", permission=ANY_ROUTE)
    assert [None] * 3 == [empty[name] for name in ("body", "queryStringParameters", "multiValueQueryStringParameters")]


@pytest.mark.parametrize(
    ("result", "status", "body", "headers"),
    [
        ({"statusCode": 200, "headers": {"X-A": "1"}, "body": "ok"}, 200, b"ok", {"X-A": ["1"]}),
        (
            {"statusCode": 200, "headers": {"X-A": "1"}, "multiValueHeaders": {"X-A": ["2", "3"]}, "body": "ok"},
            200,
            b"ok",
            {"X-A": ["2", "3"]},
        ),
        (
            {
                "statusCode": 201,
                "multiValueHeaders": {"content-type": ["text/plain"]},
                "body": "b2s=",
                "isBase64Encoded": True,
            },
            201,
            b"ok",
            {"Content-Type": ["text/plain"]},
        ),
        ({"statusCode": 200, "multiValueHeaders": [1]}, 500, b'{"message":"Internal Server Error"}', {}),
        ({"body": "without a status"}, 500, b'{"message":"Internal Server Error"}', {}),
        ("text", 500, b'{"message":"Internal Server Error"}', {}),
    ],
)
def test_an_answer_of_the_older_payload_names_its_status(
    result: object, status: int, body: bytes, headers: Mapping[str, list[str]]
) -> None:
    """Many values of a header take the place of one; a result without a status is none."""
    function = Function(lambda: Answer(json.dumps(result).encode(), "1", "r"))
    answer = asked(api=OLDER, function=function, permission=ANY_ROUTE)
    assert (status, body) == (answer.status_code, answer.data)
    assert headers == {name: answer.headers.getlist(name) for name in headers}
