"""The runtime of streaming functions: ASGI messages to the chunks of one POST, and a Runtime API in this process."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from deployer.runtime.exchange import answer
from deployer.runtime.response_post import BODY_LIMIT, ResponsePost, prelude
from deployer.runtime.streamed import takes_pieces

App = Callable[[Any, Any, Any], Coroutine[Any, Any, None]]
START = {"type": "http.response.start", "status": 201, "headers": [(b"Content-Type", b"text/plain")]}


class Api:
    """What was posted. It answers at the end or after `takes` chunks; without an `answer` it closes the connection."""

    def __init__(self, *, answer: str = "202 Accepted", takes: int = 1000) -> None:
        self.answer, self.takes = answer, takes
        self.head = ""
        self.chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self.trailers: dict[str, str] = {}
        self.address = ""

    @property
    def all(self) -> list[bytes]:
        return [self.chunks.get_nowait() for _ in range(self.chunks.qsize())]

    @property
    def error(self) -> Any:
        return json.loads(base64.b64decode(self.trailers["Lambda-Runtime-Function-Error-Body"]))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._read(reader)
            if self.answer:
                writer.write(f"HTTP/1.1 {self.answer}\r\nContent-Length: 0\r\n\r\n".encode())
        writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        self.head = (await reader.readuntil(b"\r\n\r\n")).decode()
        for _ in range(self.takes):
            size = int(await reader.readline(), 16)
            if not size:
                break
            self.chunks.put_nowait((await reader.readexactly(size + 2))[:-2])
        else:
            return
        while line := (await reader.readline()).decode().strip():
            name, _, value = line.partition(": ")
            self.trailers[name] = value


@asynccontextmanager
async def listening(api: Api) -> AsyncIterator[Api]:
    server = await asyncio.start_server(api.serve, "127.0.0.1", 0)
    api.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield api
    server.close()


def run(app: App, api: Api, *, limit: int = BODY_LIMIT, body: bytes = b"") -> int:
    """One request through the application; the status."""

    async def request() -> int:
        async with listening(api):
            post = ResponsePost(api.address, "an-id", limit=limit)
            return await asyncio.wait_for(answer(app, {}, body, post=post, route="POST /tell"), 20)

    return asyncio.run(request())


def of(*messages: dict[str, Any], then: Exception | None = None) -> App:
    """An application that sends these."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        if then is not None:
            raise then

    return app


