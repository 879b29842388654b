"""The arithmetic of benchmarks/runtime.py, the Runtime API it serves, and what it takes as an answer."""

from __future__ import annotations

import io
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks import runtime_imports, runtime_pages
from benchmarks.runtime_api import RuntimeApi, read_request
from benchmarks.runtime_docker import opening
from benchmarks.runtime_goals import goals, medians, ratios, stretch
from benchmarks.runtime_measure import AT_ONCE, Opening, Running, alone, at_once, percentile
from benchmarks.runtime_memory import Memory, memory_of
from benchmarks.runtime_pages import CHUNK, PAGE, File, touched
from benchmarks.runtime_sides import PREDICTIONS, check_event_answer, event

LOG = """import time: self [us] | cumulative | imported package
import time:      1500 |       1500 |   json.decoder
import time:      2500 |       4000 |     pandas._libs
INFO: something the service says
import time:      1000 |       5000 | pandas
import time:       200 |        200 | bentoml
"""


def sample(mode: str, number: int, side: str, **figures: float | None) -> dict[str, Any]:
    return {"mode": mode, "round": number, "side": side, **figures}


def round_of(mode: str, number: int, *, slow: float = 1.0) -> list[dict[str, Any]]:
    """A round on a machine that is `slow` times as slow as usual: ours is half of upstream and twice the floor."""
    sides = {"floor": 1.0, "ours": 2.0, "upstream": 4.0}
    return [
        sample(mode, number, side, cold_s=slow * much, p50_ms=slow * much, peak_mb=100 * much)
        for side, much in sides.items()
    ]


def test_the_goals_compare_ours_with_the_same_rounds_floor_and_upstream() -> None:
    """A round that was slow as a whole changes no ratio."""
    found = goals([*round_of("process", 1), *round_of("process", 2, slow=9.0), *round_of("process", 3)])
    assert [("process: cold start, of the floor's", 2.0, 1.3, False)] == [
        (goal.name, goal.value, goal.goal, goal.met) for goal in found[:1]
    ]
    assert [(0.5, 0.8, True), (0.5, 0.35, False), (0.5, 1.0, True)] == [
        (goal.value, goal.goal, goal.met) for goal in found[1:]
    ]


def test_goals_are_of_the_places_that_ran() -> None:
    """Without an Engine there is no goal for containers, met or missed."""
    without, both = round_of("process", 1), [*round_of("process", 1), *round_of("docker", 1)]
    assert {"process"} == {goal.name.partition(":")[0] for goal in goals(without)}
    assert ["process"] * 4 + ["docker"] * 4 == [goal.name.partition(":")[0] for goal in goals(both)]
    assert [1.15, 1.15] == [goal.goal for goal in stretch(both)]


def test_a_round_without_one_of_both_sides_has_no_ratio() -> None:
    """The first of two floors is not compared with the second of ours."""
    found = [*round_of("process", 1), *round_of("process", 2, slow=9.0)]
    found = [one for one in found if (one["round"], one["side"]) != (1, "ours")]
    assert ratios(found)["process"]["floor"] == {"cold_s": 2.0, "p50_ms": 2.0, "peak_mb": 2.0}
    assert "init_s" not in medians(found)["process"]["floor"]


def test_what_was_not_measured_is_in_no_median() -> None:
    """`bentoml serve` has no init that could be seen; that is not an init of no time."""
    found = [sample("process", number, "serve", cold_s=2.0 + number, init_s=None) for number in (1, 2, 4)]
    assert medians(found)["process"]["serve"] == {"cold_s": 4.0}


@pytest.mark.parametrize(("share", "expected"), [(50, 5.0), (95, 10.0), (99, 10.0), (10, 1.0), (1, 1.0)])
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    """The smallest that so many of all do not exceed; nothing is interpolated."""
    assert percentile([float(value) for value in range(10, 0, -1)], share) == expected


EMULATOR = """START RequestId: 9a2c Version: $LATEST
(rapid) INIT RTDONE(status: success)
(rapid) INIT REPORT(durationMs: 131.558000)
(rapid) INVOKE RTDONE(status: success, produced bytes: 0, duration: 1.273000ms)
(rapid) INVOKE RTDONE(status: success, produced bytes: 0, duration: 1.215000ms)
"""


def test_the_emulators_log_has_the_init_and_the_first_invoke() -> None:
    """Its REPORT line has no true init; a container that has answered nothing has neither."""
    found = opening(EMULATOR)
    assert found is not None
    assert (0.131558, 0.001273) == (round(found.init, 9), round(found.first, 9))
    assert opening("(rapid) INIT REPORT(durationMs: 131.558000)") is None


class Places:
    """A place whose requests take no time, and where a side is what the test says."""

    name = "process"

    def __init__(self, memory: Memory | None) -> None:
        self.memory, self.asked, self.clients = memory, 0, 0

    @contextmanager
    def running(self, side: str, *, clients: int) -> Iterator[Running]:
        self.clients = clients

        def ask() -> float:
            self.asked += 1
            if side == "broken":
                raise RuntimeError("answered 500")
            return 0.004

        opening = Opening(1.5, 0.025) if side == "ours" else None
        yield Running([ask] * clients, 0.0, lambda: opening, lambda: self.memory)


