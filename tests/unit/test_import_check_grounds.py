"""Where an image's service is imported, and what is said where that cannot be."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path

import pytest
from stand_in_runner import Answer, Asked, StandInRunner

from deployer.errors import DeployerError
from deployer.image import archive, manifest
from deployer.image.archive import Tree
from deployer.image.import_check import ImportCheck
from deployer.image.import_check.placeholders import PLACEHOLDER
from deployer.image.import_check.report import MARK
from deployer.image.layer_cache import BlobCache
from deployer.image.manifest import TitledBlob

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
HERE = ARCHITECTURES.get(platform.machine(), platform.machine())
OK = json.dumps({"python": "3.11", "part": "service", "errors": []})
INTERPRETER = json.dumps(["/pythons/3.11/bin/python3.11", "/pythons/3.11", "3.11.7"])

Layouts = Callable[..., Path]


def machine(*, sandbox: bool = True, python: bool = True, report: str = OK) -> StandInRunner:
    """A machine with or without user namespaces and a Python 3.11, on which every import ends with `report`."""

    def program(asked: Asked) -> Answer:
        words = " ".join(asked.argv)
        if "import_check" in words:
            return 0, f"{MARK}{report}\n"
        if "python find" in words:
            return (0, "/pythons/python3.11\n") if python else (2, "", "No interpreter found")
        if "sandbox.sh" in words:
            return (0, "") if sandbox else (1, "", "unshare: Operation not permitted")
        return 0, INTERPRETER

    return StandInRunner(program=program)


@pytest.fixture
def layout(tmp_path: Path) -> Layouts:
    """Writes the layout of an image whose layers have one file each."""
    cache = BlobCache(tmp_path / "blobs")

    def write(*, architecture: str = HERE, base: str = "", python: str = "3.11", model: str = "1") -> Path:
        texts = {"dependencies": "d", "model m": model, "service": "s", "handler": "h"}
        layers = []
        for title, text in (({"base": "b"} if base else {}) | texts).items():
            folder = tmp_path / "layers" / title / text
            folder.mkdir(parents=True, exist_ok=True)
            (folder / title).write_text(text, "utf-8")
            tree = Tree(folder, "opt")
            blob, _ = cache.get(archive.fingerprint(tree), lambda writer, tree=tree: archive.write(tree, writer.write))
            layers.append(TitledBlob(title, blob))
        labels = {"deployer.python": python, **({"org.opencontainers.image.base.name": base} if base else {})}
        config = json.loads(manifest.configuration(layers, architecture=architecture, environment={}, labels=labels))
        if base:
            config["history"][0]["created_by"] = "its own maker"
        content = json.dumps(config).encode()
        manifest.write_layout(
            tmp_path / "layout",
            config=content,
            manifest=manifest.manifest(content, layers),
            architecture=architecture,
            blobs=[cache.path(layer.blob.digest) for layer in layers],
            resolved="",
        )
        return tmp_path / "layout"

    return write


def checked(folder: Path, runner: StandInRunner, cache: Path, *secrets: str) -> list[str]:
    said: list[str] = []
    ImportCheck(runner, {"SECRET": "of the user"}, cache, said.append, secrets=secrets).check(folder)
    return said


def imports(runner: StandInRunner) -> list[Asked]:
    return [asked for asked in runner.asked if "deployer_runtime.import_check" in asked.argv]


def test_the_import_is_read_only_without_network_and_without_the_users_variables(
    layout: Layouts, tmp_path: Path
) -> None:
    """The image's variables lead to where it is unpacked; /tmp is the sandbox's."""
    runner = machine()
    checked(layout(), runner, tmp_path / "cache")
    (asked,) = imports(runner)
    assert "--net" in asked.argv
    assert "SECRET" not in asked.env
    assert asked.env["HOME"] == "/tmp"  # noqa: S108
    assert ("/pythons/3.11/bin/python3.11", "-S", "-s", "-m") == asked.argv[-6:-2]


def test_with_a_base_image_its_own_python_runs_in_its_own_system(layout: Layouts, tmp_path: Path) -> None:
    """No interpreter of this machine is looked for."""
    runner = machine(python=False)
    said = checked(layout(base="slim:1"), runner, tmp_path / "cache")
    (asked,) = imports(runner)
    (shown,) = [word for word in asked.argv if word.startswith("/=")]
    assert (Path(shown[2:]) / "opt" / "base").read_text("utf-8") == "b"
    assert ("python3", "-m") == asked.argv[-4:-2]
    assert asked.env["PYTHONPATH"] == "/opt/python:/opt/deployer"
    assert said[-1].startswith("import check: ok (")


@pytest.mark.parametrize(
    ("image", "runner", "reason"),
    [
        ({"architecture": "riscv64"}, machine(), "the image is for riscv64, this machine is"),
        ({"python": "3.99"}, machine(python=False), "no Python 3.99 on this machine"),
        ({"python": ""}, machine(), "does not say which Python"),
    ],
)
def test_what_this_machine_cannot_try_is_said_and_not_failed(
    layout: Layouts, tmp_path: Path, image: dict[str, str], runner: StandInRunner, reason: str
) -> None:
    """Nothing is unpacked for it either."""
    (said,) = checked(layout(**image), runner, tmp_path / "cache")
    assert said.startswith("import check: not possible: ")
    assert reason in said
    assert not (tmp_path / "cache" / "local").exists()


def test_without_a_sandbox_a_plain_process_is_used_and_said(layout: Layouts, tmp_path: Path) -> None:
    """With a /tmp of its own, gone afterwards; a later success in a sandbox is not taken for it."""
    runner = machine(sandbox=False)
    first, second = checked(layout(), runner, tmp_path / "cache")
    (asked,) = imports(runner)
    assert first.startswith("import check: without a sandbox, for user namespaces are not allowed here")
    assert second.startswith("import check: ok")
    assert not Path(asked.env["TMPDIR"]).exists()
    assert "cached" not in checked(layout(), machine(), tmp_path / "cache")[-1]


def test_a_success_is_kept_but_no_failure(layout: Layouts, tmp_path: Path) -> None:
    """Another model does not change the outcome."""
    cache = tmp_path / "cache"
    error = {"type": "ValueError", "package": "builtins", "message": "seven"}
    failing = machine(report=json.dumps({"python": "3.11", "part": "service", "errors": [error]}))
    for _ in range(2):
        with pytest.raises(DeployerError, match="ValueError: seven"):
            checked(layout(), failing, cache)
    runner = machine()
    assert checked(layout(), runner, cache)[-1].startswith("import check: ok (0")
    assert ["import check: ok (cached)"] == checked(layout(model="2"), runner, cache)
    assert len(imports(runner)) == 1


@pytest.mark.parametrize("based", [False, True], ids=["this machine's Python", "the image's"])
def test_each_secret_of_the_function_is_a_placeholder(layout: Layouts, tmp_path: Path, based: bool) -> None:
    """A service may read it when it is imported. What passed with one is tried again without it."""
    runner, image = machine(), layout(base="slim:1" if based else "")
    checked(image, runner, tmp_path / "cache", "PASSWORD", "API_KEY")
    checked(image, runner, tmp_path / "cache", "API_KEY", "PASSWORD")
    checked(image, runner, tmp_path / "cache")
    first, second = imports(runner)
    assert (first.env["PASSWORD"], first.env["API_KEY"]) == (PLACEHOLDER, PLACEHOLDER)
    assert not {"PASSWORD", "API_KEY"} & second.env.keys()


@pytest.mark.parametrize(
    ("message", "place"),
    [
        (f"invalid literal for int(): '{PLACEHOLDER}'", "service.py, line 3: PORT = int(port)"),
        ("Expecting value: line 1", 'service.py, line 3: KEYS = json.loads(os.environ["API_KEYS"])'),
    ],
    ids=["by the message", "by the line"],
)
def test_what_a_placeholder_is_to_blame_for_is_said_and_not_failed(
    layout: Layouts, tmp_path: Path, message: str, place: str
) -> None:
    """The function has the value. Without such a secret, or for another reason, it is a failure as ever."""

    def failing(**more: str) -> StandInRunner:
        error = {"type": "ValueError", "package": "builtins", "message": message, "place": place, **more}
        return machine(report=json.dumps({"python": "3.11", "part": "service", "errors": [error]}))

    cache = tmp_path / "cache"
    (said,) = checked(layout(), failing(), cache, "API_KEYS")
    assert said == (
        "import check: not finished: a secret is a placeholder here, and the service needs its value when it is"
        f" imported: ValueError ({place})"
    )
    with pytest.raises(DeployerError, match="cannot be imported: ValueError: seven"):
        checked(layout(), failing(message="seven", place="service.py, line 9: x = int(y)"), cache, "API_KEYS")
    if PLACEHOLDER not in message:
        with pytest.raises(DeployerError, match="cannot be imported: ValueError: Expecting"):
            checked(layout(), failing(), cache)


def test_what_no_check_has_used_for_long_is_removed(layout: Layouts, tmp_path: Path) -> None:
    """Unpacked images are large, and on a machine that only deploys to AWS nothing else ever looks at them."""
    old = tmp_path / "cache" / "local" / "layers" / "old"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    checked(layout(), machine(), tmp_path / "cache")
    assert not list(old.parent.glob("*old*"))
    assert len(list(old.parent.iterdir())) == 4
