"""How the registry is spoken to: one connection pool, bounded retries, the login for its own host only."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError

from deployer.errors import DeployerError
from deployer.tools.http import Unreachable
from deployer.tools.registry_auth import Authorization, Login, is_loopback, refuses_login

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

ATTEMPTS = 5
PASSING = frozenset({429, 500, 502, 503, 504})
LONGEST_WAIT = 30.0  # seconds, whatever a Retry-After header asks for
TIMEOUT = urllib3.Timeout(connect=10.0, read=120.0)
PIECE = 1 << 20


class Connection:
    """Requests to one registry, from several threads.

    `login` is asked when the registry wants one, and once more when it is refused: it may have run out.
    """

    def __init__(self, url: str, *, login: Login | None, variables: Mapping[str, str], patience: float) -> None:
        self._url, self._patience = url, patience
        self._pool = _pool(url, variables)
        self._authorization = Authorization(url, login, self._ask_for_token)

    def request(
        self, method: str, url: str, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> BaseHTTPResponse:
        """Safe to repeat: tried again on 429, 5xx and a cut connection. Raises DeployerError without any answer."""
        try:
            return self._send(method, url, lambda: body, headers, self._policy())
        except HTTPError as error:
            raise unreachable(self._url, error) from error

    def once(
        self, method: str, url: str, *, body: Callable[[], Iterator[bytes]], headers: Mapping[str, str]
    ) -> BaseHTTPResponse | None:
        """Sent once; None when no answer came. For bodies that are read from disk while they are sent.

        `body` begins afresh when it is called again: for a login that had to be renewed.
        """
        try:
            return self._send(method, url, body, headers, False)
        except HTTPError:
            return None

    @contextmanager
    def reading(self, url: str, headers: Mapping[str, str]) -> Iterator[BaseHTTPResponse]:
        """An answer whose body is still to come. Raises urllib3's errors, in the `with` block too."""
        answer = self._send("GET", url, lambda: None, headers, self._policy(), preload=False)
        try:
            yield answer
        finally:
            answer.close()
            answer.release_conn()

    def attempts(self) -> Attempts:
        return Attempts(self._policy())

    def _send(
        self,
        method: str,
        url: str,
        body: Callable[[], bytes | Iterator[bytes] | None],
        headers: Mapping[str, str] | None,
        retries: _Policy | bool,
        *,
        preload: bool = True,
    ) -> BaseHTTPResponse:
        """Asked again when the registry wants a login, and once more when that has run out: never a loop.

        urllib3 sends no login to another host after a redirect.
        """
        answer, used = self._try(method, url, body(), headers, retries=retries, preload=preload)
        for _ in range(1 if used else 2):
            if not refuses_login(answer) or not self._authorization.renew(method, url, used=used, answer=answer):
                break
            answer.drain_conn()
            answer, used = self._try(method, url, body(), headers, retries=retries, preload=preload)
        return answer

    def _try(
        self,
        method: str,
        url: str,
        body: bytes | Iterator[bytes] | None,
        headers: Mapping[str, str] | None,
        *,
        retries: _Policy | bool,
        preload: bool,
    ) -> tuple[BaseHTTPResponse, str]:
        used = self._authorization.header(method, url)
        sent = {**(headers or {}), **({"Authorization": used} if used else {})}
        answer = self._pool.request(
            method, url, body=body, headers=sent, retries=retries, timeout=TIMEOUT, preload_content=preload
        )
        return answer, used

    def _ask_for_token(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str]
    ) -> BaseHTTPResponse:
        """Never redirected: a login is sent to the host that the registry named."""
        policy = self._policy().new(redirect=0, raise_on_redirect=False)
        try:
            return self._pool.request(method, url, body=body, headers=headers, retries=policy, timeout=TIMEOUT)
        except HTTPError as error:
            raise unreachable(url.partition("?")[0], error) from error

    def _policy(self) -> _Policy:
        return _Policy(
            total=ATTEMPTS,
            connect=2,
            other=2,  # no connection at all: a wrong address is said soon
            allowed_methods=None,
            status_forcelist=PASSING,
            backoff_factor=self._patience,
            backoff_max=LONGEST_WAIT,
            raise_on_status=False,
        )


