"""What every kind of test may use. Its place makes the modules of this folder importable from all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from laptop import EXAMPLE, Laptop

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

USERS_OWN = ("AWS_", "BENTOCTL_", "BENTOML_", "BENTO_", "DEPLOYER_", "DOCKER_", "TF_VAR_", "XDG_")
KEPT = ("AWS_CA_BUNDLE", "DEPLOYER_ENGINE")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    """`--dist loadfile` with two exceptions.

    tests/docker is one worker's, so that no two of its builds meet. A test of the corpus may be anybody's, but those of
    one service in one BentoML line are one worker's, which builds it once.
    """
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFileAndFolder(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            if file.startswith("tests/docker/"):
                return "tests/docker"
            return nodeid.rpartition("-")[0] if file == "tests/corpus/test_services.py" else file

    return ByFileAndFolder(config, log)


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


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """Its store, state and cache are the session's own (see `own_environment`); its local AWS is stopped at the end."""
    folder = tmp_path_factory.mktemp("laptop")
    machine = Laptop(folder, {**os.environ, "COLUMNS": "200"})
    yield machine
    machine.deployer("local", "stop")


@pytest.fixture(scope="session")
def digits(laptop: Laptop) -> str:
    """The example's Bento, trained and built with BentoML's own commands; its tag."""
    laptop.run(sys.executable, str(EXAMPLE / "train.py"))
    built = laptop.run(sys.executable, "-m", "bentoml", "build", "-o", "tag", cwd=EXAMPLE)
    return built.stdout.strip().rpartition("\n")[2].removeprefix("__tag__:")
