"""What is seen in one file, through the spellings that people use."""

from __future__ import annotations

import ast

import pytest

from deployer.tools.code_uses import SHARED_MEMORY, uses
from deployer.tools.lambda_gaps import Gap


def found(code: str) -> list[tuple[Gap, str, str]]:
    return [(use.gap, use.name, use.place) for use in uses(ast.parse(code), file="src/service.py")]


def names(code: str, gap: Gap = Gap.SEMAPHORES) -> list[str]:
    return [name for met, name, _ in found(code) if met is gap]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("import multiprocessing\nmultiprocessing.Pool(2)", "multiprocessing.Pool"),
        ("import multiprocessing as mp\nmp.Lock()", "multiprocessing.Lock"),
        ("from multiprocessing import Queue\nQueue()", "multiprocessing.Queue"),
        ("from multiprocessing import Event as Flag\nFlag()", "multiprocessing.Event"),
        ("import multiprocessing.pool\nmultiprocessing.pool.ThreadPool(2)", "multiprocessing.pool.ThreadPool"),
        ("from multiprocessing.dummy import Pool\nPool(2)", "multiprocessing.dummy.Pool"),
        (
            "from multiprocessing import shared_memory as s\ns.SharedMemory()",
            "multiprocessing.shared_memory.SharedMemory",
        ),
        ("import multiprocessing\nmultiprocessing.get_context('fork').Lock()", "multiprocessing.Lock"),
        ("import multiprocessing as mp\nctx = mp.get_context()\nctx.Value('i')", "multiprocessing.Value"),
        ("def f():\n    from multiprocessing import Barrier\n    Barrier(2)", "multiprocessing.Barrier"),
        ("import multiprocessing as mp\nLock = mp.Lock\nLock()", "multiprocessing.Lock"),
        ("from torch import multiprocessing as mp\nmp.Queue()", "torch.multiprocessing.Queue"),
        ("import concurrent.futures as cf\ncf.ProcessPoolExecutor()", "concurrent.futures.ProcessPoolExecutor"),
        ("from torch.utils.data import DataLoader\nDataLoader(d, num_workers=2)", "torch.utils.data.DataLoader"),
        ("open('/dev/shm/weights', 'wb')", SHARED_MEMORY),
        ("open(f'/dev/shm/{name}', 'wb')", SHARED_MEMORY),
    ],
)
def test_what_needs_semaphores_or_shared_memory_is_named_in_full(code: str, name: str) -> None:
    """Under whatever name the file calls it."""
    assert names(code) == [name]


@pytest.mark.parametrize(
    "code",
    [
        "import multiprocessing as mp\nmp.Process(target=f)\nmp.Pipe()\nmp.Manager().Queue()\nmp.cpu_count()",
        "from multiprocessing.dummy import Lock\nLock()",
        "from multiprocessing import Pool",
        "from threading import Lock\nfrom queue import Queue\nLock(), Queue()",
        "from concurrent.futures import ThreadPoolExecutor\nThreadPoolExecutor()",
        "from torch.utils.data import DataLoader\nDataLoader(d), DataLoader(d, num_workers=0)",
        "Pool(2)\nself.Lock()\nx.y().Queue()",
        "'a text about /dev/shm'",
    ],
)
def test_what_works_is_not_named(code: str) -> None:
    """Nor what is imported and not used."""
    assert found(code) == []


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("Parallel()", False),
        ("Parallel(n_jobs=1)", False),
        ("Parallel(n_jobs=-1)", True),
        ("Parallel(4)", True),
        ("Parallel(n_jobs=jobs)", True),
        ("Parallel(n_jobs=2, prefer='threads')", True),
        ("parallel_backend('loky')", True),
        ("parallel_backend('loky', n_jobs=1)", False),
        ("parallel_config(backend='threading', n_jobs=2)", True),
    ],
)
def test_joblib_is_named_where_it_is_asked_for_several_jobs(call: str, told: bool) -> None:
    """Of threads too: without semaphores joblib runs those one after another as well."""
    code = f"from joblib import Parallel, parallel_backend, parallel_config\n{call}"
    assert names(code, Gap.WORKERS) == ([f"joblib.{call.partition('(')[0]}"] if told else [])


@pytest.mark.parametrize(
    "code",
    [
        "@app.websocket('/ws')\nasync def chat(socket): ...",
        "@router.websocket_route('/ws')\nclass Chat: ...",
        "from starlette.routing import WebSocketRoute\nroutes = [WebSocketRoute('/ws', chat)]",
        "app.add_api_websocket_route('/ws', chat)",
    ],
)
def test_a_route_for_websockets_is_named(code: str) -> None:
    """As Starlette and FastAPI have it."""
    assert names(code, Gap.WEBSOCKETS) == ["a WebSocket route"]


def test_the_line_is_told() -> None:
    """Each use with its own."""
    code = "import multiprocessing as mp\n\nmp.Pool()\nmp.Lock()\n"
    assert [place for _, _, place in found(code)] == ["src/service.py:3", "src/service.py:4"]
