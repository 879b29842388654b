"""The BentoML store as deployer reads it and as BentoML itself lists it: the same cases on both."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from bento_samples import write_legacy, write_modern
from real_bentoctl import bentoctl_python

from deployer.errors import DeployerError
from deployer.tools.bento_build import build_bento
from deployer.tools.bento_store import BentoStore
from deployer.tools.process import Processes

pytestmark = pytest.mark.skipif(find_spec("bentoml") is None, reason="bentoml is not installed here")

Write = Callable[..., Path]


def bentoml(python: Path, home: Path, *arguments: str) -> str:
    """What a real BentoML answers about a store; empty when it refuses."""
    env = {**os.environ, "BENTOML_HOME": str(home), "BENTOML_DO_NOT_TRACK": "True", "COLUMNS": "1000", "NO_COLOR": "1"}
    argv = [str(python), "-m", "bentoml", *arguments]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False).stdout


NEWEST = Path(sys.executable)


@pytest.mark.parametrize(
    ("python", "write"),
    [(lambda: NEWEST, write_modern), (lambda: NEWEST, write_legacy), (bentoctl_python, write_modern)],
    ids=["newest, modern", "newest, legacy", "bentoctl's, modern"],
)
def test_the_same_bentos_are_listed(tmp_path: Path, python: Callable[[], Path], write: Write) -> None:
    """`bentoml list -o json` and our list name the same tags, for the newest BentoML and for bentoctl's."""
    for tag in ("digits:v1", "digits:v2", "iris:a.b-c_1"):
        write(tmp_path, tag)
    (tmp_path / "models").mkdir()

    listed = json.loads(bentoml(python(), tmp_path, "list", "-o", "json"))

    assert sorted(entry["tag"] for entry in listed) == [str(tag) for tag in BentoStore(tmp_path).list()]


@pytest.mark.parametrize("tag", ["digits", "digits:latest", "digits:v2", "digits:v1x"])
def test_the_same_bento_is_meant(tmp_path: Path, tag: str) -> None:
    """`latest` without a pointer, an exact version and a version's beginning mean what BentoML takes them to mean."""
    write_modern(tmp_path, "digits:v2")
    write_modern(tmp_path, "digits:v1xyz", creation_time="2027-01-01T00:00:00.000000+00:00")
    ours = BentoStore(tmp_path).get(tag).path

    theirs = bentoml(NEWEST, tmp_path, "get", tag, "-o", "path").strip()

    assert str(ours) == theirs


def test_a_bento_that_bentoml_builds_is_read_as_bentoml_means_it(tmp_path: Path) -> None:
    """A project built for real: its tag, its route with both schemas, its Python, and `latest` are what we read."""
    project, home = tmp_path / "project", tmp_path / "home"
    project.mkdir()
    service = [
        "import bentoml",
        "@bentoml.service",
        "class Adder:",
        "    @bentoml.api",
        "    def predict(self, rows: list[int]) -> list[float]:",
        "        return [row + 1.0 for row in rows]",
    ]
    (project / "service.py").write_text("\n".join(service))
    (project / "bentofile.yaml").write_text('service: "service:Adder"\npython: {lock_packages: false}\n')
    variables = {**os.environ, "BENTOML_HOME": str(home)}

    tag = build_bento(project, python=NEWEST, runner=Processes(), variables=variables, log=tmp_path / "log")

    bento = BentoStore.of(variables).get("adder")
    assert (bento.tag, bento.tag.name) == (tag, "adder")
    assert bento.python_version == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert [(route.name, route.path) for route in bento.routes] == [("predict", "/predict")]
    assert dict(bento.routes[0].input_schema or {})["required"] == ["rows"]
    assert dict(bento.routes[0].output_schema or {})["items"] == {"type": "number"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import not_there_at_all", "No module named 'not_there_at_all'"),
        ("raise OSError('[/x] no weights')", r"\[/x\] no weights"),
    ],
)
def test_a_service_that_fails_at_import_shows_where(tmp_path: Path, line: str, words: str) -> None:
    """The last lines are the service's own traceback, the file and line included, and nothing is added to the store."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "service.py").write_text(f"import bentoml\n{line}\n")
    (tmp_path / "project" / "bentofile.yaml").write_text('service: "service:Adder"\n')
    variables = {**os.environ, "BENTOML_HOME": str(tmp_path / "home")}

    with pytest.raises(DeployerError, match=words) as caught:
        build_bento(
            tmp_path / "project",
            python=NEWEST,
            runner=Processes(),
            variables=variables,
            log=tmp_path / "log",
        )

    assert f'File "{tmp_path / "project" / "service.py"}", line 2, in <module>' in caught.value.message
    assert BentoStore.of(variables).list() == ()
