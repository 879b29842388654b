"""A streamed response on its way through the local data plane: the chunks, the threads and the limits."""

from __future__ import annotations

import base64
import http.client
import io
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace

import pytest
from local_aws import ACCOUNT, REGION, FakeControlPlane, within
from werkzeug.wrappers import Request, Response

from deployer.local.chunked import ChunkedBody, ChunkedHandler
from deployer.local.execution_environment import ExecutionEnvironment
from deployer.local.function_logs import FunctionLogs, Stream
from deployer.local.function_process import NotStarted
from deployer.local.functions import FunctionName, FunctionVersion
from deployer.local.invocation import PAYLOAD_LIMIT, Answer, Invocation, Throttled
from deployer.local.live_response import ROOM, BrokenOff, LiveResponse
from deployer.local.runtime_api import RuntimeApi
from deployer.local.server import Listener
from deployer.local.streamed_post import STREAM_LIMIT
from deployer.local.streamed_url import Running, streamed
from deployer.tools.http_integration import CONTENT_TYPE, DELIMITER, head, whole

VERSION = FunctionVersion(
    FunctionName(ACCOUNT, REGION, "digits"), "1", "sha256:0", timeout=30, memory_size=128, ephemeral_storage=512
)
PRELUDE = json.dumps({"statusCode": 201, "headers": {"x-a": "b"}, "cookies": ["c=1", "d=2"]}).encode() + DELIMITER


def body(text: bytes) -> ChunkedBody:
    return ChunkedBody(io.BufferedReader(io.BytesIO(text)))  # type: ignore[arg-type]


