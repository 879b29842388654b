"""What is made once for the whole session, by whichever worker needs it first: environments, layers, Bentos."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from corpus_bentos import build
from corpus_lines import PYTHON, Line, environment
from corpus_requests import requests_of
from corpus_servers import Candidate, Functions, served

from deployer.image.layer_cache import BlobCache
from deployer.tools.process import Processes
from deployer.tools.python_interpreter import find_python


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all workers of this session; CORPUS_FOLDER names one that is kept for the next session."""
    if kept := os.environ.get("CORPUS_FOLDER"):
        Path(kept).mkdir(parents=True, exist_ok=True)
        return Path(kept).absolute()
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "corpus"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def line(shared: Path) -> Callable[[str], Line]:
    """The line of a version, its environment made; skips where there is no Python for the locks."""
    python = find_python(PYTHON, runner=Processes(), variables=os.environ)
    if python is None:
        pytest.skip(f"needs Python {PYTHON}")
    return lambda version: environment(version, python=python, folder=shared / "environments")


@pytest.fixture(scope="session")
def cache_home(shared: Path) -> Path:
    """XDG_CACHE_HOME of every deployer here: the dependency layer of each line is made once."""
    return shared / "cache"


@pytest.fixture(scope="session")
def image_cache(cache_home: Path) -> BlobCache:
    return BlobCache(cache_home / "deployer" / "image")


@pytest.fixture(scope="session")
def functions(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Functions:
    return Functions(shared / "unpacked", tmp_path_factory.mktemp("functions"))


@pytest.fixture(scope="module")
def candidate(
    line: Callable[[str], Line], image_cache: BlobCache, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], Candidate]]:
    """A service in a line, built, served and asked once for all tests of it; the last one's files go with the next."""
    kept: dict[tuple[str, str], Candidate] = {}
    folder = tmp_path_factory.mktemp("candidates")

    def made(service: str, version: str) -> Candidate:
        if (service, version) not in kept:
            kept.clear()
            shutil.rmtree(folder)
            built = build(service, line(version), folder=folder / "bento", cache=image_cache)
            with served(built, line(version), folder=folder / "bento") as ask:
                kept[service, version] = Candidate(built, [ask(asked) for asked in requests_of(service)])
        return kept[service, version]

    yield made
    shutil.rmtree(folder, ignore_errors=True)
