"""The function's calls of AWS against servers on the loopback interface: one that is AWS's, and one that misbehaves."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from local_endpoint import KEYS, LocalEndpoint

from deployer.runtime import aws_calls
from deployer.runtime.aws_calls import WAITS, AwsCalls, Refused, Unreachable, credentials_of, endpoint
from deployer.runtime.secrets import SecretsUnavailable, resolve

VALUE = "planted-Zq8-secret"
KEY = {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-west-1"}
THROTTLED = (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalEndpoint]:
    """The local AWS's control plane, with SSM and Secrets Manager."""
    local = LocalEndpoint(tmp_path)
    yield local
    vault, parameters = local.aws("secretsmanager"), local.aws("ssm")
    for secret in vault.list_secrets()["SecretList"]:
        vault.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)
    names = [found["Name"] for found in parameters.describe_parameters()["Parameters"]]
    parameters.delete_parameters(Names=names or ["none"])
    local.close()


def own(local: LocalEndpoint) -> dict[str, str]:
    """What the local AWS gives a function's process."""
    return {
        "AWS_ENDPOINT_URL": local.endpoint,
        "AWS_ACCESS_KEY_ID": KEYS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret_access_key,
        "AWS_SESSION_TOKEN": "token",
        "AWS_REGION": "us-east-1",
    }


def test_secrets_of_the_local_aws_reach_the_process(aws: LocalEndpoint) -> None:
    """A decrypted parameter, one below a path, a secret by name, by ARN and by its member."""
    parameters, vault = aws.aws("ssm"), aws.aws("secretsmanager")
    parameters.put_parameter(Name="/digits/password", Value=VALUE, Type="SecureString")
    parameters.put_parameter(Name="plain", Value="grüße 数字", Type="String")
    arn = vault.create_secret(Name="digits/api", SecretString=json.dumps({"key": VALUE}))["ARN"]
    references = {
        "PASSWORD": "ssm:/digits/password",
        "PLAIN": "ssm:plain",
        "WHOLE": "secretsmanager:digits/api",
        "MEMBER": f"secretsmanager:{arn}#key",
    }
    variables = {**own(aws), "DEPLOYER_SECRETS": json.dumps(references)}
    resolve(variables, conceal=list)
    expected = {"PASSWORD": VALUE, "PLAIN": "grüße 数字", "WHOLE": json.dumps({"key": VALUE}), "MEMBER": VALUE}
    assert expected == {name: variables[name] for name in expected}


def test_what_the_local_aws_does_not_have_is_named(aws: LocalEndpoint) -> None:
    """In the words of SSM and Secrets Manager; another's key is refused by it."""
    references = json.dumps({"A": "ssm:/absent", "B": "secretsmanager:absent"})
    with pytest.raises(SecretsUnavailable, match=r"A \(ssm:/absent\): Param.*B \(secretsmanager:absent\): ResourceNot"):
        resolve({**own(aws), "DEPLOYER_SECRETS": references}, conceal=list)
    with pytest.raises(Refused, match="UnrecognizedClientException"):
        AwsCalls({**own(aws), "AWS_ACCESS_KEY_ID": "AKIASOMEBODY"}).call("ssm", "GetParameters", {"Names": ["a"]})


class Scripted(ThreadingHTTPServer):
    """Answers what it is told, one after the other and then the last one again; `seen` are the requests."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.answers, self.seen = list(answers), []  # type: ignore[var-annotated]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Answering(BaseHTTPRequestHandler):
    server: Scripted

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(
            (self.command, self.path, {name.title(): value for name, value in self.headers.items()})
        )
        answers = self.server.answers
        status, said = answers.pop(0) if len(answers) > 1 else answers[0]
        content = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer

    def log_message(self, *_: Any) -> None:
        """Not a word: the test's output is its own."""


def asked(server: Scripted, *, waited: list[float] | None = None, **variables: str) -> dict[str, Any]:
    slept: list[float] = [] if waited is None else waited
    environment = {**KEY, "AWS_ENDPOINT_URL": server.url, **variables}
    return AwsCalls(environment, wait=slept.append).call("ssm", "GetParameters", {"Names": ["a"]})


@pytest.mark.parametrize("code", ["ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"])
def test_throttling_is_waited_out(code: str) -> None:
    """Each time a little longer, and never for the same time as everybody else."""
    waited: list[float] = []
    with Scripted(
        (400, {"__type": f"com.amazon#{code}"}), (429, {"__type": code}), (200, {"Parameters": []})
    ) as server:
        assert asked(server, waited=waited) == {"Parameters": []}
    assert len(waited) == 2
    assert all(limit / 2 <= seconds <= limit for seconds, limit in zip(waited, WAITS, strict=False))


def test_throttling_without_an_end_is_an_error() -> None:
    """Within what Lambda gives an init."""
    waited: list[float] = []
    with Scripted(THROTTLED) as server, pytest.raises(Refused, match="ThrottlingException: Rate exceeded"):
        asked(server, waited=waited)
    assert (len(server.seen), len(waited)) == (len(WAITS) + 1, len(WAITS))
    assert sum(WAITS) < 5


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((400, {"__type": "AccessDeniedException", "Message": "no"}), Refused, "AccessDeniedException: no"),
        ((500, {"__type": "InternalServerError"}), Refused, "InternalServerError"),
        ((503, b"<html>"), Unreachable, "answers 503, and not as AWS does"),
        ((302, b""), Unreachable, "answers 302, and not as AWS does"),
        ((200, b"<html>"), Unreachable, "answers, but not as AWS does"),
        ((200, []), Unreachable, "answers, but not as AWS does"),
    ],
    ids=["denied", "AWS's own fault", "a proxy's error", "a redirect", "a page", "another's JSON"],
)
def test_no_other_failure_is_tried_again(answer: tuple[int, Any], kind: type[Exception], said: str) -> None:
    """It is said at once, in AWS's words where they are AWS's."""
    with Scripted(answer) as server:
        with pytest.raises(kind, match=f"{said}$"):
            asked(server)
        assert len(server.seen) == 1


