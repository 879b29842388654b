"""Who may import whom: the order of docs/architecture.md, read from the import statements themselves."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "deployer"

VALUES = {
    *("clock", "directories", "drift", "errors", "files", "models", "near_miss", "policies", "releases", "results"),
    "templates",
}

# Each part, and the other parts that it may import. `deployer` itself is the version and nothing else.
MAY_IMPORT = {
    "clock": set(),
    "errors": set(),
    "models": set(),
    "releases": set(),
    "drift": set(),
    "results": {"models"},
    "policies": set(),
    "directories": set(),
    "files": set(),
    "near_miss": set(),
    "templates": {"errors"},
    "config": VALUES,
    "workspace": VALUES | {"config"},
    "tools": VALUES | {"config", "targets", "operator"},  # of operator its schema only: see below
    "image": VALUES | {"tools"},
    "targets": VALUES | {"tools"},
    "stages": VALUES | {"config", "tools", "targets"},  # of targets the environment's value
    "workflows": VALUES | {"config", "workspace", "tools", "targets", "stages", "toolbox"},
    "toolbox": VALUES | {"config", "workspace", "tools", "targets", "ui"},
    "ui": {"errors", "models", "results"},
    "ui_plan": {"models", "results", "ui"},
    "ui_release": {"models", "releases", "results", "ui"},
    "ui_drift": {"drift", "ui"},
    "ui_adopt": {"results"},
    "ui_policy": {"policies"},
    "ui_state": {"results"},
    "ui_push": set(),
    "ui_image": {"ui", "image"},  # of image the report's type
    "cli": VALUES
    | {
        "config",
        "workflows",
        "toolbox",
        "ui",
        "ui_push",
        "ui_image",
        "ui_plan",
        "ui_release",
        "ui_drift",
        "ui_policy",
        "ui_adopt",
        "ui_state",
        "image",
        "tools",
        "targets",
    },
    "local": VALUES | {"image", "tools"},
    "operator": set(),
    "runtime": set(),
    "__main__": {"cli"},
    "__init__": set(),
}
MAY_IMPORT_LOCAL = ("targets/local.py", "cli/local.py")

HEAVY = {
    *(
        "boto3",
        "botocore",
        "bentoctl",
        "bentoml",
        "docker",
        "filelock",
        "jinja2",
        "jsonschema",
        "moto",
        "pandas",
        "psutil",
    ),
    *("python_terraform", "requests", "rich", "urllib3", "uv", "werkzeug", "yaml"),
}

RUN_ELSEWHERE = ("operator", "runtime")  # in bentoctl's environment, and in the image
DISTRIBUTIONS = {"botocore": "boto3", "yaml": "pyyaml"}

FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def part_of(path: Path) -> str:
    """The folder under deployer/, or the module's name."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(nodes: list[ast.stmt] | Iterator[ast.AST], *, module: str) -> Iterator[str]:
    """The full names that import statements bring in; `from a import b` may name the module a.b."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = module.split(".")[: -node.level]
                base = ".".join([*above, base] if base else above)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts)


@cache
def all_imports(path: Path) -> set[str]:
    return set(imports(ast.walk(ast.parse(path.read_text(encoding="utf-8"))), module=module_of(path)))


def loaded_with(path: Path) -> set[str]:
    """What importing the module imports: neither what its functions import when called, nor what only types use."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return set(imports(_executed(tree.body), module=module_of(path)))


def _executed(body: list[ast.stmt]) -> Iterator[ast.AST]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
        yield from _executed(inner)


def own_file(name: str) -> Path | None:
    """The file of one of our modules."""
    parts = name.split(".")
    if parts[0] != "deployer":
        return None
    place = ROOT.joinpath(*parts)
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_module_imports_only_from_the_layers_below_it(path: Path) -> None:
    """An import that points upwards ties two parts into one."""
    part = part_of(path)
    used = {name.split(".")[1] for name in all_imports(path) if name.startswith("deployer.")}
    ours = {name for name in used if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").is_file()}
    allowed = MAY_IMPORT[part] | {part} | ({"local"} if name_of(path) in MAY_IMPORT_LOCAL else set())
    assert sorted(ours - allowed) == []


def test_every_part_has_its_place_in_the_order() -> None:
    """A new folder or module is put into the table above, and a lost one is taken out."""
    assert sorted(MAY_IMPORT) == sorted({part_of(path) for path in FILES})


def test_of_the_operator_only_its_schema_is_imported() -> None:
    """The rest of it runs in bentoctl's environment, where deployer is not."""
    users = [path for path in FILES if part_of(path) != "operator"]
    names = {name for path in users for name in all_imports(path) if name.startswith("deployer.operator")}
    schema = "deployer.operator.aws_lambda.operator_config"
    assert {name for name in names if not f"{name}.".startswith(f"{schema}.")} == set()


@pytest.mark.parametrize(
    ("tool", "home"),
    [
        ("boto3", {"tools/aws.py", "operator"}),
        ("python_terraform", {"tools/terraform_commands.py"}),
        ("bentoctl", {"operator"}),
        ("moto", {"local"}),
        ("docker", {"tools/registry_login.py", "operator"}),
        ("mangum", {"runtime"}),
        ("bentoml", {"operator", "runtime"}),
        ("subprocess", {"tools/process.py", "local", "operator"}),
        (
            "click",
            {
                *("cli", "ui.py", "ui_adopt.py", "ui_drift.py", "ui_image.py", "ui_plan.py", "ui_policy.py"),
                *("ui_push.py", "ui_release.py", "ui_state.py"),
            },
        ),
        ("rich", {"ui.py", "ui_drift.py", "ui_image.py", "ui_plan.py", "ui_push.py", "ui_release.py"}),
    ],
)
def test_an_outside_thing_has_one_door(tool: str, home: set[str]) -> None:
    """A change of the tool is a change of one place."""
    users = {name_of(path) for path in FILES if tool in {name.split(".")[0] for name in all_imports(path)}}
    assert sorted(name for name in users if name not in home and name.split("/")[0] not in home) == []


def test_every_package_that_is_imported_is_declared() -> None:
    """What another dependency happens to bring may be gone with its next release."""
    tomllib = pytest.importorskip("tomllib", reason="tomllib comes with Python 3.11")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[^a-z0-9-]", name, maxsplit=1)[0].replace("-", "_") for name in project["dependencies"]}
    ours = [path for path in FILES if part_of(path) not in RUN_ELSEWHERE]
    used = {name.split(".")[0] for path in ours for name in all_imports(path)} - sys.stdlib_module_names
    assert sorted({DISTRIBUTIONS.get(name, name) for name in used} - declared - {"deployer"}) == []


def test_starting_the_command_line_loads_nothing_heavy() -> None:
    """`deployer --help` answers in a fifth of a second, and so does the help of each command."""
    seen: set[Path] = set()
    waiting = sorted((PACKAGE / "cli").glob("*.py"))
    heavy: dict[str, set[str]] = {}
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        names = loaded_with(path)
        found = {name.split(".")[0] for name in names} & HEAVY
        if found:
            heavy[name_of(path)] = found
        waiting += [file for file in map(own_file, names) if file is not None]
    assert heavy == {}
    assert PACKAGE / "cli" / "__init__.py" in seen
    assert PACKAGE / "errors.py" in seen
