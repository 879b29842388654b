"""One execution environment, its runtime played by the test through the same methods that the Runtime API calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest
from local_aws import ACCOUNT, REGION, FakeControlPlane

from deployer.local.data_plane import DataPlane
from deployer.local.execution_environment import ExecutionEnvironment
from deployer.local.function_logs import FunctionLogs, Stream
from deployer.local.functions import LATEST, FunctionName, FunctionVersion
from deployer.local.invocation import PAYLOAD_LIMIT, Answer, CannotRun, Invocation, Throttled

DIGITS = FunctionName(ACCOUNT, REGION, "digits")
VERSION = FunctionVersion(DIGITS, "1", "sha256:0", timeout=5, memory_size=128, ephemeral_storage=512)

Behaviour = Callable[["PlayedRuntime", Invocation], None]


@dataclass
class PlayedRuntime:
    """A process that behaves as the test says, in a thread."""

    environment: ExecutionEnvironment
    behave: Behaviour
    peak_megabytes: int = 0
    alive: bool = True
    ending: str = "exit status 7"
    used: int = 10
    exited: Callable[[], None] = lambda: None

    def start(self, stream: Stream, line: Callable[[str], None], exited: Callable[[], None]) -> PlayedRuntime:
        self.exited = exited
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def _run(self) -> None:
        while self.alive:
            given = self.environment.next()
            if given is None:
                return
            self.behave(self, given[0])

    def crash(self) -> None:
        self.alive = False
        self.exited()

    def sample(self, *, afresh: bool = False) -> int:
        self.peak_megabytes = max(self.peak_megabytes, self.used)
        return self.used

    def drain(self) -> None: ...

    def kill(self) -> None:
        if self.alive:
            self.crash()


@dataclass
class Stage:
    """Environments with played runtimes, and the logs they wrote."""

    plane: FakeControlPlane
    logs: FunctionLogs
    behave: Behaviour
    started: list[PlayedRuntime] = field(default_factory=list)

    def __call__(self, version: FunctionVersion) -> ExecutionEnvironment:
        environment = ExecutionEnvironment(version, logs=self.logs)
        runtime = PlayedRuntime(environment, self.behave)
        self.started.append(runtime)
        environment.start(runtime.start)
        return environment


def echo(runtime: PlayedRuntime, invocation: Invocation) -> None:
    runtime.environment.respond(invocation.request_id, invocation.payload)


def silent(runtime: PlayedRuntime, invocation: Invocation) -> None:
    """Never answers; the environment's end is noticed."""
    while runtime.alive:
        time.sleep(0.01)


@pytest.fixture
def stage() -> Iterator[Stage]:
    plane = FakeControlPlane(versions={(DIGITS, LATEST): VERSION})
    logs = FunctionLogs(plane)
    yield Stage(plane, logs, echo)
    logs.close()


def invoke(stage: Stage, *, version: FunctionVersion = VERSION, want_log: bool = False) -> Answer:
    data_plane = DataPlane(stage.plane, starter=stage)
    try:
        return data_plane.invoke(version, Invocation(b'{"a": 1}', "arn"), want_log=want_log)
    finally:
        data_plane.close()


def test_an_answer_carries_the_runtimes_result_and_the_version(stage: Stage) -> None:
    """The payload goes in and comes out untouched."""
    answer = invoke(stage)
    assert (b'{"a": 1}', "1", "") == (answer.payload, answer.version, answer.error)


def test_the_log_of_an_invocation_begins_with_start_and_ends_with_report(stage: Stage) -> None:
    """The tail holds the lines of this invocation in Lambda's own format."""
    lines = invoke(stage, want_log=True).log.splitlines()
    assert ["START", "END", "REPORT"] == [line.split()[0] for line in lines]
    assert "Memory Size: 128 MB\tMax Memory Used: 10 MB\tInit Duration:" in lines[-1]


def test_time_that_runs_out_is_said_and_ends_the_process(stage: Stage) -> None:
    """The error names the function's own limit."""
    stage.behave = silent
    answer = invoke(stage, version=replace(VERSION, timeout=1))
    assert answer.error == "Unhandled"
    assert b"Task timed out after 1.00 seconds" in answer.payload
    assert not stage.started[0].alive


def test_a_process_that_ends_by_itself_is_said_with_its_exit_status(stage: Stage) -> None:
    """A crash is not a timeout: it is answered at once."""
    stage.behave = lambda runtime, _: runtime.crash()
    assert b"Runtime exited with error: exit status 7" in invoke(stage).payload


def test_a_failed_import_is_answered_with_its_own_error(stage: Stage) -> None:
    """The runtime's report is handed on unchanged."""

    def failing(version: FunctionVersion) -> ExecutionEnvironment:
        environment = ExecutionEnvironment(version, logs=stage.logs)
        runtime = PlayedRuntime(environment, echo)

        def start(stream: Stream, line: Callable[[str], None], exited: Callable[[], None]) -> PlayedRuntime:
            runtime.exited = exited
            threading.Thread(target=environment.init_failed, args=(b'{"errorType": "ImportError"}',)).start()
            return runtime

        environment.start(start)
        return environment

    data_plane = DataPlane(stage.plane, starter=failing)
    answer = data_plane.invoke(VERSION, Invocation(b"{}", "arn"))
    data_plane.close()
    assert (b'{"errorType": "ImportError"}', "Unhandled") == (answer.payload, answer.error)