def test_nobody_there_is_said_with_the_address() -> None:
    """A network without a way to AWS: nothing listens, or nothing ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()[1]
    calls = AwsCalls({**KEY, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{address}"})
    with pytest.raises(Unreachable, match=rf"^127\.0\.0\.1:{address} cannot be reached: .*refused"):
        calls.call("ssm", "GetParameters", {})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        calls = AwsCalls({**KEY, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent.getsockname()[1]}"})
        began = time.monotonic()
        with pytest.raises(Unreachable, match=r"cannot be reached.*timed out"):
            calls.call("ssm", "GetParameters", {})
        assert time.monotonic() - began < aws_calls.SECONDS + 2


def test_a_service_of_its_own_address_is_asked_there() -> None:
    """As by AWS's tools, and by the region where none is named."""
    named = {"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://one"}
    assert endpoint("secretsmanager", "eu-west-1", named) == "http://one"
    assert endpoint("ssm", "eu-west-1", named) == "http://all"
    assert endpoint("ssm", "eu-west-1", {}) == "https://ssm.eu-west-1.amazonaws.com/"
    assert endpoint("secretsmanager", "cn-north-1", {}) == "https://secretsmanager.cn-north-1.amazonaws.com.cn/"
    with pytest.raises(Unreachable, match="AWS_REGION"):
        endpoint("ssm", "", {})


def test_under_snapstart_lambda_gives_credentials_at_an_address() -> None:
    """Asked for once with its token, not through a proxy, and signed with."""
    keys = {"AccessKeyId": "ASIA2", "SecretAccessKey": "s", "Token": "t", "Expiration": "2026-11-23T10:00:00Z"}
    with Scripted((200, keys)) as given, Scripted((200, {})) as server:
        variables = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{given.url}/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Basic abcd",
            "AWS_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": server.url,
        }
        calls = AwsCalls(variables)
        assert [calls.call("ssm", "GetParameters", {}) for _ in range(2)] == [{}, {}]
    ((command, path, headers),) = given.seen
    assert (command, path, headers["Authorization"]) == ("GET", "/credentials", "Basic abcd")
    assert {(sent["X-Amz-Security-Token"], "ASIA2/" in sent["Authorization"]) for *_, sent in server.seen} == {
        ("t", True)
    }


def test_credentials_that_are_missing_are_said() -> None:
    """Nothing of what is there is quoted."""
    with pytest.raises(Unreachable, match="AWS_ACCESS_KEY_ID is not set"):
        credentials_of({"AWS_SECRET_ACCESS_KEY": "s"})
    with (
        Scripted((200, {"AccessKeyId": "ASIA2"})) as given,
        pytest.raises(Unreachable, match=r"lack 'SecretAccessKey'$"),
    ):
        credentials_of({"AWS_CONTAINER_CREDENTIALS_FULL_URI": given.url})


def test_a_proxy_of_the_function_is_used() -> None:
    """As AWS's tools do: some networks have no other way out. An address that NO_PROXY lists is asked itself."""
    with Scripted((200, {"through": "the proxy"})) as proxy, pytest.MonkeyPatch.context() as environment:
        environment.setenv("http_proxy", proxy.url)
        calls = AwsCalls({**KEY, "AWS_ENDPOINT_URL": "http://ssm.invalid"})
        assert calls.call("ssm", "GetParameters", {}) == {"through": "the proxy"}
        assert proxy.seen[0][1] == "http://ssm.invalid"


def test_certificates_that_are_named_have_to_be_there(tmp_path: Path) -> None:
    """An error at once, and not a connection that nobody checks."""
    with pytest.raises(Unreachable, match=r"AWS_CA_BUNDLE is .*absent\.pem: No such file"):
        AwsCalls({**KEY, "AWS_CA_BUNDLE": str(tmp_path / "absent.pem")}).call("ssm", "GetParameters", {})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for this machine that nobody but the test knows, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem, none = serialization.Encoding.PEM, serialization.NoEncryption()
    file = tmp_path_factory.mktemp("certificate") / "localhost.pem"
    whole = made.sign(key, hashes.SHA256()).public_bytes(pem)
    file.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, none) + whole)
    return file


def test_whoever_answers_has_to_prove_who_it_is(certificate: Path) -> None:
    """A certificate is checked against the system's, or against the bundle that AWS_CA_BUNDLE names."""
    with Scripted((200, {"Parameters": []})) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        address = f"https://localhost:{server.server_address[1]}"
        with pytest.raises(
            Unreachable, match=r"^localhost:\d+ cannot be reached: URLError: .*CERTIFICATE_VERIFY_FAILED"
        ):
            asked(server, AWS_ENDPOINT_URL=address)
        assert asked(server, AWS_ENDPOINT_URL=address, AWS_CA_BUNDLE=str(certificate)) == {"Parameters": []}
