"""How a registry learns who asks: Basic and Bearer challenges, logins that run out, and who gets no login."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from loopback_registry import LOGIN, Fault, LoopbackRegistry, basic, serving
from registry_images import put_image

from deployer.errors import DeployerError
from deployer.tools.http import Unreachable
from deployer.tools.registry_auth import Authorization, Login
from deployer.tools.registry_http import Connection


@pytest.fixture
def server() -> Iterator[LoopbackRegistry]:
    with serving() as registry:
        put_image(registry)
        yield registry


@pytest.fixture
def other() -> Iterator[LoopbackRegistry]:
    with serving() as registry:
        yield registry


class Logins:
    """A login that counts how often it was asked, and gives another password each time."""

    def __init__(self, *passwords: str) -> None:
        self.passwords, self.asked = passwords, 0

    def __call__(self) -> tuple[str, str]:
        self.asked += 1
        return LOGIN[0], self.passwords[min(self.asked, len(self.passwords)) - 1]


def connect(server: LoopbackRegistry, login: Login | None = None) -> Callable[..., int]:
    """A function that asks for the manifest, or what it is given, and says the status."""
    connection = Connection(server.url, login=login, variables={}, patience=0.001)

    def ask(method: str = "GET", path: str = "manifests/v1", repository: str = "team/base") -> int:
        return connection.request(method, f"{server.url}/v2/{repository}/{path}").status

    return ask


def test_nothing_is_sent_before_the_registry_asks(server: LoopbackRegistry) -> None:
    """One question without a login, then every request with it, to read and to write."""
    login = Logins(LOGIN[1])
    ask = connect(server, login)
    assert [200, 200, 202] == [ask(), ask(), ask("POST", "blobs/uploads/")]
    assert ["", *[basic(*LOGIN)] * 3] == [sent for _, sent in server.authorizations]
    assert login.asked == 1


def test_a_login_that_ran_out_is_asked_for_once_more(server: LoopbackRegistry) -> None:
    """And the request is repeated with the new one."""
    server.expires_after, server.later_logins = 2, {basic("AWS", "new")}
    login = Logins(LOGIN[1], "new", "never")
    ask = connect(server, login)
    assert [200] * 4 == [ask() for _ in range(4)]
    assert login.asked == 2


def test_a_login_that_is_refused_is_no_loop(server: LoopbackRegistry) -> None:
    """However many passwords there are: two of them are tried, and one more with the next request."""
    ask = connect(server, Logins("1", "2", "3", "4"))
    assert [401, 401] == [ask(), ask()]
    passwords = [basic("AWS", password) for password in ("1", "2", "2", "3")]
    assert ["", *passwords] == [sent for _, sent in server.authorizations]


def test_the_first_login_may_be_an_old_one(server: LoopbackRegistry) -> None:
    """Docker's file holds one of yesterday: the first request asks twice."""
    assert connect(server, Logins("yesterday", LOGIN[1]))() == 200


def test_a_password_of_ecr_that_ran_out_is_a_403(server: LoopbackRegistry) -> None:
    """ECR's own words for it lead to a new login; any other 403 stays what it is."""
    server.later_logins = {basic("AWS", "new")}
    login = Logins(LOGIN[1], "new")
    ask = connect(server, login)
    ask()
    server.faults.append(
        Fault("GET", "manifests", 403, message="Your Authorization Token has expired. Reauthenticate.")
    )
    assert (ask(), login.asked) == (200, 2)
    server.faults.append(Fault("GET", "manifests", 403))
    assert (ask(), login.asked) == (403, 2)


def test_a_public_registry_gives_a_token_to_anybody(server: LoopbackRegistry) -> None:
    """Asked for with service and scope, without a login, once for each kind of request and repository."""
    server.bearer, server.login = True, ""
    ask = connect(server)
    assert [200, 200, 202] == [ask(), ask("HEAD"), ask("POST", "blobs/uploads/")]
    assert ask(repository="other") == 200
    asked = [(query["service"], query["scope"]) for query, _ in server.token_requests]
    assert asked == [
        (["loopback"], ["repository:team/base:pull"]),
        (["loopback"], ["repository:team/base:pull,push"]),
        (["loopback"], ["repository:other:pull"]),
    ]
    assert {sent for _, sent in server.token_requests} == {""}


def test_the_login_goes_to_the_token_service_and_not_to_the_registry(server: LoopbackRegistry) -> None:
    """The registry sees the token alone."""
    server.bearer = True
    assert connect(server, Logins(LOGIN[1]))() == 200
    assert [basic(*LOGIN)] == [sent for _, sent in server.token_requests]
    assert all(sent == "" or sent.startswith("Bearer ") for _, sent in server.authorizations)


def test_a_token_that_ran_out_is_fetched_again(server: LoopbackRegistry) -> None:
    """Every second request here; each is answered, and the login is asked for once."""
    server.bearer, server.expires_after = True, 2
    login = Logins(LOGIN[1])
    ask = connect(server, login)
    assert [200] * 6 == [ask() for _ in range(6)]
    assert (len(server.token_requests), login.asked) == (3, 1)


def test_a_token_that_is_never_accepted_is_no_loop(server: LoopbackRegistry) -> None:
    """Two tokens, and the 401 is the answer."""
    server.bearer, server.login = True, ""
    ask = connect(server)
    challenge = f'Bearer realm="{server.url}/token",scope="repository:team/base:pull"'
    server.faults.append(Fault("GET", "manifests", 401, 99, headers={"WWW-Authenticate": challenge}))
    assert ask() == 401
    assert len(server.token_requests) == 2


def test_a_login_that_the_token_service_refuses_is_asked_for_once_more(server: LoopbackRegistry) -> None:
    """A credential helper gives a fresh one."""
    server.bearer = True
    login = Logins("old", LOGIN[1])
    assert (connect(server, login)(), login.asked) == (200, 2)


