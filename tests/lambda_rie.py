"""An image as a Lambda function: Docker runs it under AWS's Runtime Interface Emulator with what Lambda leaves it.

Lambda gives a container a read-only root, /tmp, a user of no name, no /dev/shm. Here it has no network on top.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

USER = "993:990"
LIMITS = ("--read-only", "--tmpfs", "/tmp", "--user", USER, "--network", "none", "--ipc", "none", "--memory", "1769m")  # noqa: S108
INVOKE = """
import sys, time, urllib.request
address = "http://127.0.0.1:8080/2015-03-31/functions/function/invocations"
event = sys.stdin.buffer.read()
for _ in range(100):
    try:
        answer = urllib.request.urlopen(address, data=event, timeout=120)
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
sys.stdout.buffer.write(answer.read())
"""
LOOK_AROUND = """
import json, os, socket
def denied(path):
    try:
        open(path, "w").close()
    except OSError as error:
        return error.strerror
print(json.dumps({
    "user": [os.getuid(), os.getgid()],
    "shm": os.path.exists("/dev/shm"),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "denied": [denied("/home/x"), denied("/opt/python/x"), denied("/tmp/x")],
}))
"""
SURROUNDINGS = {
    "user": [993, 990],
    "shm": False,
    "interfaces": ["lo"],
    "denied": ["Read-only file system", "Read-only file system", None],
}


def docker(engine: Mapping[str, str], *arguments: str, given: bytes = b"", code: int | None = 0) -> str:
    """A docker command to its end; its standard output. Fails the test when the exit code is another."""
    ended = subprocess.run(
        ["docker", *arguments], env={**os.environ, **engine}, input=given, capture_output=True, timeout=600, check=False
    )
    words = ended.stderr.decode("utf-8", "replace")
    assert code in (None, ended.returncode), f"docker {' '.join(arguments)} ended with {ended.returncode}\n{words}"
    return ended.stdout.decode("utf-8", "replace")


@dataclass(frozen=True)
class Function:
    """A running container whose first process is the emulator."""

    engine: Mapping[str, str]
    container: str

    def request(self, path: str, body: str) -> Any:
        """POST JSON as a function URL does; what the function answers to Lambda. The call is made inside."""
        event = json.dumps(function_url_event(path, body)).encode()
        answer = docker(self.engine, "exec", "--interactive", self.container, "python3", "-c", INVOKE, given=event)
        assert answer.startswith("{"), f"{answer}\n{self.log()}"
        return json.loads(answer)

    def surroundings(self) -> Any:
        """What the function's processes may do and see; `SURROUNDINGS` where the limits hold."""
        return json.loads(docker(self.engine, "exec", self.container, "python3", "-c", LOOK_AROUND))

    def log(self) -> str:
        return docker(self.engine, "logs", self.container, code=None)


def answers(
    reference: str, path: str, body: str, *, engine: Mapping[str, str], emulator: Path
) -> list[tuple[int, Any]]:
    """Status and body of a cold and a warm request to any image of the Engine, the body read as JSON after a 200."""
    found = []
    with running(reference, engine=engine, emulator=emulator) as function:
        for _ in ("cold", "warm"):
            answer = function.request(path, body)
            assert "body" in answer, f"{answer}\n{function.log()}"
            status, text = answer["statusCode"], answer["body"]
            found.append((status, json.loads(text) if status == 200 else text))
        assert SURROUNDINGS == function.surroundings()
    return found


@contextmanager
def running(reference: str, *, engine: Mapping[str, str], emulator: Path) -> Iterator[Function]:
    """The image's own entry point and command under the emulator. The container is gone afterwards."""
    config = json.loads(docker(engine, "image", "inspect", "--format", "{{json .Config}}", reference))
    command: Sequence[str] = [*config["Entrypoint"], *config["Cmd"]]
    mount = ("--volume", f"{emulator}:/aws-lambda-rie:ro", "--entrypoint", "/aws-lambda-rie")
    container = docker(engine, "run", "--detach", *LIMITS, *mount, reference, *command).strip()
    try:
        yield Function(engine, container)
    finally:
        docker(engine, "rm", "--force", "--volumes", container)
        assert container not in docker(engine, "ps", "--all", "--quiet", "--no-trunc")


def function_url_event(path: str, body: str) -> dict[str, Any]:
    """Payload version 2.0, as Lambda's developer guide prints it."""
    host = "abcdefg.lambda-url.us-east-1.on.aws"
    http = {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "curl/8"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": host, "content-type": "application/json", "x-forwarded-proto": "https"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abcdefg",
            "domainName": host,
            "domainPrefix": "abcdefg",
            "http": http,
            "requestId": "3f1c2f0e-0000-4000-8000-000000000000",
            "routeKey": "$default",
            "stage": "$default",
            "time": "22/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795348800000,
        },
        "body": body,
        "isBase64Encoded": False,
    }
