"""The UnionML example: its README from the first command to the last, and what it says of Flyte and the template."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from laptop import PREDICTIONS, ROOT, Laptop
from uv import find_uv_bin

pytestmark = pytest.mark.timeout(1800)  # the walk is four releases and two environments, in one go

EXAMPLE = Path("examples/unionml_digits")
README = (ROOT / EXAMPLE / "README.md").read_text(encoding="utf-8")
COPIED = ("deployment_configs", EXAMPLE)
BLOCKS = re.findall(r"^```bash\n(.*?)^```", README, re.M | re.S)
(
    SET_UP,
    TRAIN,
    SERVE,
    REQUEST,
    SERVE_LEGACY,
    BUILD,
    BUILD_LEGACY,
    UP,
    REQUEST_URL,
    UP_LEGACY,
    DOWN,
    NO_CLUSTER,
    LOCAL_TRAINING,
    UP_BUILD,
) = BLOCKS
SERVED = """
{serve} >served.log 2>&1 &
until curl -sf localhost:$BENTOML_PORT/readyz; do sleep 0.2; kill -0 $!; done
{request}
curl -s -w '%{{http_code}}' -H content-type:application/json -d '[{{"pixel_0_0": 1}}]' localhost:$BENTOML_PORT/predict
kill $!; wait $! || true
"""


ASK = """
import json
from pathlib import Path
from service import DigitsClassifier
from starlette.testclient import TestClient

(row,) = json.loads(Path("data/sample_features.json").read_text())
shuffled = {"another": 1, **dict(reversed(row.items()))}
asked = [[], [{"pixel_0_0": 1}], [{**row, "pixel_0_0": "dark"}], [{**row, "pixel_0_0": None}], [shuffled]]
with TestClient(DigitsClassifier.to_asgi(), raise_server_exceptions=False) as client:
    answers = [client.post("/predict", json=rows) for rows in asked]
print(json.dumps([(answer.status_code, answer.text) for answer in answers]))
"""


@dataclass(frozen=True)
class Walk:
    """A copy of the example in a newcomer's folders, and what each block of its README put on standard output."""

    laptop: Laptop
    said: Sequence[str]
    errors: str

    @property
    def project(self) -> Path:
        return self.laptop.folder / EXAMPLE

    @property
    def store(self) -> Path:
        return Path(self.laptop.variables["BENTOML_HOME"])

    @property
    def python(self) -> str:
        return str(self.project / ".venv/bin/python")

    @property
    def newest_model(self) -> str:
        return f"digits_classifier:{(self.store / 'models/digits_classifier/latest').read_text()}"


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """As after `make setup`, with nothing of it on PATH; store, state and folder of its own, no settings of Flyte."""
    home = tmp_path_factory.mktemp("unionml")
    for name in COPIED:
        left_out = shutil.ignore_patterns(".venv", "__pycache__")
        shutil.copytree(ROOT / name, home / "clone" / name, ignore=left_out)
    (home / "store").mkdir()
    own = str(Path(sys.executable).parent)
    (home / "clone" / ".venv").symlink_to(sys.prefix)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("FLYTE", "VIRTUAL_ENV"))}
    variables |= {
        "PATH": os.pathsep.join(folder for folder in variables["PATH"].split(os.pathsep) if folder != own),
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "BENTOML_HOME": str(home / "store"),
        "BENTOML_PORT": str(port),
        "COLUMNS": "200",
    }
    machine = Laptop(home / "clone", variables)
    yield machine
    machine.deployer("local", "stop")