def test_an_identity_token_is_changed_for_a_token(server: LoopbackRegistry) -> None:
    """By the OAuth form, in the body; a Basic header is never made of it."""
    server.bearer = True
    assert connect(server, lambda: ("<token>", LOGIN[1]))() == 200
    (form, sent), *more = server.token_requests
    assert (form["grant_type"], form["scope"], sent, more) == (["refresh_token"], ["repository:team/base:pull"], "", [])
    server.bearer = False
    assert connect(server, lambda: ("<token>", LOGIN[1]))() == 401
    assert not any(sent.startswith("Basic ") for _, sent in server.authorizations)


@pytest.mark.parametrize(("login", "advice"), [(None, "Log in first"), (Logins("s3cret"), "Log in again")])
def test_a_refused_token_is_one_error_without_the_password(
    server: LoopbackRegistry, login: Login | None, advice: str
) -> None:
    """It names the token service and the way out."""
    server.bearer = True
    with pytest.raises(DeployerError, match=r"/token gives no token .* answered 401") as caught:
        connect(server, login)()
    assert advice in caught.value.hint
    assert "s3cret" not in str(caught.value) + caught.value.hint


def test_a_token_service_with_a_fault_is_unreachable(server: LoopbackRegistry) -> None:
    """After some attempts; a builder may then use what it has."""
    server.bearer, server.login = True, ""
    server.faults.append(Fault("GET", "token", 500, 2))
    assert connect(server)() == 200
    server.faults.append(Fault("GET", "token", 503, 99))
    with pytest.raises(Unreachable, match="503"):
        connect(server)()


@pytest.mark.parametrize("realm", ["http://registry.example/token", "ftp://127.0.0.1/token", "", "/token"])
def test_a_login_is_sent_over_https_or_stays_here(server: LoopbackRegistry, realm: str) -> None:
    """Any other token service is refused by name, before the login is even looked up."""
    server.bearer, server.realm = True, realm or "none"
    login = Logins(LOGIN[1])
    with pytest.raises(DeployerError, match="not an https address"):
        connect(server, login)()
    assert login.asked == 0


def test_a_token_service_cannot_send_the_login_on(server: LoopbackRegistry, other: LoopbackRegistry) -> None:
    """Its redirect is not followed."""
    server.bearer = True
    server.faults.append(Fault("GET", "token", 307, 9, headers={"Location": f"{other.url}/token"}))
    with pytest.raises(DeployerError, match="answered 307"):
        connect(server, Logins(LOGIN[1]))()
    assert other.token_requests == []


@pytest.mark.parametrize("bearer", [False, True])
def test_another_host_gets_neither_login_nor_token(
    server: LoopbackRegistry, other: LoopbackRegistry, *, bearer: bool
) -> None:
    """Blobs lie with a CDN: the redirect is followed, and goes there bare."""
    server.bearer, server.blobs_elsewhere, other.login, other.blobs = bearer, other.url, "", server.blobs
    ask = connect(server, Logins(LOGIN[1]))
    assert ask("GET", f"blobs/{next(iter(server.blobs))}") == 200
    assert [""] == [sent for _, sent in other.authorizations]
    assert server.authorizations[-1][1] != ""


@pytest.mark.parametrize(
    "url",
    ["https://other.example/v2/a/blobs/uploads/1", "http://own.example/v2/a/blobs/1", "https://own.example:8443/"],
)
def test_an_upload_to_another_host_goes_there_bare(url: str) -> None:
    """As a registry's `Location` may name one; the same host over http is another one, and gets no answer to a 401."""
    authorization = Authorization("https://own.example", lambda: LOGIN, send=lambda *_, **__: urllib3.HTTPResponse())
    refusal = urllib3.HTTPResponse(status=401, headers={"WWW-Authenticate": 'Basic realm="here"'})
    own = "https://own.example/v2/a/blobs/1"
    assert authorization.renew("PUT", own, used="", answer=refusal)
    assert [basic(*LOGIN), ""] == [authorization.header("PUT", own), authorization.header("PUT", url)]
    assert not authorization.renew("PUT", url, used="x", answer=refusal)


def test_another_host_cannot_ask_for_the_login(server: LoopbackRegistry, other: LoopbackRegistry) -> None:
    """A 401 from behind a redirect is the answer, whatever it asks for."""
    server.blobs_elsewhere, other.bearer = other.url, True
    ask = connect(server, Logins(LOGIN[1]))
    assert ask("GET", f"blobs/{next(iter(server.blobs))}") == 401
    assert other.token_requests == []


def test_threads_share_one_new_login(server: LoopbackRegistry) -> None:
    """Eight find the old one refused at once; it is asked for once more, and not eight times."""
    server.later_logins = {basic("AWS", "new")}
    login, together = Logins(LOGIN[1], "new", "never"), threading.Barrier(8)
    ask = connect(server, login)
    ask()
    server.login = basic("AWS", "gone")
    server.refusal_waits = together

    with ThreadPoolExecutor(8) as threads:
        assert [200] * 8 == list(threads.map(lambda _: ask(), range(8)))
    assert login.asked == 2


def test_threads_share_one_token(server: LoopbackRegistry) -> None:
    """Eight at once wait for the first one's."""
    server.bearer = True
    login, together = Logins(LOGIN[1]), threading.Barrier(8)
    ask = connect(server, login)

    def work(_: int) -> int:
        together.wait(10)
        return ask()

    with ThreadPoolExecutor(8) as threads:
        assert [200] * 8 == list(threads.map(work, range(8)))
    assert (len(server.token_requests), login.asked) == (1, 1)
