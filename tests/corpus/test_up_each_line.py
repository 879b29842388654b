"""One service of each BentoML line through `deployer up` to the local target, its URL, and `deployer down`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from corpus_bentos import lay_out_project
from corpus_lines import LINES, Line, variables_of
from corpus_requests import differences, requests_of
from corpus_servers import ask_url
from laptop import Laptop

pytestmark = pytest.mark.corpus

OLD_STYLE = ("1.0.25", "1.1.11", "1.3.22", "1.4.19")  # the others have classes


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def corpus_laptop(cache_home: Path, store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A laptop whose cache has the lines' dependency layers."""
    variables = {**variables_of(store), "XDG_CACHE_HOME": str(cache_home)}
    machine = Laptop(tmp_path_factory.mktemp("corpus-laptop"), variables)
    yield machine
    machine.deployer("local", "stop")


@pytest.mark.parametrize("version", LINES)
def test_a_project_goes_up_to_its_url_and_down(
    version: str, corpus_laptop: Laptop, store: Path, line: Callable[[str], Line], tmp_path: Path
) -> None:
    """Built with the project's own Python, deployed, each of its requests answered as it has to be, removed."""
    service = "legacy_json" if version in OLD_STYLE else "plain_json"
    project = lay_out_project(service, line(version), tmp_path)
    if (project / "train.py").is_file():
        line(version).run("train.py", store=store, cwd=project)
    name = f"line-{version.replace('.', '-')}"

    up = corpus_laptop.deployer_json(
        "up", "--build", str(project), "--python", str(line(version).python), "-f", str(_config(tmp_path, name))
    )

    try:
        assert up["smoke_test"]["healthy"] is True
        wrong = []
        for asked in requests_of(service):
            answer = ask_url(asked, up["endpoint"].rstrip("/"))
            wrong += [f"{asked.name}: {found}\n  {answer}" for found in differences(asked, answer, answer)]
        assert not wrong, "\n".join(["", *wrong])
    finally:
        corpus_laptop.deployer("down", "--name", name)


def _config(folder: Path, name: str) -> Path:
    file = folder / "config.yaml"
    operator = {"name": "aws-lambda"}
    spec = {"auth": "none", "timeout": 60}
    document = {"api_version": "v1", "name": name, "operator": operator, "template": "terraform", "spec": spec}
    file.write_text(yaml.safe_dump(document), "utf-8")
    return file
