"""The digits example from training to an answer, with the commands that its README names."""

from __future__ import annotations

import importlib.util
import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from bento_projects import (
    HANDLER,
    REPOSITORY,
    build,
    image_variables,
    install_handler,
    lay_out,
    run,
    variables,
)
from lambda_runtime_api import function_process

from deployer.config import SmokeTest
from deployer.models import Route
from deployer.stages.smoke import smoke_test
from deployer.tools.http import Urllib3Http

EXAMPLE = REPOSITORY / "examples/digits_classifier"
PREDICTIONS = [6.0, 9.0, 3.0, 7.0, 2.0]


@dataclass(frozen=True)
class Trained:
    """A copy of the example whose model is in a store of its own; `said` is what training printed."""

    project: Path
    store: Path
    said: str

    @property
    def samples(self) -> Path:
        return self.project / "data/sample_features.json"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """`python train.py` in an empty store."""
    folder = tmp_path_factory.mktemp("digits")
    project = folder / "project"
    shutil.copytree(EXAMPLE, project)
    said = run([sys.executable, "train.py"], store=folder / "store", cwd=project)
    return Trained(project, folder / "store", said)


@pytest.fixture(scope="module")
def bento(trained: Trained) -> Path:
    """`bentoml build` in the trained project."""
    return build(trained.project, store=trained.store)


def models(store: Path) -> list[Path]:
    return list(store.glob("models/digits_classifier/*/model.yaml"))


def test_training_prints_accuracy_and_predictions(trained: Trained) -> None:
    """The model, both accuracies, the sample's predictions and the saved tag, as in BentoML's own guides."""
    model, accuracy, predictions, saved = trained.said.strip().splitlines()[-4:]
    assert model == "LogisticRegression(max_iter=10000)"
    assert "'test': 0.96" in accuracy
    assert json.loads(predictions) == PREDICTIONS
    assert saved.startswith("saved to the BentoML model store: digits_classifier:")


def test_training_again_saves_nothing_new(trained: Trained) -> None:
    """The same data and code give no second model version."""
    again = run([sys.executable, "train.py"], store=trained.store, cwd=trained.project)
    assert "already saved, nothing changed: digits_classifier:" in again
    assert len(models(trained.store)) == 1


RUNS_OF_ONE_INTERPRETER = """
import runpy, sys
for run in sys.argv[1:]:
    sys.argv = run.split()
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_other_code_or_force_saves_a_new_model(trained: Trained, tmp_path: Path) -> None:
    """A changed training script is a changed model, and so is one that is asked for."""
    store = tmp_path / "store"
    shutil.copytree(trained.store, store)
    (tmp_path / "changed.py").write_text((trained.project / "train.py").read_text() + "# changed\n")
    runs = ["changed.py", "changed.py", "changed.py --force"]
    said = run([sys.executable, "-c", RUNS_OF_ONE_INTERPRETER, *runs], store=store, cwd=tmp_path)
    endings = [line.partition(":")[0] for line in said.splitlines() if "saved" in line]
    saved = "saved to the BentoML model store"
    assert endings == [saved, "already saved, nothing changed", saved]
    assert len(models(store)) == len(models(trained.store)) + 2


def test_sample_features_are_the_frames_sample() -> None:
    """The committed file is what the training script takes for its sample, by column name."""
    from sklearn.datasets import load_digits

    spec = importlib.util.spec_from_file_location("digits_train", EXAMPLE / "train.py")
    assert spec is not None
    assert spec.loader is not None
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    expected = train.sample_features(load_digits(as_frame=True).frame).to_dict(orient="records")
    file = EXAMPLE / "data/sample_features.json"
    assert json.loads(file.read_text()) == expected
    assert file.stat().st_size <= 20_000


def test_bento_locks_the_packages_of_its_environment(bento: Path) -> None:
    """scikit-learn is the one that trained the model, and the Python version is this environment's."""
    from sklearn import __version__

    requirements = (bento / "env/python/requirements.txt").read_text().splitlines()
    assert f"scikit-learn=={__version__}" in requirements
    described = yaml.safe_load((bento / "bento.yaml").read_text())
    assert described["image"]["python_version"] == f"{sys.version_info.major}.{sys.version_info.minor}"


def test_handler_predicts_the_sample(trained: Trained, bento: Path, tmp_path: Path) -> None:
    """The Bento as an image holds it, under AWS's runtime interface client, answers one digit per row."""
    folder = lay_out(bento, store=trained.store, folder=tmp_path / "bento")
    env = image_variables(folder, handler=install_handler(tmp_path / "handler"), temporary=tmp_path / "tmp")
    with function_process(HANDLER, env=env, cwd=folder / "src", log=tmp_path / "log") as function:
        answer = function.request("POST", "/predict", trained.samples.read_text())
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, PREDICTIONS)
        refused = function.request("POST", "/predict", '[{"pixel_0_0": 1.0}]')
        assert refused["statusCode"] == 400
        assert "63 columns are missing, the first is pixel_0_1" in refused["body"]


def test_smoke_test_passes_on_bentoml_serve(trained: Trained, bento: Path, tmp_path: Path) -> None:
    """The real server is waited for and judged healthy, by the schema that the real Bento states."""
    described = yaml.safe_load((bento / "bento.yaml").read_text())["schema"]["routes"]
    routes = [Route(one["name"], one["route"], one["input"], one["output"]) for one in described]
    options = SmokeTest(samples=trained.samples, expected=[6, 9, 3, 7, 2])
    with served(described_by=bento, store=trained.store, log=tmp_path / "log") as url:
        report = smoke_test(url=url, routes=routes, options=options, http=Urllib3Http())
    assert report.healthy, report
    assert [check.name for check in report.checks] == ["answer", "content", "schema", "predictions"]
    assert report.response == PREDICTIONS


@contextmanager
def served(*, described_by: Path, store: Path, log: Path) -> Iterator[str]:
    """`bentoml serve` of a Bento, on a free port; not waited for."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    tag = f"{described_by.parent.name}:{described_by.name}"
    argv = [sys.executable, "-m", "bentoml", "serve", tag, "--host", "127.0.0.1", "--port", str(port)]
    settings: dict[str, Any] = {"env": variables(store), "stderr": subprocess.STDOUT}
    with log.open("wb") as output, subprocess.Popen(argv, stdout=output, **settings) as server:
        try:
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
