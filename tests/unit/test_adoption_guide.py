"""The guide's config can be loaded, and its commands can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from deployer.cli.adopt import adopt
from deployer.cli.up import up
from deployer.config import load_config

GUIDE = (Path(__file__).parents[2] / "docs" / "adoption.md").read_text(encoding="utf-8")
LINES = re.findall(r"^ *deployer (adopt|up) (.*)$|`deployer (adopt|up) ([^`]*)`", GUIDE, re.MULTILINE)
COMMANDS = [(first or third, second or fourth) for first, second, third, fourth in LINES]


def block(kind: str) -> str:
    """The first code block of that kind, without its indentation."""
    found = re.search(rf"^( *)```{kind}\n(.*?)^ *```", GUIDE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return re.sub(rf"^{found[1]}", "", found[2], flags=re.MULTILINE)


def test_the_config_of_the_guide_is_one(tmp_path: Path) -> None:
    """And is named as the function is."""
    (tmp_path / "iris.yaml").write_text(block("yaml"))
    config = load_config(tmp_path / "iris.yaml")
    assert ("iris-function", "aws", "none") == (config.name, config.target, config.spec.auth)


def test_the_guide_has_each_way() -> None:
    """Take over, `up`, finish; or remove."""
    said = [(command, words.rpartition(" --")[2]) for command, words in COMMANDS]
    assert [] == [way for way in (("adopt", "finish"), ("adopt", "remove")) if way not in said]
    assert "up" in {command for command, _ in said}


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_a_command_of_the_guide_can_be_typed(command: str, words: str) -> None:
    """Its options are there; files and folders are the reader's."""
    names = [word for word in shlex.split(words) if word.startswith("-")]
    known = {option for parameter in (adopt if command == "adopt" else up).params for option in parameter.opts}
    assert set() == set(names) - known