@pytest.fixture(scope="module")
def walk(laptop: Laptop) -> Walk:
    """Every block of the README in its order, in one shell; the two that talk to each other side by side."""
    blocks = [
        SERVED.format(serve=block.strip(), request=REQUEST.strip()) if block in (SERVE, SERVE_LEGACY) else block
        for block in BLOCKS
        if block != REQUEST
    ]
    script = "\n".join(f"{block}\necho '@@@'" for block in blocks)
    ended = subprocess.run(
        ["bash", "-c", f"set -e\n{script}"],
        cwd=laptop.folder / EXAMPLE,
        env=laptop.variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1700,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return Walk(laptop, [said.strip() for said in ended.stdout.split("@@@\n")], ended.stderr)


@pytest.fixture(scope="module")
def template(walk: Walk) -> Laptop:
    """Where `unionml init` has made its project; it commits it to git, for which it needs an author."""
    author = {f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    path = f"{walk.laptop.variables['PATH']}:{walk.laptop.folder / '.venv/bin'}"  # where uv is
    machine = Laptop(walk.laptop.folder, {**walk.laptop.variables, **author, "PATH": path})
    machine.run(str(walk.project / ".venv/bin/unionml"), "init", "basic_bentoml_app", "--template", "basic-bentoml")
    return machine


def of(walk: Walk, block: str) -> str:
    return walk.said[[each for each in BLOCKS if each != REQUEST].index(block)]


def test_training_ends_as_in_the_source_document(walk: Walk) -> None:
    """Estimator, accuracy, the five predictions, the saved tag; the README shows the same."""
    estimator, accuracy, predictions, saved = of(walk, TRAIN).splitlines()
    assert "LogisticRegression(max_iter=10000)" == estimator
    assert {"train": 1.0, "test": pytest.approx(0.9722, abs=0.02)} == json.loads(accuracy.replace("'", '"'))
    assert PREDICTIONS == json.loads(predictions)
    assert re.fullmatch(r'BentoML saved model: Model\(tag="digits_classifier:\w+"\)', saved)
    assert f"{estimator}\n{accuracy}\n{predictions}\n" in README


@pytest.mark.parametrize("block", [SERVE, SERVE_LEGACY], ids=["current", "legacy"])
def test_a_served_model_answers_request_py(walk: Walk, block: str) -> None:
    """`bentoml serve` and `request.py`, as the guide has them; a bad row is the caller's mistake, and no hang."""
    answer, refused = of(walk, block).splitlines()
    assert PREDICTIONS == json.loads(answer)
    assert f"\n{answer}\n" in README
    assert "missing columns: 63 of 64, the first is pixel_0_1" in refused
    assert refused.endswith("400")


def test_the_current_service_is_deployed_and_answers(walk: Walk) -> None:
    """`[8.0]` for the template's one row, by the config that is found; the five rows through the URL."""
    assert "as expected: [8.0]" in walk.errors
    assert re.search(r"^model +digits_classifier:\w+$", of(walk, UP), re.M)
    assert PREDICTIONS == json.loads(of(walk, REQUEST_URL))


def test_the_legacy_service_is_deployed_and_answers(walk: Walk) -> None:
    """UnionML's own runnable, through the same image and URL."""
    assert re.search(r"^bento +unionml_digits_legacy:\w+$", of(walk, UP_LEGACY), re.M)
    assert "[8.0]" == of(walk, UP_LEGACY).splitlines()[-1]


def test_both_are_removed(walk: Walk) -> None:
    """Each with what belongs to it, by its own name."""
    assert 2 == of(walk, DOWN).splitlines().count("removed aws_lambda_function.this")


def test_without_a_cluster_one_line_says_so(walk: Walk) -> None:
    """And offers flytekit's local execution, which then trains and saves."""
    assert "" == of(walk, NO_CLUSTER)
    lines = [line for line in walk.errors.splitlines() if line.startswith("remote_training.py: ")]
    assert 1 == len(lines)
    assert f"{lines[0]}\n" in README
    assert of(walk, LOCAL_TRAINING).startswith("BentoML saved model: ")


def test_a_model_trained_elsewhere_is_in_the_next_release(walk: Walk) -> None:
    """`up --build` takes the newest of the store, which is another than at first, and AWS says which it is."""
    (saved,) = re.findall(r'tag="(.*)"', of(walk, LOCAL_TRAINING))
    assert re.search(rf"^model +{saved}$", of(walk, UP_BUILD), re.M)
    assert saved not in of(walk, TRAIN)

    said = walk.laptop.run(*remote_training("none", walk), cwd=walk.project).stdout
    (saved,) = re.findall(r'tag="(.*)"', said)
    assert walk.newest_model == saved
    argv = ("up", "--build", str(EXAMPLE), "--python", walk.python)
    up = walk.laptop.deployer_json(*argv)
    assert [saved] == up["models"]
    assert up["smoke_test"]["healthy"] is True
    assert walk.laptop.descriptions(up["function_name"])[-1].startswith(f"{up['bento']} (model {saved}) [image sha256:")
    asked_by_people = walk.laptop.deployer("up", "--bento", up["bento"]).stdout
    (curl,) = [line for line in asked_by_people.splitlines() if line.startswith("curl ")]
    assert [8.0] == json.loads(walk.laptop.run("bash", "-c", curl).stdout)
    walk.laptop.deployer("down", "--name", up["function_name"])


def test_bad_rows_are_the_callers_mistake(walk: Walk) -> None:
    """And columns in another order, with one too many, are none. Asked of the class that the Bento is made of."""
    none, few, text, null, shuffled = json.loads(walk.laptop.run(walk.python, "-c", ASK, cwd=walk.project).stdout)
    for (status, body), said in (
        (none, "there are no rows"),
        (few, "missing columns: 63 of 64, the first is pixel_0_1"),
        (text, "pixel_0_0 is not a number in every row"),
        (null, "pixel_0_0 is not a number in every row"),
    ):
        assert (400, True) == (status, said in body), body
    assert [200, "[8.0]"] == shuffled


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("unavailable", "no Flyte cluster answers"),
        ("failing", "the Flyte cluster failed: "),
        ("not-deployed", "unionml deploy digits_classifier_app:model"),
        ("not-known", "does not know you"),
    ],
)
def test_what_a_cluster_refuses_is_one_line(walk: Walk, trouble: str, words: str) -> None:
    """With what to do, no traceback, and nothing saved."""
    newest = walk.newest_model
    ended = walk.laptop.run(*remote_training(trouble, walk), cwd=walk.project, code=1)
    (line,) = [line for line in ended.stderr.splitlines() if line.startswith("remote_training.py: ")]
    assert words in line
    assert line.endswith("; --local trains here instead.")
    assert ("", newest, False) == (ended.stdout, walk.newest_model, "Traceback" in ended.stderr)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="before Python 3.11 typing.Any is no class, and it builds")