def test_a_side_alone_is_asked_once_cold_and_then_warm() -> None:
    """The first answer and those that warm it up are in no percentile; what cannot be known is None."""
    place = Places(Memory(200.0, 150.0))
    found = alone(place, "serve", requests=20)
    assert (1 + 10 + 20, 1) == (place.asked, place.clients)
    assert (4.0, 4.0, 200.0, 150.0) == (found["p50_ms"], found["p99_ms"], found["peak_mb"], found["pss_mb"])
    assert (None, None) == (found["init_s"], found["first_ms"])
    found = alone(Places(None), "ours", requests=1)
    assert (1.5, 25.0, None) == (found["init_s"], found["first_ms"], found["peak_mb"])


def test_several_at_once_have_a_client_each() -> None:
    """All are warm before the clock starts, and an answer that is wrong ends the benchmark."""
    place = Places(None)
    assert at_once(place, "ours", requests=5) > 0
    assert (AT_ONCE * (10 + 5), AT_ONCE) == (place.asked, place.clients)
    with pytest.raises(RuntimeError, match="answered 500"):
        at_once(place, "broken", requests=5)


def test_import_time_is_summed_by_package() -> None:
    """A module's own time counts, and not that of what it imports; what no layer has is the standard library."""
    found = runtime_imports.by_package(LOG, frozenset({"pandas", "bentoml"}))
    assert found == {"pandas": 3.5, "(standard library)": 1.5, "bentoml": 0.2}
    assert runtime_imports.above({"a": 9.0, "b": 30.0, "c": 5.4}, {"a": 1.0, "c": 5.0}) == {"b": 30.0, "a": 8.0}


def test_packages_are_named_as_they_are_imported(tmp_path: Path) -> None:
    """Folders, modules and extension modules alike."""
    for name in ("one.py", "two.cpython-311-x86_64-linux-gnu.so"):
        (tmp_path / name).touch()
    (tmp_path / "three").mkdir()
    assert frozenset({"one", "two", "three"}) == runtime_imports.packages_in(tmp_path)


def test_touched_bytes_are_counted_in_pages_files_and_chunks() -> None:
    """A chunk holds several files, and one that nothing was read of counts as a place between others."""
    half = CHUNK // 2
    files = [File(half, (0, 1)), File(half, (2,)), File(CHUNK, ()), File(1, (0,))]
    assert touched(files) == {
        "files": 3,
        "pages_mb": round(4 * PAGE / 1e6, 1),
        "files_mb": round((CHUNK + 1) / 1e6, 1),
        "chunks": 2,
        "chunks_mb": round(2 * CHUNK / 1e6, 1),
        "chunks_of_image": 3,
    }


def test_the_page_cache_says_what_was_read(tmp_path: Path) -> None:
    """A file that was just read is there with all of its pages, an empty one has none, and a link is not looked at."""
    (tmp_path / "read").write_bytes(b"x" * (PAGE + 1))
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to("read")
    assert runtime_pages.files_of(tmp_path) == [File(0, ()), File(PAGE + 1, (0, 1))]


def test_a_process_that_is_gone_has_no_memory() -> None:
    """Rather nothing than the memory of those that are left."""
    assert memory_of([]) is None
    assert memory_of([os.getpid()]) is not None
    assert memory_of([os.getpid(), 2**22 + 1]) is None


def test_a_wrong_prediction_is_no_answer() -> None:
    """A side that answers fast because it fails would win."""
    right = {"statusCode": 200, "body": json.dumps(PREDICTIONS)}
    check_event_answer("ours", json.dumps(right).encode())
    check_event_answer("null", b'{"statusCode": 200, "body": "[]"}')
    for wrong in ({**right, "body": "[1.0]"}, {**right, "statusCode": 503}, {"errorMessage": "no"}):
        with pytest.raises(RuntimeError, match="ours answered"):
            check_event_answer("ours", json.dumps(wrong).encode())


def test_the_runtime_api_hands_out_an_event_and_takes_its_answer() -> None:
    """As awslambdaric asks: next, response, next; the first question ends the init."""
    api = RuntimeApi()
    host, _, port = api.address.partition(":")
    with socket.create_connection((host, int(port))) as process:
        process.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
        process.sendall(b"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\ncontent-length: 3\r\n\r\n[1]")
        answer = api.invoke(event(), alive=lambda: True)
        received = process.recv(1 << 16)
    api.close()
    assert (b"[1]", "response") == (answer.body, answer.kind)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert api.first_asked is not None
    assert 0 < answer.seconds < 60


def test_an_error_where_an_event_was_asked_for_ends_the_benchmark() -> None:
    """What the process says of itself is in the message, for it is the reason."""
    api = RuntimeApi()
    host, _, port = api.address.partition(":")
    with socket.create_connection((host, int(port))) as process:
        process.sendall(b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 9\r\n\r\nno module")
        with pytest.raises(RuntimeError, match=r"init/error where a next was expected.*no module"):
            api.invoke(b"{}", alive=lambda: True)
    with pytest.raises(RuntimeError, match="ended"):
        api.invoke(b"{}", alive=lambda: False)
    api.close()


def test_a_request_is_read_to_its_end_and_no_further() -> None:
    """Several come over one connection."""
    stream = io.BytesIO(b"POST /x/response HTTP/1.1\r\nContent-Length: 2\r\n\r\nokGET /x/next HTTP/1.1\r\n\r\n")
    assert ("response", b"ok") == read_request(stream)
    assert ("next", b"") == read_request(stream)
    assert read_request(stream) is None
