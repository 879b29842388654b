"""What goes wrong around and inside the local AWS, and what is left afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from local_aws import LocalAws, tiny_image, within

from deployer.errors import DeployerError
from deployer.local import address as addresses
from deployer.local import client

HANDLER = """
import os, subprocess, sys, time

def handle(event, context):
    if "child" in event:
        subprocess.Popen(["sleep", "300"], start_new_session=event["child"] == "session")
    if "sleep" in event:
        time.sleep(event["sleep"])
    if "exit" in event:
        os._exit(event["exit"])
    if "eat" in event:
        block = bytearray(event["eat"] * 1024 * 1024)
        block[::4096] = b"x" * len(block[::4096])
        time.sleep(5)
    return os.getpid()
"""


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalAws]:
    made = LocalAws(tmp_path)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """One daemon with a function that does as told, within 2 s and 128 MB."""
    made = LocalAws(tmp_path_factory.mktemp("faults"))
    made.start()
    made.function("faulty", HANDLER, Timeout=2, MemorySize=128)
    yield made
    made.stop()


def descendants(local: LocalAws) -> list[psutil.Process]:
    return psutil.Process(local.status().address.pid).children(recursive=True)


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def test_time_that_runs_out_is_an_error_and_the_next_invoke_works(aws: LocalAws) -> None:
    """The process is ended, the error names the limit, and a new process answers the next call."""
    first = aws.invoke("faulty").result
    answer = aws.invoke("faulty", {"sleep": 10})
    assert ("Unhandled", "Sandbox.Timedout") == (answer.error, answer.result["errorType"])
    assert "Task timed out after 2.00 seconds" in answer.result["errorMessage"]
    assert "" == aws.invoke("faulty").error
    assert isinstance(first, int)


def test_more_memory_than_the_function_has_ends_it(aws: LocalAws) -> None:
    """Judged by resident memory; the error says how much."""
    answer = aws.invoke("faulty", {"eat": 400})
    assert ("Unhandled", "Runtime.OutOfMemory") == (answer.error, answer.result["errorType"])
    assert "of 128 MB" in answer.result["errorMessage"]
    assert "" == aws.invoke("faulty").error


def test_a_process_that_exits_is_an_error_with_its_status(aws: LocalAws) -> None:
    """And the next call has a new process."""
    answer = aws.invoke("faulty", {"exit": 3})
    assert "Runtime exited with error: exit status 3" in answer.result["errorMessage"]
    assert "" == aws.invoke("faulty").error


@pytest.mark.parametrize(
    ("handler", "kind", "message"),
    [
        ("import absent_module\n", "Runtime.ImportModuleError", "No module named 'absent_module'"),
        ("raise ValueError('at import')\n", "ValueError", "at import"),
        ("def other(event, context): ...\n", "Runtime.HandlerNotFound", "Handler 'handle' missing"),
        ("def handle(event, context)\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
    ],
)
def test_a_failed_import_is_answered_and_logged(aws: LocalAws, handler: str, kind: str, message: str) -> None:
    """The caller and the log get the error's type and message at once, not a timeout."""
    name = f"broken-{kind.rpartition('.')[2].lower()}"
    aws.function(name, handler)
    started = time.monotonic()
    answer = aws.invoke(name)
    assert (kind, "Unhandled") == (answer.result["errorType"], answer.error)
    assert message in answer.result["errorMessage"] and message in answer.log
    assert time.monotonic() - started < 8


def test_children_of_a_function_end_with_it(aws: LocalAws) -> None:
    """Also one that left the process group for a session of its own."""
    before = set(descendants(aws))
    answer = aws.invoke("faulty", {"child": "session", "sleep": 10})
    assert answer.error == "Unhandled"
    assert within(
        5, lambda: not alive([one for one in descendants(aws) if one not in before and "sleep" in one.name()])
    )
    assert not [
        one for one in psutil.process_iter(["cmdline"]) if one.info["cmdline"] == ["sleep", "300"] and alive([one])
    ]


