"""What one Python file uses that AWS Lambda does not have, read from its syntax tree: nothing is imported or run.

Names are followed through imports, aliases and `get_context()`; what is only passed around is not seen.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deployer.tools.lambda_gaps import Gap

SHARED_MEMORY = "/dev/shm"  # noqa: S108


@dataclass(frozen=True)
class Use:
    """`name` is what is used, as its documentation spells it, `place` a file and a line."""

    gap: Gap
    name: str
    place: str


# Of multiprocessing, tried without /dev/shm. Process, Pipe and Manager work; ThreadPool needs a lock of its kind too.
_OF_MULTIPROCESSING = {
    *("Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier"),
    *("Queue", "SimpleQueue", "JoinableQueue", "Pool", "ThreadPool"),
    *("Value", "Array", "RawValue", "RawArray", "SharedMemory", "ShareableList", "SharedMemoryManager"),
}
_SAME = ("torch.multiprocessing.", "multiprocess.")  # the same names on the same ground
_JOBS_UNSAID = {"joblib.Parallel": 1, "joblib.parallel_config": 1, "joblib.parallel_backend": -1}
_SOCKET_ROUTES = {"starlette.routing.WebSocketRoute", "fastapi.routing.APIWebSocketRoute", "fastapi.APIWebSocketRoute"}
_SOCKET_DECORATORS = ("websocket", "websocket_route")
_SOCKET_METHODS = ("add_websocket_route", "add_api_websocket_route")


def uses(tree: ast.Module, *, file: str) -> Iterator[Use]:
    """Each use with its place in `file`, in no order."""
    names = _names(tree)
    for node in ast.walk(tree):
        for gap, name in _found(node, names):
            yield Use(gap, name, f"{file}:{getattr(node, 'lineno', 1)}")


def _found(node: ast.AST, names: Mapping[str, str]) -> Iterator[tuple[Gap, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and _in_shared_memory(node.value):
        yield Gap.SEMAPHORES, SHARED_MEMORY
    if isinstance(node, ast.Call):
        name = _spelled(node.func, names)
        if _needs_semaphores(name, node):
            yield Gap.SEMAPHORES, name
        if _asks_for_workers(name, node):
            yield Gap.WORKERS, name
        if name in _SOCKET_ROUTES or _attribute(node.func) in _SOCKET_METHODS:
            yield Gap.WEBSOCKETS, "a WebSocket route"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        called = (_attribute(mark.func) for mark in node.decorator_list if isinstance(mark, ast.Call))
        yield from ((Gap.WEBSOCKETS, "a WebSocket route") for name in called if name in _SOCKET_DECORATORS)


def _names(tree: ast.Module) -> dict[str, str]:
    """What the file's own names stand for; functions are not told apart."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for part in node.names:
                names[part.asname or part.name.partition(".")[0]] = (
                    part.name if part.asname else part.name.split(".")[0]
                )
        if isinstance(node, ast.ImportFrom) and not node.level:
            names.update({part.asname or part.name: f"{node.module}.{part.name}" for part in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (name := _spelled(node.value, names)):
            names.update({target.id: name for target in node.targets if isinstance(target, ast.Name)})
    return names


def _spelled(node: ast.AST, names: Mapping[str, str]) -> str:
    """The full name of what an expression is, empty for what no import brought."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = _spelled(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    if isinstance(node, ast.Call):
        called = _spelled(node.func, names)
        return called.rpartition(".")[0] if called.endswith("multiprocessing.get_context") else ""
    return ""


def _attribute(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""


def _needs_semaphores(name: str, call: ast.Call) -> bool:
    last = name.rpartition(".")[2]
    if name.startswith("torch.") and last == "DataLoader":
        workers = _argument(call, "num_workers", unsaid=0)
        return isinstance(workers, int) and workers > 0
    if name.startswith("concurrent.futures."):
        return last == "ProcessPoolExecutor"
    if name.startswith("multiprocessing.dummy."):  # threads, but for the pool
        return last == "Pool"
    return name.startswith(("multiprocessing.", *_SAME)) and last in _OF_MULTIPROCESSING


def _asks_for_workers(name: str, call: ast.Call) -> bool:
    if name not in _JOBS_UNSAID:
        return False
    first = call.args[0] if call.args and name == "joblib.Parallel" else None
    return _argument(call, "n_jobs", unsaid=_JOBS_UNSAID[name], positional=first) not in (1, None)


def _argument(call: ast.Call, name: str, *, unsaid: object, positional: ast.expr | None = None) -> object:
    """Its value where it is written out, and `...` where it is computed."""
    given = next((keyword.value for keyword in call.keywords if keyword.arg == name), positional)
    if given is None:
        return unsaid
    try:
        return ast.literal_eval(given)
    except (ValueError, TypeError):
        return ...


def _in_shared_memory(text: str) -> bool:
    return text == SHARED_MEMORY or text.startswith(f"{SHARED_MEMORY}/")
