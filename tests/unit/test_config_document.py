"""What is told when a config file is no YAML mapping at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.config import load_config
from deployer.errors import BadInput


def refused(path: Path) -> BadInput:
    with pytest.raises(BadInput) as refusal:
        load_config(path)
    return refusal.value


def test_malformed_yaml_is_told_with_line_column_and_the_line_itself(tmp_path: Path) -> None:
    """The place is pointed at, so that nobody has to count lines."""
    path = tmp_path / "bad.yaml"
    path.write_text("api_version: v1\nspec:\n  region: us-east-1\n  timeout: 30: 5\n", encoding="utf-8")
    told = (
        f"{path} is not valid YAML: line 4, column 14: mapping values are not allowed here.\n"
        "    4 |   timeout: 30: 5\n"
        "                     ^"
    )
    assert told == refused(path).message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 'open\n", "is not valid YAML: line 2, column 1: found unexpected end of stream."),
        ("a: [1, 2\nb: 3\n", "is not valid YAML: line 2, column 2: expected ',' or ']', but got ':'."),
        ("a: 1\n\tb: 2\n", "is not valid YAML: line 2, column 1: found character '\\t' that cannot start any token."),
        ("a: *nowhere\n", "is not valid YAML: line 1, column 4: found undefined alias 'nowhere'."),
        ("a: !!python/object:os.system x\n", "could not determine a constructor for the tag"),
        ("a: 1\n---\nb: 2\n", "is not valid YAML: line 2, column 1: but found another document."),
        ("? [a, b]\n: c\n", "is not valid YAML: line 1, column 3: a key must be plain text."),
        ("a: &a [*a]\n", "is not valid YAML: line 1, column 4: an alias refers to the value that it stands in."),
        ("a: !!int x\n", "holds a value that YAML cannot read"),
        ("- a\n- b\n", "holds no mapping of keys to values."),
        ("just text\n", "holds no mapping of keys to values."),
        ("", "is empty."),
        ("# only a comment\n", "is empty."),
        ("---\n...\n", "is empty."),
        ("a: \x1b[31m\n", "holds the character U+001B in line 1, which YAML forbids."),
        ("[" * 600, "is nested too deep."),
    ],
)
def test_a_file_that_is_no_mapping_is_told_as_what_it_is(tmp_path: Path, text: str, told: str) -> None:
    """Each is a BadInput that names the file; no traceback of the parser reaches the user."""
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    message = refused(path).message
    assert message.startswith(f"{path} ")
    assert told in message


def test_a_repeated_key_is_refused_at_its_second_place(tmp_path: Path) -> None:
    """YAML parsers take the last one silently, and the user believes in the first."""
    path = tmp_path / "bad.yaml"
    text = "api_version: v1\nname: a1\noperator: {name: aws-lambda}\ntemplate: terraform\nname: b1\n"
    path.write_text(text, encoding="utf-8")
    assert f"{path} has a problem:\n  name (line 5): this key is there more than once." == refused(path).message


def test_bytes_that_are_not_utf8_are_told_with_their_line(tmp_path: Path) -> None:
    """A file of another encoding would arrive with other characters than were typed."""
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"api_version: v1\nname: gr\xfc\xdfe\n")
    assert f"{path} is not UTF-8: line 2 holds the byte 0xfc." == refused(path).message


def test_a_file_that_cannot_be_read_is_told_why(tmp_path: Path) -> None:
    """Missing, or a folder."""
    missing = tmp_path / "missing.yaml"
    assert f"{missing} cannot be read: No such file or directory." == refused(missing).message
    assert f"{tmp_path} cannot be read: Is a directory." == refused(tmp_path).message