def test_many_at_once_are_answered_or_throttled(aws: LocalAws) -> None:
    """Ten environments, then 429: every call gets one of the two answers and nothing hangs."""
    aws.function("busy", HANDLER, Timeout=30)
    functions = aws.aws("lambda")
    outcomes: list[str] = []

    def call() -> None:
        try:
            functions.invoke(FunctionName="busy", Payload=json.dumps({"sleep": 3}))
            outcomes.append("answered")
        except functions.exceptions.TooManyRequestsException:
            outcomes.append("throttled")

    threads = [threading.Thread(target=call) for _ in range(13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {"answered": 10, "throttled": 3} == {kind: outcomes.count(kind) for kind in set(outcomes)}


def test_an_image_for_a_python_that_is_not_here_says_so(aws: LocalAws) -> None:
    """The message names the version and a way to get it."""
    uri = aws.push("ancient", tiny_image("", python="3.5"))
    functions = aws.aws("lambda")
    functions.create_function(FunctionName="ancient", Role=aws.role(), PackageType="Image", Code={"ImageUri": uri})
    with pytest.raises(functions.exceptions.ClientError, match=r"no Python 3\.5.*uv python install 3\.5"):
        functions.invoke(FunctionName="ancient")


def test_starting_twice_and_at_once_makes_one_daemon(local: LocalAws) -> None:
    """Whoever loses the race gets the winner's address."""
    found: list[client.Status] = []
    threads = [threading.Thread(target=lambda: found.append(local.start())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(90)
    assert (4, 1) == (len(found), len({one.address for one in found}))
    assert found[0].address == local.start().address


def test_stopping_ends_every_function_process(local: LocalAws) -> None:
    """Nothing of the daemon's runs any more when `stop` returns, and a second `stop` finds nothing."""
    local.start()
    local.function("idle", HANDLER)
    local.invoke("idle")
    family = [psutil.Process(local.status().address.pid), *descendants(local)]
    assert len(family) > 1
    assert client.stop(local.folders)
    assert [] == alive(family)
    assert not client.stop(local.folders)


def test_functions_die_with_a_killed_daemon_and_the_next_start_heals(local: LocalAws) -> None:
    """SIGKILL, in the middle of an invocation: its process ends too; the new daemon has the same ports and keys."""
    before = local.start().address
    local.function("orphan", HANDLER, Timeout=60)
    local.invoke("orphan")
    caller = threading.Thread(target=lambda: _ignore(lambda: local.invoke("orphan", {"sleep": 50})), daemon=True)
    caller.start()
    assert within(5, lambda: len(descendants(local)) > 0)
    time.sleep(0.5)
    family = descendants(local)
    os.kill(before.pid, signal.SIGKILL)
    assert within(5, lambda: not alive(family)), alive(family)
    assert client.running(local.folders) is None
    after = local.start().address
    assert (before.endpoint, before.gateway, before.access_key_id) == (
        after.endpoint,
        after.gateway,
        after.access_key_id,
    )
    assert before.pid != after.pid


def _ignore(call: object) -> None:
    try:
        call()  # type: ignore[operator]
    except Exception:
        return


def test_a_plain_process_dies_with_its_starter_too(tmp_path: Path) -> None:
    """Without a sandbox the kernel's parent-death signal does it."""
    script = (
        "import sys; from pathlib import Path\n"
        "from deployer.tools.sandbox import Isolation\n"
        "from deployer.local.launch import Launch\n"
        "from deployer.local.runtime_process import Spawner\n"
        "argv = Isolation('none').argv(['sleep', '300'], directory=Path('/'), megabytes=1, visible=())\n"
        "spawner = Spawner()\n"
        "print(spawner.start(Launch(tuple(argv), {'PATH': '/usr/bin:/bin'}, Path('/'))).pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    variables = LocalAws(tmp_path).variables
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", script], env=variables, stdin=pipe, stdout=pipe, text=True) as starter:
        child = psutil.Process(int((starter.stdout or sys.stdin).readline()))
        assert within(30, lambda: child.name() == "sleep")  # what asks for the signal has run
        starter.kill()
    assert within(5, lambda: not alive([child]))


def test_a_port_that_was_taken_meanwhile_is_left_to_its_new_owner(local: LocalAws) -> None:
    """The daemon takes another one and says so in its address."""
    before = local.start().address
    local.stop()
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", before.gateway_port))
        squatter.listen()
        after = local.start().address
    assert (before.endpoint_port, False) == (after.endpoint_port, before.gateway_port == after.gateway_port)


def test_an_address_of_another_process_is_not_believed(local: LocalAws) -> None:
    """A reused process number is neither taken for the daemon nor stopped."""
    local.folders.state.mkdir(parents=True)
    stale = addresses.next_address(None, pid=os.getpid(), created=1.0)
    addresses.write(local.folders.state, stale)
    assert client.running(local.folders) is None
    assert not client.stop(local.folders)


def test_a_state_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """With what to do about it."""
    (tmp_path / "state").write_text("a file where a folder should be")
    with pytest.raises(DeployerError, match="cannot keep its state") as caught:
        LocalAws(tmp_path).start()
    assert "XDG_STATE_HOME" in caught.value.hint
