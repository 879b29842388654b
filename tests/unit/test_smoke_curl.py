"""The printed curl line, word by word."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from deployer.stages.curl import curl_command

URL = "http://127.0.0.1:4000/predict"


def test_the_line_as_it_is_printed(tmp_path: Path) -> None:
    """One line that begins with curl, the data relative to the folder."""
    line = curl_command(URL, samples=tmp_path / "data/sample.json", cwd=tmp_path)
    assert line == (
        "curl -sS -H 'Content-Type: application/json' --data-binary @data/sample.json http://127.0.0.1:4000/predict"
    )


@pytest.mark.parametrize("name", ["with space.json", "it's.json", "$(touch x).json", "ünïcode.json", "a;b&c.json"])
def test_any_file_name_stays_one_word(tmp_path: Path, name: str) -> None:
    """Whatever the file is called, the shell hands it over as it is and runs nothing."""
    line = curl_command(URL, samples=tmp_path / name, cwd=tmp_path / "elsewhere")
    assert f"@../{name}" in shlex.split(line)
    assert "\n" not in line