def test_a_function_that_uses_too_much_memory_is_ended(stage: Stage) -> None:
    """The watcher sees it while it works, and says how much it had."""

    def hungry(runtime: PlayedRuntime, invocation: Invocation) -> None:
        runtime.used = 300
        silent(runtime, invocation)

    stage.behave = hungry
    assert b"300 MB used of 128 MB" in invoke(stage).payload


def test_a_result_that_is_too_large_is_an_error_of_the_function(stage: Stage) -> None:
    """6 MB, as on Lambda."""
    stage.behave = lambda runtime, invocation: void(
        runtime.environment.respond(invocation.request_id, b"0" * (PAYLOAD_LIMIT + 1))
    )
    assert b"Function.ResponseSizeTooLarge" in invoke(stage).payload


def void(_: object) -> None: ...


def test_an_environment_is_used_again(stage: Stage) -> None:
    """Three invocations one after the other start one process."""
    data_plane = DataPlane(stage.plane, starter=stage)
    for _ in range(3):
        data_plane.invoke(VERSION, Invocation(b"{}", "arn"))
    data_plane.close()
    assert len(stage.started) == 1


def test_an_environment_of_other_settings_is_not_used(stage: Stage) -> None:
    """$LATEST changes in place: its old environments end."""
    data_plane = DataPlane(stage.plane, starter=stage)
    for memory in (128, 256):
        data_plane.invoke(replace(VERSION, memory_size=memory), Invocation(b"{}", "arn"))
    assert [False, True] == [runtime.alive for runtime in stage.started]
    data_plane.close()


def test_an_idle_process_that_died_is_replaced_without_an_error(stage: Stage) -> None:
    """What happens between invocations is not the next caller's problem."""
    data_plane = DataPlane(stage.plane, starter=stage)
    data_plane.invoke(VERSION, Invocation(b"{}", "arn"))
    stage.started[0].crash()
    answer = data_plane.invoke(VERSION, Invocation(b"{}", "arn"))
    data_plane.close()
    assert ("", 2) == (answer.error, len(stage.started))


def test_one_more_than_the_reserved_concurrency_is_throttled(stage: Stage) -> None:
    """The second of two at once is refused while the first runs, and the first is not disturbed."""
    entered, leave = threading.Event(), threading.Event()

    def slow(runtime: PlayedRuntime, invocation: Invocation) -> None:
        entered.set()
        leave.wait(5)
        echo(runtime, invocation)

    stage.behave = slow
    data_plane = DataPlane(stage.plane, starter=stage)
    version = replace(VERSION, concurrency=1)
    answers: list[Answer] = []
    first = threading.Thread(target=lambda: answers.append(data_plane.invoke(version, Invocation(b"{}", "arn"))))
    first.start()
    assert entered.wait(5)
    with pytest.raises(Throttled):
        data_plane.invoke(version, Invocation(b"{}", "arn"))
    leave.set()
    first.join(5)
    data_plane.close()
    assert [""] == [answer.error for answer in answers]


def test_two_at_once_have_an_environment_each(stage: Stage) -> None:
    """An environment takes one invocation at a time."""
    both = threading.Barrier(2, timeout=5)

    def meet(runtime: PlayedRuntime, invocation: Invocation) -> None:
        both.wait()
        echo(runtime, invocation)

    stage.behave = meet
    data_plane = DataPlane(stage.plane, starter=stage)
    threads = [threading.Thread(target=data_plane.invoke, args=(VERSION, Invocation(b"{}", "arn"))) for _ in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    data_plane.close()
    assert len(stage.started) == 2


def test_an_image_that_cannot_run_leaves_no_place_taken(stage: Stage) -> None:
    """After the failure the function's whole concurrency is free again."""

    def impossible(version: FunctionVersion) -> ExecutionEnvironment:
        raise CannotRun("no Python 2.7")

    data_plane = DataPlane(stage.plane, starter=impossible)
    for _ in range(3):
        with pytest.raises(CannotRun, match=r"2\.7"):
            data_plane.invoke(replace(VERSION, concurrency=1), Invocation(b"{}", "arn"))
    data_plane.close()


def test_deleting_a_function_ends_its_environments(stage: Stage) -> None:
    """Nothing of a removed deployment keeps running."""
    data_plane = DataPlane(stage.plane, starter=stage)
    data_plane.invoke(VERSION, Invocation(b"{}", "arn"))
    data_plane.end_function(DIGITS)
    assert ([False], ()) == ([runtime.alive for runtime in stage.started], data_plane.environments())
    data_plane.close()