def piece(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": body, "more_body": more}


def test_a_response_is_one_chunked_post_with_a_prelude() -> None:
    """Status and headers first, then a chunk for each body message, and no chunk for an empty one."""
    api = Api()
    assert run(of(START, piece(b"one"), piece(b""), piece(b"two", more=False)), api) == 201
    stated, *pieces = api.all
    assert stated == b'{"statusCode": 201, "headers": {"content-type": "text/plain"}, "cookies": []}' + bytes(8)
    assert ([b"one", b"two"], {}) == (pieces, api.trailers)


def test_the_post_says_that_it_streams() -> None:
    """The headers that Lambda asks of a custom runtime."""
    api = Api()
    run(of(START, piece(b"", more=False)), api)
    first, *headers = api.head.strip().splitlines()
    assert first == "POST /2018-06-01/runtime/invocation/an-id/response HTTP/1.1"
    wanted = {
        "Lambda-Runtime-Function-Response-Mode: streaming",
        "Transfer-Encoding: chunked",
        "Content-Type: application/vnd.awslambda.http-integration-response",
        "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
    }
    assert wanted - set(headers) == set()


def test_a_piece_is_sent_before_the_next_is_made() -> None:
    """The application makes its second piece only when the first has arrived."""
    api = Api()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(piece(b"one"))
        await api.chunks.get()
        assert await api.chunks.get() == b"one"
        await send(piece(b"two", more=False))

    assert run(app, api) == 201
    assert api.all == [b"two"]


def test_the_application_gets_the_body_and_later_that_the_client_is_gone() -> None:
    """As from a server: the request once, then nothing until the response is whole."""
    received: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        received.append(await receive())
        await send(START)
        await send(piece(b"", more=False))
        received.append(await receive())

    run(app, Api(), body=b"question")
    assert received == [
        {"type": "http.request", "body": b"question", "more_body": False},
        {"type": "http.disconnect"},
    ]


def test_an_error_before_the_response_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    """The client learns no more, the log has the error."""
    api = Api()
    assert run(of(then=ValueError("torn")), api) == 500
    assert b'"statusCode": 500' in api.chunks.get_nowait()
    assert api.all == [b"Internal Server Error"]
    assert "POST /tell failed: ValueError: torn" in caplog.messages


def test_an_error_before_the_first_piece_is_a_500() -> None:
    """Status and headers wait for the first piece, so that this is not too late."""
    api = Api()
    assert run(of(START, then=ValueError("torn")), api) == 500
    assert b'"statusCode": 500' in api.chunks.get_nowait()


def test_a_service_that_cancels_itself_is_answered_too() -> None:
    """Whatever ends the application, Lambda gets a response: else the client would wait for the function's timeout."""
    api = Api()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise asyncio.CancelledError

    assert run(app, api) == 500
    assert api.all[1:] == [b"Internal Server Error"]


@pytest.mark.parametrize(
    ("status", "given", "announced"),
    [(200, [], {"content-length": "0"}), (302, [(b"Content-Length", b"0")], {"content-length": "0"}), (204, [], {})],
)
def test_an_empty_body_is_announced(status: int, given: list[Any], announced: dict[str, str]) -> None:
    """A function URL would leave the client waiting for a body that never comes."""
    api = Api()
    run(of({**START, "status": status, "headers": given}, piece(b"", more=False)), api)
    assert json.loads(api.chunks.get_nowait().removesuffix(bytes(8)))["headers"] == announced


@pytest.mark.parametrize(
    ("then", "kind", "message"),
    [
        (ValueError("torn"), "ValueError", "torn"),
        (None, "IncompleteResponse", "the service ended before its response did"),
    ],
)
def test_an_error_in_the_middle_is_in_the_trailers(then: Exception | None, kind: str, message: str) -> None:
    """What was sent stays sent; type and message follow it."""
    api = Api()
    assert run(of(START, piece(b"one"), then=then), api) == 201
    assert api.trailers["Lambda-Runtime-Function-Error-Type"] == kind
    assert api.error == {"errorType": kind, "errorMessage": message}


def test_a_response_over_the_limit_ends_with_an_error_that_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """The piece that is too much is not sent, and an application that goes on regardless is cancelled."""
    api = Api()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        with suppress(Exception):
            while True:
                await send(piece(bytes(1024 * 1024)))
        await asyncio.Event().wait()

    run(app, api, limit=2 * 1024 * 1024)
    assert api.error["errorType"] == "Function.ResponseSizeTooLarge"
    assert api.error["errorMessage"] == "the response is over the 2 MB that Lambda streams"
    assert len(api.all) == 3
    assert len(caplog.records) == 1


@pytest.mark.parametrize("answer", ["413 Request Entity Too Large", ""], ids=["refused", "closed"])
def test_a_response_that_nobody_takes_ends_its_request(answer: str, caplog: pytest.LogCaptureFixture) -> None:
    """The application is told, cancelled when it goes on, and one line says why."""
    ends: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send(START)
        await send(piece(b"one"))
        ends.append((await receive())["type"])
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    with caplog.at_level(logging.INFO):
        assert run(app, Api(answer=answer, takes=2)) == 201
    assert ends == ["http.disconnect", "cancelled"]
    assert len(caplog.records) == 1
    assert "The response to POST /tell was cut off and its request cancelled" in caplog.text


def test_a_whole_response_that_is_refused_is_one_line_too(caplog: pytest.LogCaptureFixture) -> None:
    """What Lambda answers to the last chunk counts."""
    assert run(of(START, piece(b"one", more=False)), Api(answer="400 Bad Request")) == 201
    assert "the Runtime API answered 400 Bad Request" in caplog.text


def test_an_application_that_writes_to_nobody_is_stopped_by_its_own_send(caplog: pytest.LogCaptureFixture) -> None:
    """An endless generator that never asks for a disconnect ends too."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        while True:
            await send(piece(b"more"))
            await asyncio.sleep(0)

    assert run(app, Api(answer="413 Request Entity Too Large", takes=3)) == 201
    assert len(caplog.records) == 1
    assert "cut off" in caplog.text


def test_a_runtime_api_that_cannot_be_reached_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """The runtime lives on: its next request for work says what is wrong."""

    async def request() -> int:
        return await answer(of(START), {}, b"", post=ResponsePost("127.0.0.1:1", "id"), route="GET /")

    asyncio.run(request())
    assert len(caplog.records) == 1
    assert "the Runtime API at 127.0.0.1:1 cannot be reached" in caplog.text


def test_work_after_a_whole_response_is_finished(caplog: pytest.LogCaptureFixture) -> None:
    """Background tasks run to their end, and their errors are logged and change nothing else."""
    done: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(piece(b"all", more=False))
        await asyncio.sleep(0.01)
        done.append("background")
        raise ValueError("late")

    api = Api()
    assert run(app, api) == 201
    assert (["background"], {}) == (done, api.trailers)
    assert "POST /tell failed: ValueError: late" in caplog.messages


def test_headers_of_one_name_are_joined_and_cookies_are_not() -> None:
    """As in the result of a function that does not stream; what is about the connection is left to Lambda."""
    headers = [(b"A", b"1"), (b"a", b"2"), (b"Set-Cookie", b"c=1"), (b"set-cookie", b"d=2"), (b"Connection", b"close")]
    stated = json.loads(prelude(200, headers).removesuffix(bytes(8)))
    assert stated == {"statusCode": 200, "headers": {"a": "1,2"}, "cookies": ["c=1", "d=2"]}


def test_headers_are_text_as_in_a_response_that_is_not_streamed() -> None:
    """UTF-8, or the wire's Latin-1."""
    stated = json.loads(
        prelude(200, [(b"utf", "é".encode()), (b"latin", "é".encode("latin-1"))]).removesuffix(bytes(8))
    )
    assert stated["headers"] == {"utf": "é", "latin": "é"}


@pytest.mark.parametrize(
    ("event", "takes"),
    [
        ({"version": "2.0", "requestContext": {"domainName": "x.lambda-url.us-east-1.on.aws", "http": {}}}, True),
        ({"version": "2.0", "requestContext": {"http": {}}}, True),
        ({"version": "2.0", "requestContext": {"domainName": "x.execute-api.us-east-1.amazonaws.com"}}, False),
        ({"httpMethod": "GET", "requestContext": {"elb": {}}}, False),
        ({"rows": []}, False),
        ([1, 2], False),
        (None, False),
    ],
)
def test_only_function_urls_get_pieces(event: Any, takes: bool) -> None:
    """Whoever wants one JSON document gets one."""
    assert takes_pieces(event) is takes