class Attempts:
    """Counts the attempts of something that is more than one request, and waits between them."""

    def __init__(self, policy: _Policy) -> None:
        self._policy = policy
        self.used = 0

    def again(self, answer: BaseHTTPResponse | None) -> bool:
        """Wait, then True when it is worth another attempt. An upload that is gone (404) is begun afresh."""
        if answer is not None and answer.status not in PASSING | {404}:
            return False
        self.used += 1
        try:
            self._policy = self._policy.increment("PUT", error=urllib3.exceptions.ProtocolError("upload failed"))
        except MaxRetryError:
            return False
        self._policy.sleep(answer)
        return True


class _Policy(urllib3.Retry):
    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """At most LONGEST_WAIT: nobody waits an hour before a terminal."""
        asked = super().get_retry_after(response)
        return None if asked is None else min(asked, LONGEST_WAIT)


def failure(doing: str, where: str, answer: BaseHTTPResponse | None) -> DeployerError:
    """What the registry's answer means and what to do. `where` is the repository's URL."""
    repository = where.partition("/v2/")[2].strip("/")
    if answer is None:
        return DeployerError(
            f"The connection to the registry was cut while {doing}, {ATTEMPTS + 1} times.",
            hint="Run the command again: what arrived whole is not sent twice.",
        )
    words = registry_words(answer)
    return DeployerError(f"The registry answered {answer.status}{words} while {doing}.", hint=_hint(answer, repository))


def _hint(answer: BaseHTTPResponse, repository: str) -> str:
    hints = {
        401: "The login was not accepted: check the AWS credentials of this shell, they may have run out.",
        403: f"These credentials may not push to {repository}: they need ecr:InitiateLayerUpload, ecr:UploadLayerPart, "
        "ecr:CompleteLayerUpload, ecr:BatchCheckLayerAvailability, ecr:BatchGetImage and ecr:PutImage.",
        404: f"Create the repository {repository} first; `deployer up` does.",
        429: "The registry asks for fewer requests: wait a minute and run the command again.",
    }
    if answer.status >= 500:
        return "The registry has a fault of its own: run the command again, what arrived whole is not sent twice."
    return hints.get(answer.status, "Nothing was made of what was sent; the registry's words above say why.")


def registry_words(answer: BaseHTTPResponse) -> str:
    """` (CODE: message)` as the distribution protocol words errors, or nothing."""
    try:
        error = json.loads(answer.data)["errors"][0]
        return f" ({error['code']}: {error.get('message', '')})"
    except (ValueError, KeyError, IndexError, TypeError):
        return ""


def unreachable(url: str, error: Exception) -> Unreachable:
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    return Unreachable(
        f"The registry {url} cannot be reached: {str(reason).rpartition(': ')[2]}.",
        hint="Check the network and proxy; for the local target, `deployer local status`.",
    )


def _pool(url: str, variables: Mapping[str, str]) -> urllib3.PoolManager:
    """Proxy and certificates as the environment names them, which urllib3 leaves to its callers."""
    names = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    bundle = next((variables[name] for name in names if variables.get(name)), None)
    parts = urlsplit(url)
    proxy = variables.get(f"{parts.scheme}_proxy") or variables.get(f"{parts.scheme}_proxy".upper())
    if not proxy or _direct(parts.hostname or "", variables.get("no_proxy") or variables.get("NO_PROXY") or ""):
        return urllib3.PoolManager(maxsize=8, blocksize=PIECE, ca_certs=bundle)
    login = urlsplit(proxy)
    basic = f"{login.username}:{login.password or ''}" if login.username else None
    headers = urllib3.make_headers(proxy_basic_auth=basic)
    return urllib3.ProxyManager(proxy, proxy_headers=headers, maxsize=8, blocksize=PIECE, ca_certs=bundle)


def _direct(host: str, no_proxy: str) -> bool:
    """A NO_PROXY entry stands for a host and all below it, `*` for every host; loopback never goes through a proxy."""
    entries = [entry.strip().lstrip(".") for entry in no_proxy.split(",") if entry.strip()]
    below = any(host == entry or host.endswith(f".{entry}") for entry in entries)
    return below or "*" in entries or is_loopback(host)
