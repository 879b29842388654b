"""Streamed responses through the local AWS as its users meet them: a real daemon and process, HTTP and boto3.

The function waits in the middle of its response until the test lets it go on.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from local_aws import LocalAws, ask, layer, tiny_image

ROOT = Path(__file__).parents[2]

PROGRAM = """
import asyncio, json, os, socket, sys

from awslambdaric import bootstrap
from deployer_runtime.exchange import answer
from deployer_runtime.response_post import POSTED, ResponsePost
from deployer_runtime.streaming import StreamingClient

API = os.environ["AWS_LAMBDA_RUNTIME_API"]
HEADERS = [(b"content-type", b"text/plain"), (b"x-process", str(os.getpid()).encode()), (b"set-cookie", b"a=1")]

def handle(event, context):
    if "rawPath" in event and event["rawPath"] == "/whole":
        return {"statusCode": 202, "body": "not streamed", "headers": {"x-program": sys.argv[0]}}
    asyncio.run(answer(app, {"event": event}, b"", post=ResponsePost(API, context.aws_request_id), route="GET /"))
    return POSTED

async def app(scope, receive, send):
    asked = scope["event"].get("queryStringParameters", {})
    await send({"type": "http.response.start", "status": 201, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"first,", "more_body": True})
    if "gate" in asked:
        with socket.create_connection(("127.0.0.1", int(asked["gate"]))) as gate:
            gate.recv(1)
    for _ in range(int(asked.get("megabytes", 0))):
        await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
    if asked.get("end") == "error":
        raise ValueError("torn")
    if asked.get("end") == "exit":
        os._exit(3)
    await send({"type": "http.response.body", "body": b"last"})

if __name__ == "__main__":
    bootstrap.run("app.handle", StreamingClient(API))
"""


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One daemon with one function, `teller`, whose entry point is a setting of the function and not of its image."""
    local = LocalAws(tmp_path_factory.mktemp("local"))
    local.start()
    runtime = ROOT / "deployer/runtime"
    files = {f"opt/deployer/deployer_runtime/{file.name}": file.read_bytes() for file in runtime.glob("*.py")}
    uri = local.push("teller", tiny_image(PROGRAM, base=[layer(files)]))
    local.aws("lambda").create_function(
        FunctionName="teller",
        Role=local.role(),
        PackageType="Image",
        Code={"ImageUri": uri},
        ImageConfig={"EntryPoint": ["python3", "-m", "app"]},
        Publish=True,
        Timeout=10,
        MemorySize=256,
    )
    yield local
    local.stop()


@pytest.fixture(scope="module")
def url(aws: LocalAws) -> str:
    return aws.url("teller", mode="RESPONSE_STREAM")


class Gate:
    """Where the function waits until it may go on."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(20)
        self.port = self._listener.getsockname()[1]

    def open(self) -> None:
        self._listener.accept()[0].close()
        self._listener.close()


def begun(url: str, **query: Any) -> http.client.HTTPResponse:
    """A request whose response has begun."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(str(parts.hostname), int(parts.port or 80), timeout=20)
    connection.request("GET", parts.path + "?" + "&".join(f"{name}={value}" for name, value in query.items()))
    return connection.getresponse()


def test_the_first_piece_arrives_before_the_last_is_made(url: str) -> None:
    """Status, headers and what there is of the body are at the client while the function still works."""
    gate = Gate()
    response = begun(url, gate=gate.port)
    assert (201, "text/plain", "a=1") == (
        response.status,
        response.headers["Content-Type"],
        response.headers["Set-Cookie"],
    )
    assert ("chunked", b"first,") == (response.headers["Transfer-Encoding"], response.read(6))
    gate.open()
    assert response.read() == b"last"


def test_more_than_a_buffered_payload_is_streamed(url: str) -> None:
    """The limit of six megabytes is that of buffered responses."""
    assert len(begun(url, megabytes=8).read()) == len(b"first,last") + 8 * 2**20


@pytest.mark.parametrize("end", ["error", "exit"])
def test_a_response_that_breaks_off_is_no_clean_end(url: str, end: str) -> None:
    """Whether the service failed or its process died, the client is not left to take a part for the whole."""
    response = begun(url, end=end)
    assert response.status == 201
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
    assert begun(url).read() == b"first,last"


def test_time_that_runs_out_ends_the_clients_connection(aws: LocalAws) -> None:
    """A function that hangs in the middle of its response does not hang its client."""
    aws.aws("lambda").update_function_configuration(FunctionName="teller", Timeout=1)
    slow = aws.aws("lambda").publish_version(FunctionName="teller")["Version"]
    gate = Gate()
    response = begun(aws.url("teller", qualifier="slow", version=slow, mode="RESPONSE_STREAM"), gate=gate.port)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()


def test_a_client_that_goes_away_ends_nothing(url: str) -> None:
    """As on Lambda, the function runs to its end; the same process takes the next request."""
    gate = Gate()
    response = begun(url, gate=gate.port, megabytes=8)
    process = response.headers["x-process"]
    response.close()
    gate.open()
    after = begun(url)
    assert (process, b"first,last") == (after.headers["x-process"], after.read())


def test_an_answer_that_is_not_streamed_comes_whole(url: str) -> None:
    """A function may answer some events in one piece."""
    answer = ask("GET", f"{url}whole", status=202)
    assert (b"not streamed", "12") == (answer.data, answer.headers["Content-Length"])
    assert answer.headers["x-program"].endswith("app.py")


def test_a_buffered_url_collects_what_is_streamed(aws: LocalAws) -> None:
    """The same status, headers and body, at once; and too much for one payload is an error."""
    buffered = aws.url("teller", qualifier="buffered")
    answer = ask("GET", buffered, status=201)
    assert (b"first,last", "text/plain", "10") == (
        answer.data,
        answer.headers["Content-Type"],
        answer.headers["Content-Length"],
    )
    ask("GET", f"{buffered}?megabytes=8", status=502)


def test_an_invoke_gets_the_collected_payload(aws: LocalAws) -> None:
    """Prelude and body as the runtime posted them."""
    payload = aws.aws("lambda").invoke(FunctionName="teller", Qualifier="1")["Payload"].read()
    prelude, _, body = payload.partition(bytes(8))
    assert (201, b"first,last") == (json.loads(prelude)["statusCode"], body)


def test_an_entry_point_that_is_taken_back_leaves_the_images_own(aws: LocalAws) -> None:
    """A function that streams no more runs awslambdaric again."""
    functions = aws.aws("lambda")
    functions.update_function_configuration(FunctionName="teller", ImageConfig={})
    version = functions.publish_version(FunctionName="teller")["Version"]
    answer = functions.invoke(FunctionName="teller", Qualifier=version, Payload='{"rawPath": "/whole"}')
    assert json.loads(answer["Payload"].read())["headers"]["x-program"].endswith("awslambdaric/__main__.py")
