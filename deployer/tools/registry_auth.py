"""The answer to a registry that wants to know who asks: a Basic login, or a token that another service gives out.

Nothing is sent before the registry asks for it. What was given is kept for the requests that follow.
"""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import urllib3
from werkzeug.datastructures import WWWAuthenticate

from deployer.errors import DeployerError
from deployer.tools.http import Unreachable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

Login = Callable[[], tuple[str, str] | None]
Send = Callable[..., "BaseHTTPResponse"]
IDENTITY_TOKEN = "<token>"  # noqa: S105  the user name under which Docker's tools keep a token instead of a password
READING = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class _Scope:
    """What a token is for."""

    realm: str
    service: str
    scope: str


class Authorization:
    """What one registry is told in the `Authorization` header. Several threads share it.

    `send(method, url, body, headers)` carries the requests for tokens.
    """

    def __init__(self, url: str, login: Login | None, send: Send) -> None:
        self._url, self._login, self._send = url, login, send
        self._lock = threading.Lock()
        self._basic_header = ""  # the same for all requests
        self._bearer_headers: dict[tuple[bool, str], str] = {}
        self._tokens: dict[_Scope, str] = {}
        self._credentials: tuple[str, str] | None = None
        self._asked = False

    def header(self, method: str, url: str) -> str:
        """Empty until the registry has asked, and for every other host."""
        if not self._own(url):
            return ""
        return self._bearer_headers.get(_place(method, url), self._basic_header)

    def renew(self, method: str, url: str, *, used: str, answer: BaseHTTPResponse) -> bool:
        """After an answer that refuses the header `used`: whether there is another one to try.

        Raises DeployerError when no token is given out.
        """
        if _redirected(answer) or not self._own(url):
            return False  # another host's refusal
        with self._lock:
            if self.header(method, url) != used:
                return True  # another thread was quicker
            challenge = _challenge(answer, used)
            if challenge is None:
                return False
            if challenge.type == "basic":
                self._basic_header = self._basic(again=used.startswith("Basic "))
            else:
                self._bearer_headers[_place(method, url)] = self._bearer(challenge, used)
            return self.header(method, url) not in ("", used)

    def _own(self, url: str) -> bool:
        """Not by another scheme either: what goes over https does not go over http."""
        return urlsplit(url)[:2] == urlsplit(self._url)[:2]

    def _bearer(self, challenge: WWWAuthenticate, used: str) -> str:
        scope = _Scope(challenge.get("realm") or "", challenge.get("service") or "", challenge.get("scope") or "")
        if f"Bearer {self._tokens.get(scope)}" in ("Bearer None", used):
            self._tokens[scope] = self._token(scope)
        return f"Bearer {self._tokens[scope]}"

    def _basic(self, *, again: bool) -> str:
        credentials = self._known_login(again=again)
        if credentials is None or credentials[0] == IDENTITY_TOKEN:
            return ""
        return str(urllib3.make_headers(basic_auth=":".join(credentials))["authorization"])

    def _known_login(self, *, again: bool) -> tuple[str, str] | None:
        """Asked for once, and once more `again`: a login may have run out."""
        if self._login is not None and (again or not self._asked):
            self._credentials, self._asked = self._login(), True
        return self._credentials

    def _token(self, scope: _Scope) -> str:
        _check_realm(scope.realm)
        answer = self._ask(scope, self._known_login(again=False))
        if answer.status in (401, 403) and self._credentials is not None:
            before = self._credentials
            if self._known_login(again=True) != before:
                answer = self._ask(scope, self._credentials)
        token = _token_in(answer)
        if answer.status != 200 or not token:
            raise _no_token(self._url, scope.realm, answer, login=self._credentials is not None)
        return token

    def _ask(self, scope: _Scope, credentials: tuple[str, str] | None) -> BaseHTTPResponse:
        wanted = {"service": scope.service} if scope.service else {}
        scopes = [("scope", part) for part in scope.scope.split()]
        if credentials is not None and credentials[0] == IDENTITY_TOKEN:
            form = {"grant_type": "refresh_token", "client_id": "deployer", "refresh_token": credentials[1]}
            body = urlencode({**form, **wanted, "scope": scope.scope}).encode()
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            return self._send("POST", scope.realm, body=body, headers=kind)
        headers = urllib3.make_headers(basic_auth=":".join(credentials)) if credentials else {}
        query = urlencode([*wanted.items(), *scopes])
        joint = "&" if urlsplit(scope.realm).query else "?"
        return self._send("GET", f"{scope.realm}{joint}{query}", body=None, headers=headers)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuses_login(answer: BaseHTTPResponse) -> bool:
    """ECR says 403 where others say 401, when its password has run out after twelve hours."""
    if answer.status == 401:
        return True
    return answer.status == 403 and b"authorization token has expired" in answer.data.lower()


def _place(method: str, url: str) -> tuple[bool, str]:
    """Requests of the same kind in the same repository need the same permission."""
    path = urlsplit(url).path
    for kind in ("/blobs/", "/manifests/"):
        if kind in path:
            return method in READING, path.rpartition(kind)[0]
    return method in READING, path


def _challenge(answer: BaseHTTPResponse, used: str) -> WWWAuthenticate | None:
    """The registry's question. A token is preferred: where both are offered, that is what clients use."""
    asked = [WWWAuthenticate.from_header(line) for line in answer.headers.getlist("WWW-Authenticate")]
    known = {challenge.type: challenge for challenge in asked if challenge is not None}
    if not known and used.startswith("Basic "):
        return WWWAuthenticate("basic")
    return known.get("bearer") or known.get("basic")


def _redirected(answer: BaseHTTPResponse) -> bool:
    return answer.retries is not None and any(step.redirect_location for step in answer.retries.history)


def _check_realm(realm: str) -> None:
    """A password goes over an encrypted connection, or stays on this machine."""
    parts = urlsplit(realm)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))):
        return
    raise DeployerError(
        f"The registry sends its clients to {realm!r} for a token, which is not an https address.",
        hint="A login is not sent there. Check the registry's configuration, or use another registry.",
    )


def _token_in(answer: BaseHTTPResponse) -> str:
    try:
        document: Any = json.loads(answer.data)
        return str(document.get("token") or document.get("access_token") or "")
    except (ValueError, AttributeError):
        return ""


def _no_token(url: str, realm: str, answer: BaseHTTPResponse, *, login: bool) -> DeployerError:
    where = urlsplit(realm)._replace(query="").geturl()
    if answer.status in (401, 403):
        host = urlsplit(url).hostname
        way_out = f"Log in again: `docker login {host}`." if login else f"Log in first: `docker login {host}`."
        return DeployerError(
            f"{where} gives no token for the registry {url}: it answered {answer.status}.", hint=way_out
        )
    said = f"it answered {answer.status}" if answer.status != 200 else "its answer holds none"
    return Unreachable(f"{where} gives no token for the registry {url}: {said}.", hint="Run the command again later.")
