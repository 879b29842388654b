"""The two that answer: `bentoml serve` of a Bento, and its image as a function of the local target."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import urllib3
from corpus_bentos import Built
from corpus_lines import Line, variables_of
from corpus_requests import Answered, Asked, ready_path

from deployer.local.blobs import Blobs
from deployer.local.execution_environment import Gone
from deployer.local.function_logs import Stream
from deployer.local.functions import FunctionName, FunctionVersion
from deployer.local.image_files import ImageFiles
from deployer.local.interpreters import Interpreters
from deployer.local.invocation import Invocation
from deployer.local.runtime_process import Spawner
from deployer.local.starter import EnvironmentStarter
from deployer.tools.payload_v2 import HttpRequest, to_event, to_response
from deployer.tools.process import Processes
from deployer.tools.sandbox import probe

Ask = Callable[[Asked], Answered]
ABOUT_REQUESTS = re.compile("START|END|REPORT")
READY_SECONDS = 90
ANSWER_SECONDS = 60
MEGABYTES = 3008
REGION = "us-east-1"


@dataclass(frozen=True)
class Candidate:
    """A built service, and what `bentoml serve` answers to its requests."""

    built: Built
    answers: Sequence[Answered]


@contextmanager
def served(built: Built, line: Line, *, folder: Path) -> Iterator[Ask]:
    """`bentoml serve` by the line's environment, on a free port of this machine, its whole family ended afterwards."""
    port = _free_port()
    setpriv = shutil.which("setpriv")
    until_killed = [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []  # this process, however it ends
    serve = [str(line.python), "-m", "bentoml", "serve", str(built.tag), "--host", "127.0.0.1", "--port", str(port)]
    variables = {**variables_of(built.store), "BENTOML_CONFIG_OPTIONS": "api_server.workers=1"}
    log = folder / "serve.log"
    with log.open("wb") as output:
        child = subprocess.Popen(
            [*until_killed, *serve],
            env=variables,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(f"{url}{ready_path(built.service)}", child, log)
        yield lambda asked: ask_url(asked, url)
    finally:
        _end(child)


def ask_url(asked: Asked, url: str) -> Answered:
    """The answer at `url`, which ends without a slash; on a connection of its own, for servers close them unasked."""
    answer = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS).request(
        asked.method,
        f"{url}{asked.path}",
        body=asked.body,
        headers={"user-agent": "corpus", **dict(asked.headers)},
        redirect=False,
        decode_content=False,
    )
    headers = tuple((name.lower(), value) for name, value in answer.headers.iteritems())
    return Answered(answer.status, headers, answer.data)


def _await_ready(url: str, child: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        with suppress(urllib3.exceptions.HTTPError):
            if urllib3.request("GET", url, timeout=5, retries=False).status == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"`bentoml serve` is not ready; exit code {child.poll()}:\n{log.read_text()[-6000:]}")


def _end(child: subprocess.Popen[bytes]) -> None:
    """The supervisor's children are in its process group or its family."""
    with suppress(psutil.Error):
        family = psutil.Process(child.pid).children(recursive=True)
        for process in family:
            with suppress(psutil.Error):
                process.kill()
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _free_port() -> int:
    with socket.socket() as probe_:
        probe_.bind(("127.0.0.1", 0))
        return int(probe_.getsockname()[1])


@dataclass
class Lines:
    """What functions write; stands in for CloudWatch Logs."""

    kept: deque[str] = field(default_factory=lambda: deque(maxlen=200))

    def write(self, stream: Stream, line: str) -> None:
        self.kept.append(line)

    def of_the_function(self) -> list[str]:
        """Without what is written about each request."""
        return [line for line in self.kept if not ABOUT_REQUESTS.match(line) and "deployer.request" not in line]


@dataclass(frozen=True)
class Functions:
    """Runs images as the local target does: sandboxed where this machine allows it. `cache` holds unpacked images."""

    cache: Path
    scratch: Path
    spawner: Spawner = field(default_factory=Spawner)

    @contextmanager
    def run(self, built: Built, variables: Mapping[str, str]) -> Iterator[tuple[Ask, Lines]]:
        """A warm environment for one image after the other, with a log of its own."""
        logs = Lines()
        starter = EnvironmentStarter(
            images=ImageFiles(Blobs(built.layout / "blobs/sha256"), self.cache),
            interpreters=Interpreters(runner=Processes(), variables=os.environ),
            isolation=probe(self.scratch / "sandbox", runner=Processes()),
            spawner=self.spawner,
            logs=logs,
            aws={},
            scratch=self.scratch,
        )
        version = FunctionVersion(
            FunctionName("123456789012", REGION, "corpus"),
            "1",
            built.digest,
            timeout=ANSWER_SECONDS,
            memory_size=MEGABYTES,
            ephemeral_storage=512,
            variables=variables,
        )
        environment = starter(version)

        def ask(asked: Asked) -> Answered:
            event = json.dumps(_event(asked)).encode()
            try:
                answer = environment.invoke(Invocation(event, version.function.arn))
            except Gone:
                return Answered(502, (), b"the function has ended before this request")
            if answer.error:
                logs.kept.append(f"{asked.name}: {answer.error}: {answer.payload.decode()}")
            response = to_response(answer.payload, error=answer.error)
            headers = tuple((name.lower(), value) for name, value in response.headers)
            return Answered(response.status, headers, response.body)

        try:
            yield ask, logs
        finally:
            environment.end()


def _event(asked: Asked) -> Mapping[str, object]:
    path, _, query = asked.path.partition("?")
    length = (("content-length", str(len(asked.body))),) if asked.body or asked.method in ("POST", "PUT") else ()
    headers = (("host", "corpus.lambda-url.us-east-1.on.aws"), ("user-agent", "corpus"), *length, *asked.headers)
    request = HttpRequest(asked.method, path, query, headers, asked.body)
    return to_event(request, url_id="corpus", region=REGION, request_id="00000000-0000-4000-8000-000000000000")
