"""AWS's Runtime API, as small as a test needs it: one function process asks for events and posts its answers here."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 90


@dataclass(frozen=True)
class Answer:
    """What the process posted: `kind` is `response`, `error` (of one invocation), `init/error` or `restore/error`."""

    kind: str
    body: Any


class FunctionProcess:
    """A running handler. `log` grows while it runs: its standard output and error; `port` is its Runtime API's.

    With SnapStart it asks for its restore when it is `ready_for_snapshot`, and goes on when that is `restored`.
    """

    def __init__(self, child: subprocess.Popen[bytes], log: Path, *, port: int) -> None:
        self.events: queue.Queue[bytes] = queue.Queue()
        self.answers: queue.Queue[Answer] = queue.Queue()
        self.ready_for_snapshot, self.restored = threading.Event(), threading.Event()
        self.port = port
        self._child, self._log = child, log

    @property
    def process_id(self) -> int:
        return self._child.pid

    @property
    def log(self) -> str:
        return self._log.read_text()

    def first_answer(self) -> Answer:
        """What comes without any event: an init error. Fails the test when nothing comes."""
        for _ in range(ANSWER_SECONDS):
            ended = self._child.poll() is not None
            with suppress(queue.Empty):
                return self.answers.get(timeout=0 if ended else 1)
            if ended:
                break
        raise AssertionError(f"the function did not answer; exit code {self._child.poll()}:\n{self.log}")

    def invoke(self, event: Any) -> Answer:
        self.events.put(json.dumps(event).encode())
        return self.first_answer()

    def request(self, method: str, path: str, body: str = "", *, content_type: str = "application/json") -> Any:
        """Send an HTTP request as a function URL does; its answer is payload version 2.0."""
        answer = self.invoke(http_event(method, path, body, content_type=content_type))
        assert answer.kind == "response", f"{answer.body}\n{self.log}"
        return answer.body


def http_event(method: str, path: str, body: str = "", *, content_type: str = "application/json") -> dict[str, Any]:
    """A function URL's event, payload version 2.0. `path` may have a query string."""
    path, _, query = path.partition("?")
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"host": "abc.lambda-url.us-east-1.on.aws", "content-type": content_type},
        "requestContext": {"http": http, "stage": "$default", "requestId": "r", "timeEpoch": 0},
        "body": body,
        "isBase64Encoded": False,
    }


@contextmanager
def function_process(argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, log: Path) -> Iterator[FunctionProcess]:
    """Start `argv`, an awslambdaric, against a Runtime API of its own; both are gone afterwards."""
    server = _Server(("127.0.0.1", 0), _RuntimeApi)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    address = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}"}
    with log.open("wb") as output:
        child = subprocess.Popen(argv, env={**env, **address}, cwd=cwd, stdout=output, stderr=subprocess.STDOUT)
    function = FunctionProcess(child, log, port=port)
    server.function = function
    try:
        yield function
    finally:
        child.kill()
        child.wait()
        function.events.put(b"")  # wakes the thread that waits for the next event
        function.restored.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    function: FunctionProcess

    def handle_error(self, *_: Any) -> None:
        """The function process was killed while it waited: nothing to tell."""


class _RuntimeApi(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet
    server: _Server

    def do_GET(self) -> None:
        if self.path.endswith("/runtime/restore/next"):
            self.server.function.ready_for_snapshot.set()
            self.server.function.restored.wait()
            self._accept(200)
            return
        event = self.server.function.events.get()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")  # without it awslambdaric's client crashes
        self.send_header("Content-Length", str(len(event)))
        self.send_header("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
        self.send_header("Lambda-Runtime-Deadline-Ms", "4102444800000")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:test")
        self.end_headers()
        self.wfile.write(event)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind = self.path.partition("/runtime/")[2]  # `invocation/ID/response`, but `init/error`
        self.server.function.answers.put(Answer(kind.rpartition("/")[2] if "invocation" in kind else kind, body))
        self._accept(202)

    def _accept(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Not a word: the test's output is its own."""
