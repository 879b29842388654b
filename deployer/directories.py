"""Where deployer keeps its own things: a cache that may be deleted at any time, and the state of the local AWS.

Both follow the XDG variables, so a test or a CI job that sets them shares nothing with the user's home.
"""

from __future__ import annotations

from pathlib import Path

import platformdirs


def cache() -> Path:
    """Downloads, built layers and bentoctl's environment: safe to delete, made again when missed."""
    return Path(platformdirs.user_cache_dir("deployer", appauthor=False))


def state() -> Path:
    """The local AWS: its address, its log, its registry's blobs."""
    return Path(platformdirs.user_state_dir("deployer", appauthor=False))
