"""SnapStart: one started process becomes many, so nothing random or connected may be the same in all of them.

A service has hooks of its own: `from snapshot_restore_py import register_before_snapshot, register_after_restore`, two
decorators for functions without arguments. What it connects at its start it closes before the snapshot, or connects
again afterwards: databases, HTTP clients with open connections. Generators that it keeps, as of
`numpy.random.default_rng()`, it makes anew: only the modules' own can be found from here. Ours hold no connection, and
secrets that came by reference are read again after each restore: in its hooks a service finds them in `os.environ`.
"""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import MutableMapping

SNAP_START = "snap-start"


def register(environment: MutableMapping[str, str] = os.environ) -> None:
    """Register our hooks, where there is a snapshot. Before the service does: its hooks find what ours have renewed."""
    if environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") != SNAP_START:
        return
    from snapshot_restore_py import register_after_restore, register_before_snapshot

    register_before_snapshot(before_snapshot)
    register_after_restore(after_restore)
    if environment.get("DEPLOYER_SECRETS"):
        from .secrets import renew

        register_after_restore(renew, environment)


def before_snapshot() -> None:
    """Leave garbage out of the snapshot, and let later collections not touch, and so not load, what is in it."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def after_restore() -> None:
    """Seed anew, from the system, what draws from a state in memory. The system's own randomness is new by itself."""
    random.seed()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.seed()
    ssl = sys.modules.get("ssl")
    if ssl is not None:
        entropy = os.urandom(32)
        ssl.RAND_add(entropy, float(len(entropy)))  # OpenSSL keeps a generator of its own
