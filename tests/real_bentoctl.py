"""bentoctl's real environment for tests: the user's own, made when it is missing (`make setup` makes it ahead)."""

from __future__ import annotations

import os
import tempfile
from functools import lru_cache
from pathlib import Path

from deployer.tools import bentoctl_environment
from deployer.tools.process import Processes


@lru_cache(maxsize=1)
def bentoctl_python() -> Path:
    """The interpreter of that environment."""
    log = Path(tempfile.gettempdir()) / f"deployer-test-bentoctl-{os.getpid()}.log"
    return bentoctl_environment.ensure(runner=Processes(), variables=dict(os.environ), log=log, on_step=print)
