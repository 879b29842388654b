"""HTTP on its way to a function and back, behind function URLs and HTTP APIs alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from deployer.local.invocation import Answer
from deployer.local.signature import Keys, SignedRequest, is_signed
from deployer.tools import payload_v2
from deployer.tools.http_integration import CONTENT_TYPE, whole
from deployer.tools.payload_v2 import HttpRequest, HttpResponse

OF_THE_SERVER = ("content-length", "connection", "transfer-encoding")


def raw_path(request: Request) -> str:
    """The path as it was sent, still encoded, and the query."""
    return str(request.environ.get("REQUEST_URI", request.path))


def sent(request: Request, path: str, body: bytes) -> HttpRequest:
    """The request as an event tells it; `path` is without the local AWS's own prefix."""
    source = request.remote_addr or "127.0.0.1"
    port = str(request.environ.get("SERVER_PORT", ""))
    forwarded = [("x-forwarded-for", source), ("x-forwarded-proto", "http"), ("x-forwarded-port", port)]
    return HttpRequest(
        method=request.method,
        path=path,
        query=request.query_string.decode("latin-1"),
        headers=[*request.headers.items(), *forwarded],
        body=body,
        source_ip=source,
        protocol=request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
    )


def signed(request: Request, body: bytes, *, keys: Keys, service: str, region: str) -> bool:
    """Whether the URL, as the client wrote it, is signed for the service and region."""
    url = f"http://{request.headers.get('Host', '')}{raw_path(request)}"
    headers = {name.lower(): value for name, value in request.headers.items()}
    return is_signed(SignedRequest(request.method, url, headers, body), keys=keys, service=service, region=region)


def signer(keys: Keys, account: str) -> Mapping[str, Any]:
    """Who signs with the local AWS's one pair of keys, as an event names it."""
    return {
        "accessKey": keys.access_key_id,
        "accountId": account,
        "callerId": account,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{account}:root",
        "userId": account,
    }


def collected(answer: Answer, *, meant: Callable[[bytes], HttpResponse] = payload_v2.meant) -> HttpResponse:
    """The whole response. Raises ValueError where the function failed or its result is no response.

    `meant` reads a result by the rules of the payload version that the function was asked in.
    """
    if answer.error:
        raise ValueError(answer.error)
    return whole(answer.payload) if answer.content_type == CONTENT_TYPE else meant(answer.payload)


def made(response: HttpResponse) -> Response:
    result = Response(response.body, status=response.status)
    result.headers.clear()
    for name, value in response.headers:
        if name.lower() not in OF_THE_SERVER:
            result.headers.add(name, value)
    result.headers["Content-Length"] = str(len(response.body))
    return result