def test_chunks_and_trailers_are_read_apart() -> None:
    """The pieces are the chunks, and what follows them is there by name."""
    chunked = body(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Error: a: b\r\n\r\nnext request")
    assert ([b"abc", b"de"], {"x-error": "a: b"}) == (list(chunked.pieces()), chunked.trailers)


@pytest.mark.parametrize(
    "text",
    [b"", b"3\r\nab", b"3\r\nabcd\r\n0\r\n\r\n", b"x\r\n", b"-1\r\n", b"1\r\na\r\n", b"1\r\na\r\n0\r\n"],
    ids=repr,
)
def test_a_body_that_breaks_off_is_an_error(text: bytes) -> None:
    """Only the empty line after the last chunk is a clean end."""
    with pytest.raises(OSError, match=r"broke off|chunk"):
        list(body(text).pieces())


def test_a_prelude_is_status_headers_and_cookies() -> None:
    """What follows the eight NULs is the body, NULs of its own included."""
    made = whole(PRELUDE + b"a\0" + DELIMITER)
    assert (201, [("x-a", "b"), ("Set-Cookie", "c=1"), ("Set-Cookie", "d=2")]) == (made.status, list(made.headers))
    assert b"a\0" + DELIMITER == made.body


@pytest.mark.parametrize("prelude", [b"", b"[]", b"{", b'{"statusCode": 7}', b'{"headers": 3}', b'{"statusCode": []}'])
def test_what_is_no_prelude_is_refused(prelude: bytes) -> None:
    """One error for every way in which it cannot be read."""
    with pytest.raises(ValueError):
        head(prelude)


def test_a_reader_gets_each_piece_as_it_comes_and_the_writer_waits_for_room() -> None:
    """The writer goes on when the reader has taken something, and not before."""
    live = LiveResponse()
    wrote = threading.Event()

    def write() -> None:
        live.put(bytes(ROOM))
        live.put(b"more")
        wrote.set()
        live.end(whole=True)

    thread = threading.Thread(target=write)
    thread.start()
    assert not wrote.wait(0.05)
    assert (ROOM, b"more", None) == (len(next(live)), next(live), next(live, None))
    thread.join(5)


def test_a_response_that_breaks_off_is_no_clean_end() -> None:
    """What came is read, then the reader is told; werkzeug ends the connection at a ConnectionError."""
    live = LiveResponse()
    live.put(b"a")
    live.end(whole=False)
    assert next(live) == b"a"
    with pytest.raises(ConnectionError):
        next(live)


def test_a_writer_does_not_wait_for_a_reader_who_is_gone() -> None:
    """As on Lambda, the function runs to its end and what it writes is thrown away."""
    live = LiveResponse()
    live.put(bytes(ROOM))
    writer = threading.Thread(target=lambda: [live.put(bytes(ROOM)) for _ in range(3)], daemon=True)
    writer.start()
    live.close()
    writer.join(5)
    assert not writer.is_alive()


def test_an_invocation_that_could_not_run_says_why_to_the_client() -> None:
    """The error is raised where the client waits, and no response has begun."""
    live = LiveResponse()

    def invoke() -> Answer:
        raise Throttled

    running = Running(invoke, live)
    assert not live.wait()
    with pytest.raises(Throttled):
        running.answer()


def test_a_response_without_a_whole_prelude_is_an_error() -> None:
    """Nothing is sent to the client before status and headers are known."""
    live = LiveResponse()
    live.begin(CONTENT_TYPE)
    live.put(b'{"statusCode": 200}')
    live.end(whole=True)
    with pytest.raises(ValueError, match="ended in its prelude"):
        streamed(live, method="GET")


def test_a_response_that_breaks_off_in_its_prelude_is_an_error() -> None:
    """The same for one that the runtime did not end."""
    live = LiveResponse()
    live.begin(CONTENT_TYPE)
    live.end(whole=False)
    with pytest.raises(BrokenOff):
        streamed(live, method="GET")


class Runtime:
    """The Runtime API of one environment over HTTP, and the test in the place of its runtime."""

    def __init__(self, version: FunctionVersion = VERSION) -> None:
        self._logs = FunctionLogs(FakeControlPlane())
        self.environment = ExecutionEnvironment(version, logs=self._logs)
        self.posts_are_read = threading.Event()
        self.posts_are_read.set()
        self.api = Listener(self._answer, handler=ChunkedHandler)
        self.process = Playing()
        self.environment.start(self._start, unread=lambda: self.api.busy)

    def close(self) -> None:
        """Nothing is answered any more, and no log line comes later."""
        self.api.close()
        self._logs.close()

    def ends_by_itself(self) -> None:
        self.process.alive = False
        self._exited()

    def _start(self, stream: Stream, line: Callable[[str], None], exited: Callable[[], None]) -> Playing:
        self._exited = exited
        return self.process

    def _answer(self, request: Request) -> Response:
        if request.method == "POST":
            self.posts_are_read.wait(10)
        return RuntimeApi(self.environment).answer(request)

    def invoke(self, invocation: Invocation) -> Future[Answer]:
        """Begin an invocation and fetch it as the runtime does."""
        answer: Future[Answer] = Future()
        threading.Thread(target=lambda: answer.set_result(self.environment.invoke(invocation)), daemon=True).start()
        connection = http.client.HTTPConnection("127.0.0.1", self.api.port, timeout=10)
        connection.request("GET", "/2018-06-01/runtime/invocation/next")
        assert connection.getresponse().status == 200
        return answer

    def post(self, invocation: Invocation, *, content_type: str = CONTENT_TYPE) -> http.client.HTTPConnection:
        """The head of a streamed response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api.port, timeout=10)
        connection.putrequest("POST", f"/2018-06-01/runtime/invocation/{invocation.request_id}/response")
        connection.putheader("Lambda-Runtime-Function-Response-Mode", "streaming")
        connection.putheader("Transfer-Encoding", "chunked")
        connection.putheader("Content-Type", content_type)
        connection.endheaders()
        return connection


class Playing(NotStarted):
    """A process that lives until it is killed."""

    def kill(self) -> None:
        self.alive = False


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    runtime = Runtime()
    yield runtime
    runtime.environment.end()
    runtime.close()


def test_a_live_reader_sees_a_chunk_before_the_next_is_posted(runtime: Runtime) -> None:
    """Piece by piece, and the end when the runtime has said it."""
    live = LiveResponse()
    invocation = Invocation(b"{}", "arn", live=live)
    answer = runtime.invoke(invocation)
    post = runtime.post(invocation)
    post.send(chunk(b"first"))
    assert live.wait()
    assert (CONTENT_TYPE, b"first") == (live.content_type, next(live))
    post.send(chunk(b"second") + b"0\r\n\r\n")
    assert next(live) == b"second"
    assert post.getresponse().status == 202
    assert answer.result(5).error == ""


def test_any_other_caller_gets_the_payload_whole(runtime: Runtime) -> None:
    """Invoke and a buffered URL have one answer, with the content type that was posted."""
    invocation = Invocation(b"{}", "arn")
    answer = runtime.invoke(invocation)
    post = runtime.post(invocation)
    post.send(chunk(b"a") + chunk(b"b") + b"0\r\n\r\n")
    assert post.getresponse().status == 202
    assert (b"ab", CONTENT_TYPE) == (answer.result(5).payload, answer.result(5).content_type)


def test_a_payload_that_is_collected_has_the_limit_of_an_invoke(runtime: Runtime) -> None:
    """The runtime is told with 413, the caller with Lambda's own error."""
    invocation = Invocation(b"{}", "arn")
    answer = runtime.invoke(invocation)
    post = runtime.post(invocation)
    post.send(chunk(bytes(PAYLOAD_LIMIT)) + chunk(b"x"))
    assert post.getresponse().status == 413
    assert json.loads(answer.result(5).payload)["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_response_that_is_read_live_ends_at_lambdas_limit(runtime: Runtime) -> None:
    """200 MB: the runtime is told with 413, the client's response breaks off."""
    live = LiveResponse()
    invocation = Invocation(b"{}", "arn", live=live)
    running = Running(lambda: runtime.invoke(invocation).result(), live)
    read: Future[BaseException | None] = Future()
    threading.Thread(target=lambda: read.set_result(ended(live)), daemon=True).start()
    assert within(5, lambda: runtime.environment.running(invocation.request_id) is not None)
    post = runtime.post(invocation)
    for _ in range(STREAM_LIMIT >> 22):
        post.send(chunk(bytes(1 << 22)))
    assert not read.done()
    post.send(chunk(b"x"))
    assert post.getresponse().status == 413
    assert isinstance(read.result(5), BrokenOff)
    assert json.loads(running.answer().payload)["errorType"] == "Function.ResponseSizeTooLarge"


def ended(live: LiveResponse) -> BaseException | None:
    """Read everything; the error at the end, if there is one."""
    try:
        for _ in live:
            pass
    except BrokenOff as error:
        return error
    return None


@pytest.mark.parametrize(
    ("trailers", "kind"),
    [
        (
            b"Lambda-Runtime-Function-Error-Type: ValueError\r\nLambda-Runtime-Function-Error-Body: "
            + base64.b64encode(b'{"errorType": "ValueError", "errorMessage": "torn"}'),
            "ValueError",
        ),
        (b"Lambda-Runtime-Function-Error-Type: ValueError", "ValueError"),
        (b"Lambda-Runtime-Function-Error-Body: ###", "Runtime.UnknownReason"),
    ],
    ids=["both", "type alone", "no base64"],
)
def test_an_error_in_the_trailers_is_the_invocations(runtime: Runtime, trailers: bytes, kind: str) -> None:
    """Type and body as the runtime gave them."""
    invocation = Invocation(b"{}", "arn")
    answer = runtime.invoke(invocation)
    post = runtime.post(invocation)
    post.send(chunk(b"a") + b"0\r\n" + trailers + b"\r\n\r\n")
    assert post.getresponse().status == 202
    assert ("Unhandled", kind) == (answer.result(5).error, json.loads(answer.result(5).payload)["errorType"])


def test_a_connection_that_is_lost_in_the_middle_is_an_error(runtime: Runtime) -> None:
    """The runtime lives, and its response is not taken for a whole one."""
    invocation = Invocation(b"{}", "arn")
    answer = runtime.invoke(invocation)
    post = runtime.post(invocation)
    post.send(chunk(b"a"))
    post.close()
    assert json.loads(answer.result(5).payload)["errorType"] == "Runtime.TruncatedResponse"


def ended_with_unread(runtime: Runtime, sent: bytes, *, live: LiveResponse | None = None) -> Running:
    """An invocation whose process has sent this and ended before anybody read a byte of it."""
    invocation = Invocation(b"{}", "arn", live=live)
    runtime.posts_are_read.clear()
    answer = runtime.invoke(invocation)
    runtime.post(invocation).send(sent)
    runtime.ends_by_itself()
    threading.Timer(0.1, runtime.posts_are_read.set).start()
    return Running(lambda: answer.result(10), live or LiveResponse())


def test_a_live_response_that_a_process_began_before_it_ended_has_begun(runtime: Runtime) -> None:
    """Its client gets what there is of it, and is told that it broke off."""
    live = LiveResponse()
    running = ended_with_unread(runtime, chunk(b"a"), live=live)
    assert (True, b"a") == (live.wait(), next(live))
    with pytest.raises(BrokenOff):
        next(live)
    assert json.loads(running.answer().payload)["errorType"] == "Runtime.ExitError"


def test_a_whole_response_that_a_process_sent_before_it_ended_is_the_answer(runtime: Runtime) -> None:
    """The work was done: how the process went on is no matter of this invocation's."""
    answer = ended_with_unread(runtime, chunk(b"a") + b"0\r\n\r\n").answer()
    assert (b"a", "") == (answer.payload, answer.error)


def test_a_response_to_no_invocation_is_refused(runtime: Runtime) -> None:
    """A late one is not mistaken for the running one's."""
    post = runtime.post(Invocation(b"{}", "arn"))
    post.send(b"0\r\n\r\n")
    assert post.getresponse().status == 400


def interrupted(end: Callable[[Runtime], None], version: FunctionVersion) -> str:
    """What the invocation is answered when its live response is ended in the middle, which the reader notices."""
    runtime, live = Runtime(version), LiveResponse()
    try:
        invocation = Invocation(b"{}", "arn", live=live)
        running = Running(lambda: runtime.environment.invoke(invocation), live)
        connection = http.client.HTTPConnection("127.0.0.1", runtime.api.port, timeout=10)
        connection.request("GET", "/2018-06-01/runtime/invocation/next")
        connection.getresponse()
        post = runtime.post(invocation)
        post.send(chunk(b"a"))
        assert next(live) == b"a"
        end(runtime)
        with pytest.raises(BrokenOff):
            next(live)
        return str(json.loads(running.answer().payload)["errorType"])
    finally:
        runtime.environment.end()
        runtime.close()


def test_time_that_runs_out_in_the_middle_ends_the_response() -> None:
    """Not a clean end, and not later than the function's timeout."""
    assert interrupted(lambda runtime: None, replace(VERSION, timeout=1)) == "Sandbox.Timedout"


def test_an_environment_that_ends_in_the_middle_ends_the_response() -> None:
    """A process that is gone is noticed at once."""
    assert interrupted(lambda runtime: runtime.environment.end(), VERSION) == "Runtime.ExitError"
