"""AWS's own answers to "whose credentials are these?" and its ways to temporary ones, on a loopback port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

STS = "https://sts.amazonaws.com/doc/2011-06-15/"
NEVER = "2099-01-01T00:00:00Z"
REFUSED = {"AKIAEXPIRED": "ExpiredToken", "AKIADELETED": "InvalidClientTokenId"}


@dataclass
class Identities:
    """`accounts` by access key id; `asked` is each request's action with its parameters."""

    accounts: dict[str, str]
    url: str = ""
    codes: tuple[str, ...] = ("123456",)  # of MFA devices that are right
    asked: list[dict[str, str]] = field(default_factory=list)

    @property
    def actions(self) -> list[str]:
        return [request["Action"] for request in self.asked]

    def answer(self, key: str, request: dict[str, str]) -> tuple[int, str]:
        self.asked.append(request)
        action = request["Action"]
        if key in REFUSED:
            return 403, _error(REFUSED[key], "said AWS")
        if action == "GetRoleCredentials":
            made = {"accessKeyId": "ASIASSO", "secretAccessKey": "secret of SSO", "sessionToken": "token of SSO"}
            return 200, json.dumps({"roleCredentials": {**made, "expiration": 4070908800000}})
        if action == "GetCallerIdentity":
            account = self.accounts.get(key, "000000000000")
            arn = f"<Arn>arn:aws:iam::{account}:user/u</Arn><UserId>u</UserId>"
            return 200, _result(action, f"<Account>{account}</Account>{arn}")
        if request.get("SerialNumber") and request.get("TokenCode") not in self.codes:
            return 403, _error("AccessDenied", "MultiFactorAuthentication failed with invalid MFA one time pass code.")
        kind = "WEB" if action == "AssumeRoleWithWebIdentity" else "ROLE"
        return 200, _result(
            action,
            f"<Credentials><AccessKeyId>ASIA{kind}</AccessKeyId><SecretAccessKey>secret of {kind}</SecretAccessKey>"
            f"<SessionToken>token of {kind}</SessionToken><Expiration>{NEVER}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>{request['RoleArn']}</Arn><AssumedRoleId>r:s</AssumedRoleId></AssumedRoleUser>",
        )


@contextmanager
def identities(**accounts: str) -> Iterator[Identities]:
    """The server with these accounts by access key id; it ends with the block."""
    there = Identities(accounts)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()})

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self._answer({"Action": "GetRoleCredentials", **{name: values[0] for name, values in query.items()}})

        def _answer(self, request: dict[str, str]) -> None:
            key = self.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]
            status, text = there.answer(key, request)
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    there.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _result(action: str, inner: str) -> str:
    return (
        f'<{action}Response xmlns="{STS}"><{action}Result>{inner}</{action}Result>'
        f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
    )


def _error(code: str, message: str) -> str:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return f'<ErrorResponse xmlns="{STS}">{error}<RequestId>r</RequestId></ErrorResponse>'
