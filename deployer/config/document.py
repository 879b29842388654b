"""A YAML file as a mapping that remembers its lines. What the keys mean is not known here.

YAML as bentoctl reads it (PyYAML, YAML 1.1) with three differences that keep what the user wrote: keys are always text
(`ON` is not true), dates stay text, and a key that is there twice is a problem instead of the last one winning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deployer.errors import BadInput

TIMESTAMP = "tag:yaml.org,2002:timestamp"
TEXT = "tag:yaml.org,2002:str"
MERGE = "tag:yaml.org,2002:merge"
NULL = "tag:yaml.org,2002:null"

Keys = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """The values of a file, the nodes they came from, and the keys that are there more than once."""

    path: Path
    values: dict[str, Any]
    root: yaml.MappingNode
    repeated: tuple[Keys, ...] = ()

    def line(self, keys: Sequence[str | int]) -> int | None:
        """The line, from 1, of a key path or of the deepest part of it that is there."""
        line: int | None = None
        node: yaml.Node = self.root
        for key in keys:
            found = _child(node, key)
            if found is None:
                break
            name, node = found
            line = name.start_mark.line + 1
        return line

    def depth(self, keys: Sequence[str | int]) -> int:
        """How many keys of a path are there, from its beginning."""
        node: yaml.Node = self.root
        for depth, key in enumerate(keys):
            found = _child(node, key)
            if found is None:
                return depth
            node = found[1]
        return len(keys)

    def text(self, keys: Sequence[str | int]) -> str | None:
        """A scalar as the user wrote it, None where the path leads to none."""
        node: yaml.Node | None = self.root
        for key in keys:
            found = _child(node, key)
            node = found[1] if found else None
        return node.value if isinstance(node, yaml.ScalarNode) else None


def read_document(path: Path) -> Document:
    """Read and parse. Raises BadInput naming the file, line and column, with the line itself."""
    text = _text(path)
    loader = _loader(path, text)
    try:
        root = loader.get_single_node()
        if root is None or root.tag == NULL:
            raise BadInput(f"{path} is empty.", hint="deployment_configs/reference.yaml shows every key.")
        if not isinstance(root, yaml.MappingNode):
            raise BadInput(f"{path} holds no mapping of keys to values.", hint="It must begin with `api_version: v1`.")
        repeated = tuple(_normalise(root, (), []))
        return Document(path, loader.construct_document(root), root, repeated)
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(path, text, error) from None
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{path} holds a value that YAML cannot read: {error}.", hint="Quote the value.") from None
    except RecursionError:
        raise BadInput(f"{path} is nested too deep.") from None
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without dates among its guesses at what a plain scalar means."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in guesses if tag != TIMESTAMP]
    for first, guesses in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadInput(f"{path} is not UTF-8: line {line} holds the byte 0x{data[error.start]:02x}.") from None


def _loader(path: Path, text: str) -> _Loader:
    try:
        return _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"{path} holds the character U+{ord(text[error.position]):04X} in line {line}, which YAML forbids."
        raise BadInput(problem, hint='Inside double quotes it can be written as an escape, such as "\\x1b".') from None


def _syntax_error(path: Path, text: str, error: yaml.MarkedYAMLError) -> BadInput:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or error.context or "it cannot be parsed"
    if mark is None:
        return BadInput(f"{path} is not valid YAML: {problem}.")
    lines = text.splitlines()
    source = lines[mark.line] if mark.line < len(lines) else ""
    prefix = f"{mark.line + 1:>5} | "
    pointer = " " * (len(prefix) + mark.column) + "^"
    return BadInput(
        f"{path} is not valid YAML: line {mark.line + 1}, column {mark.column + 1}: {problem}.\n"
        f"{prefix}{source}\n{pointer}"
    )


def _normalise(node: yaml.Node, keys: Keys, above: list[yaml.Node]) -> Iterator[Keys]:
    """Make every key text and yield the paths of repeated keys. Raises a YAML error for an alias of itself."""
    if any(node is parent for parent in above):
        raise yaml.MarkedYAMLError(
            problem="an alias refers to the value that it stands in", problem_mark=node.start_mark
        )
    above = [*above, node]
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _normalise(item, (*keys, index), above)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = _key_name(key)
            if name in seen:
                yield (*keys, name)
            seen.add(name)
            yield from _normalise(value, (*keys, name), above)


def _key_name(key: yaml.Node) -> str:
    if not isinstance(key, yaml.ScalarNode):
        raise yaml.MarkedYAMLError(problem="a key must be plain text", problem_mark=key.start_mark)
    if key.tag != MERGE:
        key.tag = TEXT
    return str(key.value)


def _child(node: yaml.Node | None, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """The node of a key and of its value; the last where a key is repeated; merged mappings are searched too."""
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((pair for pair in reversed(node.value) if pair[0].value == key), None)
