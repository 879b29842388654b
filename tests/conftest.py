"""What every kind of test may use. Its place makes the modules of this folder importable from all of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

USERS_OWN = ("AWS_", "BENTOCTL_", "BENTOML_", "BENTO_", "DEPLOYER_", "DOCKER_", "TF_VAR_", "XDG_")
KEPT = ("AWS_CA_BUNDLE",)


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For this session's processes and their children: no store, state, cache, account or Docker login of the user's.

    uv's cache of downloads is shared: what is in it is checked against hashes.
    """
    home = tmp_path_factory.mktemp("home")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    uv_cache = os.environ.get("UV_CACHE_DIR") or cache / "uv"
    places = {
        "XDG_CACHE_HOME": "cache",
        "XDG_CONFIG_HOME": "config",
        "XDG_DATA_HOME": "data",
        "XDG_STATE_HOME": "state",
        "BENTOML_HOME": "bentoml",
        "DOCKER_CONFIG": "docker",
        "AWS_CONFIG_FILE": "aws-config",
        "AWS_SHARED_CREDENTIALS_FILE": "aws-credentials",
    }
    with pytest.MonkeyPatch.context() as environment:
        for name in [name for name in os.environ if name.startswith(USERS_OWN) and name not in KEPT]:
            environment.delenv(name)
        for name, place in places.items():
            environment.setenv(name, str(home / place))
        environment.setenv("UV_CACHE_DIR", str(uv_cache))
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        environment.setenv("BENTOML_DO_NOT_TRACK", "True")
        yield