def test_the_unmodified_template_says_why_python_3_11_refuses_it(walk: Walk, template: Laptop, tmp_path: Path) -> None:
    """With a BentoML that UnionML 0.2.1 was made for; the cure is an older Python, or a service of one's own."""
    environment = tmp_path / "venv"
    python = str(environment / "bin/python")
    packages = ("unionml[bentoml]==0.2.1", "bentoml==1.3.22", "setuptools<82", "pyarrow")
    uv = find_uv_bin()
    walk.laptop.run(uv, "venv", "--quiet", "--python", sys.executable, str(environment))
    walk.laptop.run(uv, "pip", "install", "--quiet", "--python", python, *packages)

    refused = template.deployer("up", "--build", "basic_bentoml_app", "--python", python, code=1).stderr

    assert "UnionML (0.2.1 is its last release) annotates its API's argument 'features' with typing.Any" in refused
    assert "a class since Python 3.11" in refused
    assert "Python 3.10 environment with bentoml<1.4.16" in refused
    assert "examples/unionml_digits" in refused


def test_the_unmodified_template_says_why_bentoml_1_4_refuses_it(walk: Walk, template: Laptop) -> None:
    """Whatever the Python: `bentoml.Service` is another class there."""
    refused = template.deployer("up", "--build", "basic_bentoml_app", "--python", walk.python, code=1).stderr

    assert "UnionML (0.2.1 is its last release) makes an old service with bentoml.Service" in refused
    assert "bentoml.legacy.Service" in refused
    assert "examples/unionml_digits" in refused


@pytest.mark.parametrize("kind", ["", "legacy_"])
def test_the_template_builds_with_a_service_of_this_folder(walk: Walk, template: Laptop, kind: str) -> None:
    """What the README's last section says to copy is enough."""
    project = template.folder / "basic_bentoml_app"
    for name in ("digits_classifier_app.py", "requirements.lock", f"{kind}service.py", f"{kind}bentofile.yaml"):
        shutil.copy(walk.project / name, project)
    build = (walk.python, "-m", "bentoml", "build", "-f", f"{kind}bentofile.yaml", "--output", "tag")
    assert f"__tag__:unionml_digits{'_legacy' if kind else ''}:" in template.run(*build, cwd=project).stdout


def remote_training(trouble: str, walk: Walk) -> tuple[str, ...]:
    """remote_training.py with the fake cluster, by UnionML's Python, which finds the example's modules beside it."""
    script = str(ROOT / "tests/functional/unionml_cluster.py")
    run = f"import runpy, sys; sys.path.insert(0, '.'); sys.argv[1:] = [{trouble!r}]; "
    return (walk.python, "-c", f"{run}runpy.run_path({script!r}, run_name='__main__')")
