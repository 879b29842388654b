"""All that the handler loads at its start, and nothing is started: `python -m deployer_runtime.import_check SECONDS`.

Run by `deployer image push` in a sandbox before an image is pushed. The last line of standard output that begins with
MARK is JSON that says how it went; what was raised is told from the outermost error to its cause.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MARK = "deployer-import-check: "
HANDLER_MODULES = (
    *("runtime_client", "awslambdaric.bootstrap", "mangum"),
    *("deployer_runtime.limits", "deployer_runtime.logs", "deployer_runtime.snapstart", "deployer_runtime.startup"),
)


def check(seconds: float) -> int:
    """0 when everything could be loaded. Out of time, every thread's place is on standard error."""
    faulthandler.enable()
    faulthandler.dump_traceback_later(seconds, exit=True)
    version = sys.version_info
    report: dict[str, Any] = {"python": f"{version[0]}.{version[1]}", "part": "handler", "errors": []}
    try:
        for name in HANDLER_MODULES:
            importlib.import_module(name)
        report["part"] = "service"
        _load_service()
    except BaseException as error:
        traceback.print_exc()
        report["errors"] = _chain(error, bento=os.environ.get("BENTO_PATH", ""))
    sys.stdout.flush()
    os.write(1, f"\n{MARK}{json.dumps(report)}\n".encode())
    return 1 if report["errors"] else 0


def _load_service() -> None:
    """As `startup` does, but for what it starts."""
    from .startup import application, load, prepare

    prepare(os.environ)
    with _nothing_hidden():
        service = load(os.environ)
    application(service)


@contextmanager
def _nothing_hidden() -> Iterator[None]:
    """`with bentoml.importing():` lets a missing module pass, unless BentoML believes that it is serving."""
    try:
        from bentoml._internal.context import server_context
    except ImportError:  # older than that function
        yield
        return
    server_context.worker_index = 1
    yield
    server_context.worker_index = None


def _chain(error: BaseException | None, *, bento: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found.append(_described(error, bento))
        error = error.__cause__ or error.__context__
    return found


def _described(error: BaseException, bento: str) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if bento and _is_in(frame.filename, bento)]
    last = frames[-1] if frames else None
    return {
        "type": type(error).__name__,
        "package": type(error).__module__.partition(".")[0],
        "message": str(error),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "number": getattr(error, "errno", None) if isinstance(error, OSError) else None,
        "file": str(error.filename) if isinstance(error, OSError) and error.filename is not None else None,
        "variable": str(error.args[0]) if isinstance(error, KeyError) and _in_environ(last) else None,
        "place": _place(own[-1], bento) if own else None,
    }


def _is_in(file: str, bento: str) -> bool:
    return file.startswith("/") and os.path.realpath(file).startswith(f"{os.path.realpath(bento)}/")


def _in_environ(frame: traceback.FrameSummary | None) -> bool:
    """Whether that is `os.environ[...]`."""
    return frame is not None and frame.name == "__getitem__" and frame.filename.endswith(("/os.py", "<frozen os>"))


def _place(frame: traceback.FrameSummary, bento: str) -> str:
    name = os.path.relpath(os.path.realpath(frame.filename), os.path.realpath(bento))
    return f"{name}, line {frame.lineno}: {frame.line or ''}".rstrip(": ")


if __name__ == "__main__":
    code = check(float(sys.argv[1]))
    sys.stderr.flush()
    os._exit(code)  # a thread that the service has started would keep the process
