"""A registry of the OCI distribution protocol on loopback, with faults to order. In memory; for tests only."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LOGIN = ("AWS", "password")


@dataclass
class Fault:
    """Answers `status` to the next `times` requests of this method and kind (`blobs`, `uploads`, `manifests`).

    Status 0 cuts the connection after `after` bytes of the body. `code` is the protocol's word for the error.
    """

    method: str
    kind: str
    status: int
    times: int = 1
    after: int = 0
    code: str = "DENIED"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class LoopbackRegistry:
    """What the registry holds and what it was asked. `answer_digest` replaces the digest in its answers."""

    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    uploading: int = 0
    most_uploading: int = 0
    answer_digest: str = ""
    forgotten: set[str] = field(default_factory=set)
    login: str = f"Basic {b64encode(':'.join(LOGIN).encode()).decode()}"  # empty: everybody may push
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, method: str, kind: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if (fault.method, fault.kind) == (method, kind) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def count(self, method: str, kind: str) -> int:
        return sum(1 for asked in self.requests if asked == (method, kind))


@contextmanager
def serving() -> Iterator[LoopbackRegistry]:
    registry = LoopbackRegistry()
    server = _Server(("127.0.0.1", 0), _handler(registry))
    registry.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(registry: LoopbackRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(_Requests):
        state = registry

    return Handler


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: connections end in the middle on purpose here."""


class _Requests(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: LoopbackRegistry

    def do_HEAD(self) -> None:
        self._route()

    def do_GET(self) -> None:
        self._route()

    def do_POST(self) -> None:
        self._route()

    def do_PUT(self) -> None:
        self._route()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: the test says what matters."""

    def _route(self) -> None:
        kind = next(kind for kind in ("uploads", "manifests", "blobs") if f"/{kind}/" in self.path)
        with self.state.lock:
            self.state.requests.append((self.command, kind))
        fault = self.state.fault(self.command, kind)
        if fault is not None:
            return self._fail(fault)
        if self.state.login and self.headers.get("Authorization") != self.state.login:
            return self._fail(Fault(self.command, kind, 401, code="UNAUTHORIZED"))
        return {"uploads": self._upload, "manifests": self._manifest, "blobs": self._blob}[kind]()

    def _fail(self, fault: Fault) -> None:
        if fault.status == 0:
            self.rfile.read(fault.after)
            self.close_connection = True
            self.connection.close()
            return
        self._body()
        self._answer(fault.status, json.dumps({"errors": [{"code": fault.code, "message": "ordered"}]}), fault.headers)

    def _blob(self) -> None:
        digest = self.path.rpartition("/")[2]
        self._answer(200 if digest in self.state.blobs else 404)

    def _upload(self) -> None:
        if self.command == "POST":
            return self._answer(202, headers={"Location": f"{urlsplit(self.path).path}{uuid.uuid4().hex}?state=1"})
        with self.state.lock:
            self.state.uploading += 1
            self.state.most_uploading = max(self.state.most_uploading, self.state.uploading)
        body = self._body()
        with self.state.lock:
            self.state.uploading -= 1
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        asked = parse_qs(urlsplit(self.path).query)
        if asked.get("digest") != [digest] or asked.get("state") != ["1"]:
            return self._answer(400, json.dumps({"errors": [{"code": "DIGEST_INVALID", "message": digest}]}))
        if digest in self.state.forgotten:
            self.state.forgotten.remove(digest)
        else:
            self.state.blobs[digest] = body
        return self._answer(201, headers={"Docker-Content-Digest": self.state.answer_digest or digest})

    def _manifest(self) -> None:
        tag = self.path.rpartition("/")[2]
        if self.command == "GET":
            found = self.state.manifests.get(tag)
            return self._answer(404 if found is None else 200, (found or b"").decode())
        body = self._body()
        parts = json.loads(body)
        lacking = [
            part["digest"] for part in (parts["config"], *parts["layers"]) if part["digest"] not in self.state.blobs
        ]
        if lacking:
            error = {"code": "MANIFEST_BLOB_UNKNOWN", "message": lacking[0]}
            return self._answer(400, json.dumps({"errors": [error]}))
        self.state.manifests[tag] = body
        digest = self.state.answer_digest or f"sha256:{hashlib.sha256(body).hexdigest()}"
        return self._answer(201, headers={"Docker-Content-Digest": digest})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: str = "", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body.encode())
