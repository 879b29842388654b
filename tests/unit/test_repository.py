"""Rules for the repository's own files: what may not be in them, and what must."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployer.config import DeploymentConfig, load_config
from deployer.config.schema import SCHEMA

ROOT = Path(__file__).parents[2]
NOT_OURS = {"build", "dist"}
MODULES = sorted(ROOT.glob("deployer/**/*.py"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
LOCKS = sorted([*ROOT.glob("*.lock"), *ROOT.glob("deployer/locks/*.txt")])
CONFIGS = sorted((ROOT / "deployment_configs").glob("*.yaml"))

# A requirement with its hashes, a comment, or nothing: no index, no link, no option of pip's.
LOCK_LINE = re.compile(r"([a-zA-Z0-9._-]+==[^ ]+( ; [^/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|\s*#.*|)")


def tracked() -> Iterator[Path]:
    """Every file but those of hidden folders and caches; git itself is not asked."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or not (name.startswith(".") or name in NOT_OURS)]
        folders[:] = [name for name in folders if name != "__pycache__" and not name.endswith(".egg-info")]
        yield from (Path(folder) / name for name in files)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_two_test_files_share_a_name() -> None:
    """pytest imports them by it, and collects one of the two only where no other is imported."""
    names = [path.name for path in ROOT.glob("tests/**/test_*.py")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_and_says_its_rule(path: Path) -> None:
    """At most 250 lines, and a docstring first: a longer one is missing a noun."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 250
    assert text == "" or text.startswith('"""')


@pytest.mark.parametrize("path", DECISIONS, ids=name_of)
def test_a_decision_record_is_short(path: Path) -> None:
    """At most 30 lines, under its number: context, decision, cost."""
    text = path.read_text(encoding="utf-8")
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)
    assert len(text.splitlines()) <= 30
    assert text.startswith("# ")
    for part in ("context", "decision", "cost"):
        assert part in text.lower()


def test_decision_records_have_numbers_of_their_own() -> None:
    """A number names one record."""
    numbers = [path.name[:4] for path in DECISIONS]
    assert sorted(set(numbers)) == numbers


@pytest.mark.parametrize("path", LOCKS, ids=name_of)
def test_a_lock_holds_versions_and_hashes_and_no_address(path: Path) -> None:
    """It installs from whatever index the user has, and only what was locked."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not LOCK_LINE.fullmatch(line)] == []
    pinned = [number for number, line in enumerate(lines) if "==" in line and not line.lstrip().startswith("#")]
    assert pinned != []
    assert [lines[number] for number in pinned if "--hash=sha256:" not in lines[number + 1]] == []


def test_the_lock_has_what_pyproject_asks_for() -> None:
    """A dependency that is added without `make lock` is found here and not on the next machine."""
    tomllib = pytest.importorskip("tomllib", reason="tomllib comes with Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = {
        "requirements-dev.lock": [*project["project"]["dependencies"], *groups["dev"], *groups["example"]],
        "deployer/locks/bentoctl.txt": groups["bentoctl"],
    }
    for lock, requirements in asked.items():
        pinned = {_normal(line.partition("==")[0]) for line in (ROOT / lock).read_text(encoding="utf-8").splitlines()}
        names = {_normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]) for requirement in requirements}
        assert sorted(names - pinned) == []


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip().lower())


def test_no_terraform_lock_state_or_environment_is_kept() -> None:
    """The provider's hashes are those of the machine that initialises, and state may hold secrets."""
    forbidden = re.compile(r"\.terraform\.lock\.hcl|.*\.tfstate.*|.*\.tfplan|\.env")
    assert [name_of(path) for path in tracked() if forbidden.fullmatch(path.name)] == []


def test_no_file_names_a_place_of_one_machine() -> None:
    """A path of somebody's home works on that machine only."""
    places = re.compile(rb"/(?:root/[.a-z]|home/[a-z]+/\.)")
    assert [name_of(path) for path in tracked() if places.search(path.read_bytes())] == []


