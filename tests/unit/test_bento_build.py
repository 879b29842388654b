"""`bentoml build` as deployer runs and reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from stand_in_runner import StandInRunner

from deployer.errors import BadInput, DeployerError
from deployer.models import Tag
from deployer.tools.bento_build import build_bento

PYTHON = Path("/project/bin/python")


def build(project: Path, *prepared: tuple[int, str, str]) -> tuple[Tag, StandInRunner]:
    runner = StandInRunner(prepared)
    variables = {"BENTOML_HOME": "/store"}
    return build_bento(project, python=PYTHON, runner=runner, variables=variables, log=project / "log"), runner


def test_the_tag_is_read_from_the_machine_readable_answer(tmp_path: Path) -> None:
    """One call with the project's Python; the store is the one the variables name."""
    tag, runner = build(tmp_path, (0, "locking packages\n__tag__:digits:v1\n", ""))

    assert tag == Tag("digits", "v1")
    (asked,) = runner.asked
    assert asked.argv == (str(PYTHON), "-m", "bentoml", "build", "--output", "tag")
    assert (asked.env["BENTOML_HOME"], asked.env["BENTOML_DO_NOT_TRACK"]) == ("/store", "True")


def test_uv_is_found_where_the_project_brings_none(tmp_path: Path) -> None:
    """BentoML 1.4 locks packages with it, and else runs `pip install uv`, which an environment without pip cannot."""
    _, runner = build(tmp_path, (0, "__tag__:digits:v1\n", ""))
    assert shutil.which("uv", path=runner.asked[0].env["PATH"]) is not None


def test_a_bentoml_without_that_option_is_asked_plainly(tmp_path: Path) -> None:
    """The first releases of 1.0 have no `--output`; their words for people name the tag."""
    refused = (2, "", "Usage: bentoml build\nError: No such option: --output\n")

    tag, runner = build(tmp_path, refused, (0, 'Successfully built Bento(tag="digits:abc.1")\n', ""))

    assert tag == Tag("digits", "abc.1")
    assert runner.commands[1] == ("-m", "bentoml", "build")


def test_success_without_a_tag_is_a_failure(tmp_path: Path) -> None:
    """Exit code 0 alone promises nothing."""
    with pytest.raises(DeployerError, match="did not say which Bento it built"):
        build(tmp_path, (0, "done\n", ""))


def test_a_python_without_bentoml_is_named(tmp_path: Path) -> None:
    """The cure is another --python, not a traceback."""
    with pytest.raises(DeployerError, match="/project/bin/python has no BentoML") as caught:
        build(tmp_path, (1, "", "/project/bin/python: No module named bentoml\n"))
    assert "--python" in caught.value.hint


def test_a_service_that_raises_shows_its_own_last_lines(tmp_path: Path) -> None:
    """Frames of the import system and underlining are left out, the service's own are kept."""
    frames = [
        "Traceback (most recent call last):",
        '  File "<frozen importlib._bootstrap>", line 1204, in _gcd_import',
        '  File "/usr/lib/python3.11/importlib/__init__.py", line 126, in import_module',
        "    return _bootstrap._gcd_import(name[level:], package, level)",
        "           ^^^^^^^^^^^^",
        '  File "/p/service.py", line 4, in <module>',
        "    load()",
        "RuntimeError: no weights",
    ]

    with pytest.raises(DeployerError) as caught:
        build(tmp_path, (1, "", "\n".join(frames)))

    assert caught.value.message.splitlines() == [
        f"`bentoml build` failed in {tmp_path}:",
        "  Traceback (most recent call last):",
        '    File "/p/service.py", line 4, in <module>',
        "      load()",
        "  RuntimeError: no weights",
    ]
    assert caught.value.log == tmp_path / "log"


def test_rich_boxes_and_bentomls_warnings_are_not_shown(tmp_path: Path) -> None:
    """A box as wide as the console that deployer asks for would fill the screen with what pads it."""
    printed = [
        "/v/unionml/services/bentoml.py:169: BentoMLDeprecationWarning: `bentoml.Runnable` is moved",
        "  runner: bentoml.Runnable,",
        "╭" + " Traceback (most recent call last) ".center(998, "─") + "╮",
        f"│ {'/p/service.py:4 in <module>'.ljust(996)} │",
        f"│ {'❱ 4 load()'.ljust(996)} │",
        "╰" + "─" * 998 + "╯",
        "RuntimeError: no weights",
    ]

    with pytest.raises(DeployerError) as caught:
        build(tmp_path, (1, "", "\n".join(printed)))

    assert caught.value.message.splitlines() == [
        f"`bentoml build` failed in {tmp_path}:",
        "  /p/service.py:4 in <module>",
        "  ❱ 4 load()",
        "  RuntimeError: no weights",
    ]
    assert caught.value.hint == "Correct the service or its bentofile.yaml; the lines above are its own."


def test_a_known_cause_stands_first_and_its_cure_is_the_hint(tmp_path: Path) -> None:
    """What BentoML said stays below it."""
    told = "Error: [bentos] `build` failed: no Models with name 'digits' exist in BentoML store /s/models"

    with pytest.raises(DeployerError) as caught:
        build(tmp_path, (1, "", told + "\n"))

    assert caught.value.message.splitlines() == [
        f"`bentoml build` failed in {tmp_path}: No model 'digits' is in the BentoML store /s/models.",
        f"  {told}",
    ]
    assert caught.value.hint.startswith("Run the project's training")


def test_a_swallowed_import_error_is_made_visible_by_importing_again(tmp_path: Path) -> None:
    """BentoML tells an ImportError without saying where it arose."""
    swallowed = "Error: `build` failed: Failed to import module \"pkg.service\": No module named 'x'\n"
    runner = StandInRunner(
        [(1, "", swallowed), (1, "", 'Traceback (most recent call last):\n  File "/p/s.py", line 2\n')]
    )

    with pytest.raises(DeployerError, match=r'File "/p/s\.py", line 2'):
        build_bento(tmp_path, python=PYTHON, runner=runner, variables={}, log=tmp_path / "log")

    assert runner.commands[1] == ("-c", "import importlib; importlib.import_module('pkg.service')")


def test_bentomls_own_words_are_shown_when_the_second_import_succeeds(tmp_path: Path) -> None:
    """What cannot be reproduced is told as BentoML told it."""
    swallowed = "Error: `build` failed: Failed to import module \"service\": No module named 'x'\n"

    with pytest.raises(DeployerError, match="Failed to import module"):
        build(tmp_path, (1, "", swallowed), (0, "", ""))


def test_a_project_that_is_no_folder_is_bad_input(tmp_path: Path) -> None:
    """A mistyped --build starts nothing."""
    with pytest.raises(BadInput, match="nowhere is not a folder"):
        build(tmp_path / "nowhere")
