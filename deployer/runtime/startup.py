"""From the environment that the image sets to a callable that answers events. Runs once per execution environment."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

from .application import without_metrics
from .events import require_http
from .lifespan import run_startup

WRITABLE_FOLDERS = ("HOME", "BENTOML_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "JOBLIB_TEMP_FOLDER")

Handler = Callable[[Any, Any], Any]


def start(environment: MutableMapping[str, str]) -> Handler:
    """Load the Bento at `BENTO_PATH` and start it.

    A failure is one line on standard error, then the error itself, so that Lambda ends the init with it.
    """
    try:
        prepare(environment)
        return _serve(environment["BENTO_PATH"])
    except BaseException as error:
        # A traceback logged before may have left its line open.
        print(f"\ndeployer: {_one_line(error, bento=environment.get('BENTO_PATH', ''))}", file=sys.stderr, flush=True)
        raise


def prepare(environment: MutableMapping[str, str]) -> None:
    """Make the folders that libraries want to write to, and switch BentoML's metrics off.

    BentoML 1.0 and 1.1 fail to start with metrics on, for want of a Prometheus folder; 1.4 does not heed the switch.
    """
    for name in WRITABLE_FOLDERS:
        if name in environment:
            Path(environment[name]).mkdir(parents=True, exist_ok=True)
    options = environment.get("BENTOML_CONFIG_OPTIONS", "")
    environment["BENTOML_CONFIG_OPTIONS"] = f"{options} api_server.metrics.enabled=false".strip()


def _serve(bento: str) -> Handler:
    """The ASGI start-up runs here and not per request: in BentoML it is what loads the models."""
    import bentoml  # only now: it reads its settings from the environment when it is imported
    from mangum import Mangum

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # mangum takes the thread's current loop
    service = bentoml.load(bento, standalone_load=True)
    app = service.to_asgi() if hasattr(service, "to_asgi") else service.asgi_app
    run_startup(app, loop=loop)
    return require_http(Mangum(without_metrics(app), lifespan="off"))


def _one_line(error: BaseException, *, bento: str) -> str:
    reason = " ".join(str(error).split()) or "no message"
    return f"the Bento at {bento or '(BENTO_PATH is not set)'} could not be started: {type(error).__name__}: {reason}"
