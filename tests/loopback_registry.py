"""A registry of the OCI distribution protocol on loopback, with faults to order. In memory; for tests only."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
import uuid
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LOGIN = ("AWS", "password")
IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Fault:
    """Answers `status` to the next `times` requests of a method and kind (`blobs`, `uploads`, `mounts`, `manifests`).

    Status 0 cuts the connection after `after` bytes of the body, the request's or (GET) the answer's. `code` is the
    protocol's word for the error.
    """

    method: str
    kind: str
    status: int
    times: int = 1
    after: int = 0
    code: str = "DENIED"
    message: str = "ordered"
    headers: dict[str, str] = field(default_factory=dict)


def basic(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


@dataclass
class LoopbackRegistry:
    """What the registry holds and what it was asked. `answer_digest` replaces the digest in its answers.

    `requests` has no first questions: those without any login, which are told to log in.
    """

    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    uploading: int = 0
    most_uploading: int = 0
    answer_digest: str = ""
    refusal_waits: threading.Barrier | None = None  # before a login is refused
    slow_blobs: float = 0.0  # seconds between the pieces of a blob's answer
    manifest_type: str = ""  # replaces the Content-Type of manifests, and their content is not looked at
    forgotten: set[str] = field(default_factory=set)
    login: str = basic(*LOGIN)  # empty: everybody may push
    later_logins: set[str] = field(default_factory=set)  # accepted as well
    expires_after: int = 0  # requests that one login or token is good for; 0: any number
    used: Counter[str] = field(default_factory=Counter)
    bearer: bool = False  # tokens from /token, which wants the login where there is one
    realm: str = ""  # replaces the address of /token in what a client is told
    tokens: dict[str, str] = field(default_factory=dict)  # token -> scope
    token_requests: list[tuple[dict[str, list[str]], str]] = field(default_factory=list)  # query or form, Authorization
    authorizations: list[tuple[str, str]] = field(default_factory=list)  # path, Authorization, refused ones too
    blobs_elsewhere: str = ""  # another registry's URL: a GET of a blob is redirected there
    mountable: dict[str, dict[str, bytes]] = field(default_factory=dict)  # repository -> blobs that POST may mount
    mounts: list[tuple[str, str]] = field(default_factory=list)  # digest, repository: those that were asked for
    put_types: list[str] = field(default_factory=list)  # of the manifests
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fault(self, method: str, kind: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if (fault.method, fault.kind) == (method, kind) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def admits(self, authorization: str, *, writing: bool) -> bool:
        """Counts the use of what is admitted."""
        if not self.login and not self.bearer:
            return True
        with self.lock:
            if self.bearer:
                scope = self.tokens.get(authorization.removeprefix("Bearer "), "")
                known = scope.endswith(",push" if writing else ("pull", ",push"))
            else:
                known = authorization in {self.login, *self.later_logins}
            self.used[authorization] += known
            return known and (not self.expires_after or self.used[authorization] <= self.expires_after)

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
        sent = self.headers.get("Authorization", "")
        if urlsplit(self.path).path == "/token":
            return self._token(sent)
        kind = next(kind for kind in ("uploads", "manifests", "blobs") if f"/{kind}/" in self.path)
        with self.state.lock:
            self.state.authorizations.append((self.path, sent))
        admitted = self.state.admits(sent, writing=self.command in ("POST", "PUT"))
        if sent or admitted:
            with self.state.lock:
                self.state.requests.append((self.command, kind))
            fault = self.state.fault(self.command, "mounts" if "?mount=" in self.path else kind)
            if fault is not None:
                return self._fail(fault)
        if not admitted:
            if self.state.refusal_waits is not None and sent:
                self.state.refusal_waits.wait(10)
            headers = {"WWW-Authenticate": self._challenge()}
            return self._fail(Fault(self.command, kind, 401, code="UNAUTHORIZED", headers=headers))
        return {"uploads": self._upload, "manifests": self._manifest, "blobs": self._blob}[kind]()

    def _challenge(self) -> str:
        if not self.state.bearer:
            return 'Basic realm="loopback",service="loopback"'
        repository = self.path.removeprefix("/v2/").rpartition("/")[0].removesuffix("/uploads").rpartition("/")[0]
        rights = "pull,push" if self.command in ("POST", "PUT") else "pull"
        realm = self.state.realm or f"{self.state.url}/token"
        return f'Bearer realm="{realm}",service="loopback",scope="repository:{repository}:{rights}"'

    def _token(self, sent: str) -> None:
        asked = parse_qs(self._body().decode() if self.command == "POST" else urlsplit(self.path).query)
        with self.state.lock:
            self.state.token_requests.append((asked, sent))
        fault = self.state.fault(self.command, "token")
        if fault is not None:
            return self._fail(fault)
        refresh = asked.get("refresh_token") == [LOGIN[1]]
        if self.state.login and not refresh and sent not in {self.state.login, *self.state.later_logins}:
            return self._fail(Fault(self.command, "token", 401, code="UNAUTHORIZED"))
        token = uuid.uuid4().hex
        with self.state.lock:
            self.state.tokens[token] = " ".join(asked.get("scope", []))
        return self._answer(200, json.dumps({"access_token" if refresh else "token": token}))

    def _fail(self, fault: Fault) -> None:
        if fault.status == 0:
            if self.command == "GET" and fault.after:
                self._cut_answer(fault.after)
            else:
                self.rfile.read(min(fault.after, int(self.headers.get("Content-Length") or 0)))
            self.close_connection = True
            self.connection.close()
            return
        self._body()
        error = {"code": fault.code, "message": fault.message}
        self._answer(fault.status, json.dumps({"errors": [error]}), fault.headers)

    def _cut_answer(self, after: int) -> None:
        content = self.state.blobs[self.path.rpartition("/")[2]]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:after])
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _blob(self) -> None:
        digest = self.path.rpartition("/")[2]
        found = self.state.blobs.get(digest)
        if self.command == "GET" and self.state.blobs_elsewhere:
            return self._answer(307, headers={"Location": f"{self.state.blobs_elsewhere}/cdn/blobs/{digest}"})
        return self._answer(404) if found is None else self._answer(200, found)

    def _mount(self, digest: str, origin: str) -> bool:
        with self.state.lock:
            self.state.mounts.append((digest, origin))
            found = self.state.mountable.get(origin, {}).get(digest)
            if digest in self.state.forgotten:
                self.state.forgotten.remove(digest)
            elif found is not None:
                self.state.blobs[digest] = found
        return found is not None

    def _upload(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if self.command == "POST":
            if "mount" in asked and self._mount(asked["mount"][0], asked.get("from", [""])[0]):
                return self._answer(201, headers={"Docker-Content-Digest": asked["mount"][0]})
            return self._answer(202, headers={"Location": f"{urlsplit(self.path).path}{uuid.uuid4().hex}?state=1"})
        with self.state.lock:
            self.state.uploading += 1
            self.state.most_uploading = max(self.state.most_uploading, self.state.uploading)
        body = self._body()
        with self.state.lock:
            self.state.uploading -= 1
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if asked.get("digest") != [digest] or asked.get("state") != ["1"]:
            return self._answer(400, json.dumps({"errors": [{"code": "DIGEST_INVALID", "message": digest}]}))
        if digest in self.state.forgotten:
            self.state.forgotten.remove(digest)
        else:
            self.state.blobs[digest] = body
        return self._answer(201, headers={"Docker-Content-Digest": self.state.answer_digest or digest})

    def _manifest(self) -> None:
        tag = self.path.rpartition("/")[2]
        if self.command in ("GET", "HEAD"):
            found = self._find_manifest(tag)
            if found is None:
                return self._answer(404)
            kind = self.state.manifest_type or json.loads(found).get("mediaType") or IMAGE_MANIFEST
            digest = self.state.answer_digest or f"sha256:{hashlib.sha256(found).hexdigest()}"
            return self._answer(200, found, {"Content-Type": kind, "Docker-Content-Digest": digest})
        body = self._body()
        parts = json.loads(body)
        lacking = [
            part["digest"] for part in (parts["config"], *parts["layers"]) if part["digest"] not in self.state.blobs
        ]
        if lacking:
            error = {"code": "MANIFEST_BLOB_UNKNOWN", "message": lacking[0]}
            return self._answer(400, json.dumps({"errors": [error]}))
        self.state.manifests[tag] = body
        self.state.put_types.append(self.headers.get("Content-Type", ""))
        digest = self.state.answer_digest or f"sha256:{hashlib.sha256(body).hexdigest()}"
        return self._answer(201, headers={"Docker-Content-Digest": digest})

    def _find_manifest(self, reference: str) -> bytes | None:
        by_digest = (c for c in self.state.manifests.values() if reference == f"sha256:{hashlib.sha256(c).hexdigest()}")
        return self.state.manifests.get(reference) or next(by_digest, None)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: str | bytes = b"", headers: dict[str, str] | None = None) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        size = 100_000 if self.state.slow_blobs else len(content) or 1
        for start in range(0, len(content), size):
            self.wfile.write(content[start : start + size])
            time.sleep(self.state.slow_blobs)