@pytest.mark.parametrize(("document", "least"), [("CONTRIBUTING.md", 20), ("docs/architecture.md", 12)])
def test_a_guide_names_places_that_are_there(document: str, least: int) -> None:
    """A table of where things are is worth what its paths are."""
    text = (ROOT / document).read_text(encoding="utf-8")
    places = re.findall(r"`((?:deployer|deployment_configs|docs|terraform_templates|tests)/[^`*< ]*)`", text)
    assert len(places) > least
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_architecture_says_what_each_module_of_the_local_aws_is_for() -> None:
    """The folder has many: nobody should have to open them all to find one."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    modules = {path.stem for path in (ROOT / "deployer" / "local").glob("*.py")} - {"__init__", "__main__"}
    assert sorted(name for name in modules if f"`{name}`" not in text) == []


COMMENTED_OUT = {("spec", "role")}  # it stands for the role that spec.permission_boundary bounds


def test_the_reference_shows_every_key() -> None:
    """A key of the schema that nobody can read about does not exist for users."""
    text = (ROOT / "deployment_configs" / "reference.yaml").read_text(encoding="utf-8")
    shown = {keys for keys, _ in _written(text)}
    assert set(_keys(SCHEMA, ())) - shown == COMMENTED_OUT
    assert all(f"\n  # {keys[-1]}: " in text for keys in COMMENTED_OUT)


def test_the_reference_explains_every_key() -> None:
    """Each key below the top level has a comment right above it."""
    text = (ROOT / "deployment_configs" / "reference.yaml").read_text(encoding="utf-8")
    known = set(_keys(SCHEMA, ())) - {("operator", "name")}
    assert [keys for keys, commented in _written(text) if keys in known and not commented] == []


def test_the_reference_is_a_config() -> None:
    """Every field of the dataclasses is set by it, so no key is lost between the schema and the values."""
    config = load_config(ROOT / "deployment_configs" / "reference.yaml")
    plain = dataclasses.asdict(config)
    chosen = {"notes", "environment"}  # by how the config was found, and on the command line
    assert [key for key, value in plain.items() if value in (None, "", {}) and key not in chosen] == []
    for section in ("spec", "smoke_test", "terraform"):
        unset = {(section, key) for key, value in plain[section].items() if value in (None, "", {})}
        assert unset - COMMENTED_OUT == set()
        assert set(plain[section]) == {keys[1] for keys in _keys(SCHEMA, ()) if keys[0] == section and len(keys) == 2}


def test_the_reference_states_the_real_defaults() -> None:
    """`Default: 60` in a comment is what a config without the key gets."""
    text = (ROOT / "deployment_configs" / "reference.yaml").read_text(encoding="utf-8")
    defaults = DeploymentConfig(name="x")
    spec, smoke = dataclasses.asdict(defaults.spec), dataclasses.asdict(defaults.smoke_test)
    expected = {
        **{f"spec.{key}": str(spec[key]) for key in ("region", "timeout", "memory_size", "ephemeral_storage")},
        **{f"spec.{key}": str(spec[key]) for key in ("auth", "invoke_mode", "log_retention_days")},
        "spec.documentation": str(spec["documentation"]).lower(),
        "target": defaults.target,
        "smoke_test.timeout": str(smoke["timeout"]),
    }
    stated = {key: default for key, default in _defaults(text).items() if key in expected}
    assert expected == stated


@pytest.mark.parametrize("path", CONFIGS, ids=name_of)
def test_a_config_of_the_repository_is_valid(path: Path) -> None:
    """And the samples that it names are there."""
    config = load_config(path)
    assert config.smoke_test.samples is None or config.smoke_test.samples.is_file()


def _keys(schema: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, inner in schema.get("properties", {}).items():
        yield (*above, key)
        yield from _keys(inner, (*above, key))


def _written(text: str) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The key paths of a file, and whether a comment stands right above each; the first two levels need one."""
    above: list[str] = []
    before = ""
    for line in text.splitlines():
        key = re.match(r"( *)([a-z_0-9]+):", line)
        if key:
            depth = len(key[1]) // 2
            above[depth:] = [key[2]]
            yield tuple(above), before.lstrip().startswith("#") or depth > 1
        before = line


def _defaults(text: str) -> dict[str, str]:
    """`Default: VALUE` of the comment above each key."""
    found: dict[str, str] = {}
    section, default = "", ""
    for line in text.splitlines():
        stated = re.search(r"# (?:.*)Default: (\S+)$", line)
        key = re.match(r"( {0,2})([a-z_]+):", line)
        if stated:
            default = stated[1]
        if key:
            section = section if key[1] else key[2]
            found[f"{section}.{key[2]}" if key[1] else key[2]] = default
            default = ""
    return found


def test_the_rules_of_aws_name_files_and_tests_that_are_there() -> None:
    """Each row has its four cells; whatever it names as code is a file, and after `::` a test in it."""
    rows = [line for line in (ROOT / "docs" / "aws-rules.md").read_text(encoding="utf-8").splitlines() if "|" in line]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row for row, of_row in zip(rows, cells, strict=True) if len(of_row) != 4 or not all(of_row)] == []
    named = [name for row in rows for name in re.findall(r"`((?:deployer|terraform_templates|tests)/[^`]+)`", row)]
    assert len(named) > len(rows)
    missing = [name for name in named if not (ROOT / name.partition("::")[0]).exists()]
    assert missing == []
    tests = [name.partition("::")[::2] for name in named if "::" in name]
    assert [(file, test) for file, test in tests if f"def {test}(" not in (ROOT / file).read_text("utf-8")] == []
