"""Bad input through the real command line: what is said, the exit code, and that nothing was begun."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from laptop import Laptop

HEAD = "api_version: v1\nname: echo\noperator: {name: aws-lambda}\ntemplate: terraform\n"
TERRAFORM = '#!/bin/sh\necho \'{"terraform_version": "1.4.6"}\'\n'


@pytest.fixture
def desk(laptop: Laptop, tmp_path: Path) -> Laptop:
    """The laptop with an empty folder to work in."""
    return replace(laptop, folder=tmp_path)


def begun(desk: Laptop) -> list[str]:
    """What a deployment consists of, as far as it is there: its record, its image, its terraform files."""
    return sorted(path.name for path in desk.folder.glob(".deployer/*/*/**/*") if path.suffix in (".json", ".tf"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("up", "Error: No Bento is named.\nWhat to do: Pass --bento NAME:VERSION"),
        ("up --bento eco.service:latest", "What to do: Did you mean echo.service? There are: echo.service:"),
        ("up --bento a/b", "Error: 'a/b' is not a Bento tag.\nWhat to do: A tag is `name:version`"),
        ("up --bento {echo} --build .", "Error: --bento and --build exclude each other."),
        ("up --build nowhere", "Directory 'nowhere' does not exist."),
        ("up --build . --python .", "File '.' is a directory."),
        ("up --bento {echo} --target mars", "'mars' is not one of 'local', 'aws'."),
        ("up --bento {echo} --name ../up", "Valid: 1 to 64 letters, digits, - and _ (Lambda's rule"),
        ("up --bento {echo} --name Echo", '"Echo" cannot name the ECR repository too'),
        ("up --bento {echo} -f nowhere.yaml", "File 'nowhere.yaml' does not exist."),
    ],
)
def test_an_option_that_cannot_be_used_is_explained(desk: Laptop, echo: str, arguments: str, said: str) -> None:
    """Exit code 2, and nothing is written."""
    ended = desk.deployer(*arguments.format(echo=echo).split(), code=2)

    assert said.format(echo=echo) in ended.stderr
    assert ("", []) == (ended.stdout, list(desk.folder.iterdir()))


@pytest.mark.parametrize("command", ["up", "smoke-test", "down"])
@pytest.mark.parametrize("option", ["--name", "--bento"])
def test_an_empty_option_is_refused(desk: Laptop, command: str, option: str) -> None:
    """`down --name "$UNSET"` must not remove the only deployment that is there."""
    assert f"Invalid value for '{option}': it is empty." in desk.deployer(command, option, "", code=2).stderr


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            "spec: {regoin: x, timeout: '30', memory_size: 64}\nenv: {AWS_REGION: x}\n",
            (
                "config.yaml has 4 problems:",
                "spec.regoin (line 5): unknown key. Did you mean region? Valid keys: region, timeout,",
                'spec.timeout (line 5): "30" is not a whole number. Write it without quotes.',
                "spec.memory_size (line 5): 64 is not valid. Valid: a whole number of MB from 128 to 10240.",
                "env.AWS_REGION (line 6): this name is reserved",
            ),
        ),
        ("spec: [1\n", ("config.yaml is not valid YAML: line 6, column 1: expected ',' or ']'",)),
        ("bento: other\n", ("config.yaml is for the Bento other, and echo.service:",)),
        ("smoke_test: {route: /variable}\n", ("the Bento has no route /variable", "Did you mean /variables?")),
        (
            "smoke_test: {route: /variables, samples: nowhere.json}\n",
            ("nowhere.json cannot be read: No such file or directory.", "What to do: Name a JSON file"),
        ),
        ("smoke_test: {route: /variables, samples: broken.json}\n", ("broken.json is not JSON: Expecting value",)),
        (
            "smoke_test: {route: /variables, samples: wrong.json}\n",
            ("wrong.json is not what /variables takes: at $.names: expected array, found integer.",),
        ),
        ("terraform: {template: .}\n", ("terraform.template names", "where no .tf file is.")),
    ],
)
def test_a_config_that_cannot_be_used_is_explained(desk: Laptop, echo: str, config: str, said: tuple[str, ...]) -> None:
    """Exit code 2, all problems at once, before anything is begun."""
    (desk.folder / "config.yaml").write_text(HEAD + config, encoding="utf-8")
    (desk.folder / "broken.json").write_text('{"names": ', encoding="utf-8")
    (desk.folder / "wrong.json").write_text('{"names": 3}', encoding="utf-8")

    ended = desk.deployer("up", "--bento", echo, "-f", "config.yaml", code=2)

    assert [] == [words for words in said if words not in ended.stderr], ended.stderr
    assert ("", []) == (ended.stdout, begun(desk))


@pytest.fixture
def poor(desk: Laptop) -> Laptop:
    """The desk of somebody whose PATH and cache hold no terraform; the local AWS runs already."""
    desk.deployer("local", "start")
    places = {"PATH": str(desk.folder / "bin"), "XDG_CACHE_HOME": str(desk.folder / "cache")}
    return replace(desk, variables={**desk.variables, **places})


@pytest.mark.parametrize(("terraform", "found"), [("", "there is none on PATH"), (TERRAFORM, "bin/terraform is 1.4.6")])
def test_without_a_terraform_that_is_new_enough_nothing_is_begun(
    poor: Laptop, echo: str, terraform: str, found: str
) -> None:
    """It is looked for before the image is built, and the message has a way to get it."""
    if terraform:
        program = poor.folder / "bin" / "terraform"
        program.parent.mkdir()
        program.write_text(terraform, encoding="utf-8")
        program.chmod(0o755)

    said = poor.deployer("up", "--bento", echo, code=1).stderr

    assert "Error: terraform 1.5 or newer is needed; " in said
    assert found in said
    assert "run `deployer setup`" in said
    assert [] == begun(poor)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import absent_package", "  ModuleNotFoundError: No module named 'absent_package'"),
        ("raise ValueError('no [/x] here')", "  ValueError: no [/x] here"),
        ("def broken(:", "  SyntaxError: invalid syntax"),
    ],
)
def test_a_service_that_fails_at_import_is_shown_with_its_own_last_lines(
    desk: Laptop, project: Path, line: str, said: str
) -> None:
    """The file, the line and the error; the log has the rest. Paths may be relative to the current folder."""
    shutil.copytree(project, desk.folder / "broken")
    (desk.folder / "broken" / "service.py").write_text(f"{line}\n", encoding="utf-8")
    (desk.folder / "venv").symlink_to(sys.prefix)

    ended = desk.deployer("up", "--build", "broken", "--python", "venv/bin/python", code=1)

    assert "Error: `bentoml build` failed in broken:\n" in ended.stderr
    assert f'{desk.folder}/broken/service.py", line 1' in ended.stderr
    assert said in ended.stderr.splitlines()
    log = Path(ended.stderr.rpartition("Log: ")[2].strip())
    assert "bentoml build" in log.read_text(encoding="utf-8")


def test_an_image_for_a_python_that_the_host_lacks_names_it(desk: Laptop, echo: str, tmp_path: Path) -> None:
    """With the way to get it, before anything is begun."""
    store = tmp_path / "store"
    name, _, version = echo.partition(":")
    bento = Path(shutil.copytree(Path(desk.variables["BENTOML_HOME"]) / "bentos" / name, store / "bentos" / name))
    described = bento / version / "bento.yaml"
    document = yaml.safe_load(described.read_text(encoding="utf-8"))
    document["image"]["python_version"] = "3.5"
    described.write_text(yaml.safe_dump(document), encoding="utf-8")
    elsewhere = replace(desk, variables={**desk.variables, "BENTOML_HOME": str(store)})

    said = elsewhere.deployer("up", "--bento", echo, code=1).stderr

    assert "Error: This machine has no Python 3.5: the local target runs the image with the host's" in said
    assert "uv python install 3.5. Or deploy with --target aws." in said
    assert [] == begun(desk)


@pytest.fixture
def damaged(desk: Laptop) -> Iterator[Laptop]:
    """A folder whose record was cut short."""
    record = desk.folder / ".deployer" / "echo" / "local" / "deployment.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"version": 1, "regio', encoding="utf-8")
    yield desk
    assert '{"version": 1, "regio' == record.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", ["up", "smoke-test", "down"])
def test_a_damaged_record_is_named_and_left_alone(damaged: Laptop, command: str) -> None:
    """With the way out: `up` with a Bento writes it anew."""
    said = damaged.deployer(command, code=1).stderr

    assert f"{damaged.folder}/.deployer/echo/local/deployment.json cannot be read: " in said
    assert "Run `deployer up` with -f or --bento again: it writes the file anew." in said


def test_a_folder_that_cannot_be_written_is_said(desk: Laptop, echo: str) -> None:
    """No half of a workspace and no traceback."""
    (desk.folder / ".deployer").write_text("a file where a folder should be", encoding="utf-8")

    said = desk.deployer("up", "--bento", echo, code=1).stderr

    assert f"Error: {desk.folder}/.deployer cannot be written: " in said
    assert "What to do: Run deployer in a folder that you may write to" in said


def test_a_current_folder_that_is_gone_is_said(desk: Laptop) -> None:
    """As after `rm -r` in another window."""
    script = 'mkdir gone && cd gone && rmdir "$PWD" && exec "$0" -m deployer down'

    ended = desk.run("sh", "-c", script, sys.executable, code=1)

    assert "Error: The current folder is gone." in ended.stderr


@pytest.mark.parametrize(
    ("how", "code", "errors"),
    [
        ("{down} | head -c 1", 0, ""),
        ("{down} >&-", 0, ""),
        ("{down} 2>&-", 0, ""),
        ("{down} <&-", 0, ""),
        ("{down} >/dev/full", 1, "Error: The system refused: No space left on device."),
        ("LC_ALL=C {down}", 0, ""),
        ("PYTHONIOENCODING=ascii {down}", 0, ""),
        ("unset HOME; {down}", 0, ""),
        ("COLUMNS=1 {down}", 0, ""),
    ],
)
def test_a_shell_that_is_not_plain_changes_nothing(desk: Laptop, how: str, code: int, errors: str) -> None:
    """Standard output carries the JSON document or what fits of it, never anything else."""
    down = f"{sys.executable} -m deployer down --name grüße --output json"

    ended = desk.run("sh", "-c", how.format(down=down), code=code)

    assert "Traceback" not in ended.stderr
    assert errors in ended.stderr
    if len(ended.stdout) > 1:
        assert {"name": "grüße", "target": "", "removed": [], "kept": []} == json.loads(ended.stdout)


def test_a_reader_that_left_is_no_bug(desk: Laptop) -> None:
    """The command ends quietly with exit code 1, as the writers of other programs do."""
    argv = [sys.executable, "-m", "deployer", "down", "--output", "json"]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=desk.folder, env=desk.variables, stdout=pipe, stderr=pipe) as child:
        assert child.stdout is not None and child.stderr is not None
        child.stdout.close()
        errors = child.stderr.read()

    assert (1, b"") == (child.returncode, errors)
