"""The builder with the real uv and the real interpreter, from a Bento folder to files that Python runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny_bento
from loopback_registry import serving
from stand_in_runner import Answer, Asked, StandInRunner

from deployer.errors import DeployerError
from deployer.image.build import Builder, BuiltImage
from deployer.image.layer_cache import BlobCache
from deployer.image.package_index import PackageIndex
from deployer.image.requirements import Requirements
from deployer.image.unpack import unpack
from deployer.tools.oci_layout import Layout, read_layout
from deployer.tools.process import Processes, Runner
from deployer.tools.python_interpreter import find_uv


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> BlobCache:
    return BlobCache(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def bento(tmp_path: Path) -> Path:
    return tiny_bento.write(tmp_path / "bento")


def build(
    bento: Path, layout: Path, cache: BlobCache, *, runner: Runner | None = None, machine: str = ""
) -> tuple[BuiltImage, list[str]]:
    said: list[str] = []
    builder = Builder(runner or Processes(), os.environ, cache, said.append, machine=machine)
    return builder.build(bento, layout=layout), said


def config_of(layout: Layout) -> Any:
    return json.loads(layout.path(layout.blobs[-1]).read_bytes())


def test_one_bento_gives_one_digest_in_any_folder_with_any_cache(bento: Path, tmp_path: Path, cache: BlobCache) -> None:
    """Neither the place of the Bento, nor the cache, nor what was built before shows in the digest."""
    first, _ = build(bento, tmp_path / "first", cache)
    moved = tmp_path / "a" / "path with spaces" / "bento"
    shutil.copytree(bento, moved)
    second, said = build(moved, tmp_path / "second", BlobCache(tmp_path / "empty cache"))
    assert first == second
    assert not any("cached" in line for line in said)


def test_a_second_build_makes_nothing(bento: Path, tmp_path: Path, cache: BlobCache) -> None:
    """Every layer is found, and the image is the same."""
    first, _ = build(bento, tmp_path / "layout", cache)
    second, said = build(bento, tmp_path / "layout", cache)
    assert first == second
    assert [line for line in said if "cached" not in line] == []


@pytest.mark.parametrize(
    ("change", "layer"),
    [("models/m/1/weights.bin", "model m"), ("src/service.py", "service"), ("bento.yaml", "service")],
)
def test_a_change_makes_its_own_layer_alone(
    bento: Path, tmp_path: Path, cache: BlobCache, *, change: str, layer: str
) -> None:
    """New weights or new code leave the dependencies as they are."""
    before, _ = build(bento, tmp_path / "layout", cache)
    with (bento / change).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    after, _ = build(bento, tmp_path / "layout", cache)
    pairs = zip(before.layers, after.layers, strict=True)
    assert [new.title for old, new in pairs if old != new] == [layer]
    assert before.digest != after.digest


def test_the_layers_hold_what_lambda_runs(bento: Path, tmp_path: Path, cache: BlobCache) -> None:
    """Unpacked, an interpreter imports the packages and the handler's own from bytecode made at build time."""
    build(bento, tmp_path / "layout", cache)
    layout = read_layout(tmp_path / "layout")
    root = tmp_path / "root"
    unpack([layout.path(blob) for blob in layout.blobs[:-1]], root)
    assert [blob.title for blob in layout.blobs] == ["dependencies", "model m", "service", "handler", "configuration"]
    assert (root / "home/bentoml/bento/models/m/1/weights.bin").read_bytes() == b"weights"
    assert (root / "home/bentoml/bento/models/m/latest").read_text("utf-8") == "1"
    assert (root / "opt/python/bin/tiny").read_text("utf-8").startswith("#!/usr/bin/env python3\n")
    assert not (root / "opt/python/tiny/tests/__pycache__").exists()
    script = (
        "import pathlib, tiny, awslambdaric, mangum, deployer_runtime, json;"
        "modules = (tiny, awslambdaric, mangum, deployer_runtime);"
        "print(json.dumps([tiny.value(), *(pathlib.Path(m.__cached__).is_file() for m in modules)]))"
    )
    places = f"{root}/opt/python:{root}/opt/deployer"
    shown = subprocess.run(
        [sys.executable, "-S", "-B", "-c", script],
        env={"PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert json.loads(shown.stdout) == [42, True, True, True, True]


def test_the_image_says_what_it_is(bento: Path, tmp_path: Path, cache: BlobCache) -> None:
    """Labels carry the Bento, the Python and the patch release whose bytecode is inside; no index, no attestation."""
    build(bento, tmp_path / "layout", cache, machine="aarch64")
    config = config_of(read_layout(tmp_path / "layout"))
    labels = config["config"]["Labels"]
    assert labels["deployer.bento"] == "tiny:v1"
    assert labels["deployer.python"] == tiny_bento.PYTHON
    assert labels["deployer.python.build"].startswith(f"{tiny_bento.PYTHON}.")
    assert labels["com.amazonaws.lambda.feature.snapstart"] == "Allow"
    assert config["architecture"] == "arm64"
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == 4


@pytest.mark.parametrize("named_in", ["variable", "configuration"])
def test_uv_tells_which_index_the_user_has_chosen(tmp_path: Path, named_in: str) -> None:
    """The real uv: its default is recognised, and a mirror in a variable or in uv's own configuration file wins."""
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    said: list[str] = []
    index = PackageIndex(find_uv(), Processes(), variables, said.append)
    private = Requirements(("x",), index_url="https://private.example/simple")
    assert index.options(private, cwd=tmp_path) == ["--default-index", private.index_url]
    if named_in == "variable":
        index = replace(index, variables={**variables, "PIP_INDEX_URL": "https://mine.example/simple"})
    else:
        (tmp_path / "config" / "uv").mkdir(parents=True)
        (tmp_path / "config" / "uv" / "uv.toml").write_text('index-url = "https://mine.example/simple"\n', "utf-8")
    assert index.options(private, cwd=tmp_path) == []
    assert said[-1] == "package index private.example of the Bento: your own is used instead"


def no_interpreter(asked: Asked) -> Answer:
    """A host whose uv finds no Python of the version asked for."""
    if asked.argv[1:3] == ("python", "find"):
        return 2, "", "error: No interpreter found"
    ended = Processes().run(asked.argv, env=asked.env, cwd=asked.cwd, timeout=asked.timeout, log=asked.log)
    return ended.returncode, ended.stdout, ended.stderr


def test_without_an_interpreter_the_image_has_no_bytecode_and_says_so(
    bento: Path, tmp_path: Path, cache: BlobCache
) -> None:
    """The missing version is named, and no label claims a build."""
    _, said = build(bento, tmp_path / "layout", cache, runner=StandInRunner(program=no_interpreter))
    layout = read_layout(tmp_path / "layout")
    unpack([layout.path(blob) for blob in layout.blobs[:-1]], tmp_path / "root")
    assert said[0].startswith(f"no Python {tiny_bento.PYTHON} on this machine: built without bytecode")
    assert "deployer.python.build" not in config_of(layout)["config"]["Labels"]
    assert list((tmp_path / "root").rglob("*.pyc")) == []


def test_a_package_without_a_wheel_is_named(bento: Path, tmp_path: Path, cache: BlobCache) -> None:
    """A source distribution inside the Bento is refused by name, with the way out."""
    (bento / "env" / "python" / "wheels" / "sourceonly-1.0.tar.gz").write_bytes(b"")
    with pytest.raises(DeployerError, match="sourceonly") as caught:
        build(bento, tmp_path / "layout", cache)
    assert "wheel" in caught.value.hint


def test_the_commands_build_and_push(bento: Path, tmp_path: Path) -> None:
    """`image build` and `image push` print one JSON document each; the second push sends nothing."""
    layout = tmp_path / "layout"
    built = run_deployer("image", "build", str(bento), "--layout", str(layout))
    with serving() as registry:
        registry.login = ""
        target = ("image", "push", str(layout), "registry.example/team/tiny:v1", "--registry-url", registry.url)
        pushed, again = run_deployer(*target), run_deployer(*target)
    assert [layer["title"] for layer in built["layers"]] == ["dependencies", "model m", "service", "handler"]
    assert pushed["digest"] == built["digest"] == again["digest"]
    assert set(pushed["pushed"]) == set(again["skipped"]) == set(registry.blobs)
    assert again["pushed"] == pushed["skipped"] == []


def run_deployer(*arguments: str) -> Any:
    argv = [sys.executable, "-m", "deployer", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
