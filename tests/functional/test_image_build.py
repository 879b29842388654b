"""The builder with the real uv and the real interpreter, from a Bento folder to files that Python runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import tiny_bento
from loopback_registry import serving
from stand_in_runner import Answer, Asked, StandInRunner

from deployer.errors import DeployerError
from deployer.image.base import Base
from deployer.image.build import Builder, BuiltImage
from deployer.image.inspect import inspect_layout
from deployer.image.layer_cache import BlobCache
from deployer.image.manifest import TitledBlob
from deployer.image.package_index import PackageIndex
from deployer.image.requirements import Requirements
from deployer.image.unpacked import unpack
from deployer.tools.base_image import DEFAULT_BASE
from deployer.tools.oci_layout import Layout, read_layout
from deployer.tools.process import Completed, OnLine, Processes, Runner
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


@dataclass
class StandInBase:
    """A base image of one layer, in the form that pulling leaves it."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def __call__(
        self,
        reference: str,
        *,
        machine: str,
        cache: BlobCache,
        variables: Mapping[str, str],
        say: Callable[[str], None],
        python: str,
    ) -> Base:
        self.asked.append((reference, machine, python))
        blob, _ = cache.get("base-layer-aa", lambda writer: writer.write(bytes(10240)))
        config = {
            "config": {"Env": ["PATH=/usr/local/bin:/bin", f"PYTHON_VERSION={python}.1"]},
            "history": [{"created_by": "ADD rootfs.tar"}],
        }
        return Base(reference, f"sha256:{'1' * 64}", (TitledBlob("base image 1/1", blob),), config)


def test_an_image_on_a_base_names_it_and_has_its_layers_first(bento: Path, tmp_path: Path, cache: BlobCache) -> None:
    """By name and digest in the labels, and for a Bento's Python when none is named."""
    base = StandInBase()
    builder = Builder(Processes(), os.environ, cache, print, machine="aarch64", base="", pull_base=base)
    built = builder.build(bento, layout=tmp_path / "layout")
    again = builder.build(bento, layout=tmp_path / "again")
    reference = DEFAULT_BASE.format(python=tiny_bento.PYTHON)
    assert base.asked == [(reference, "aarch64", tiny_bento.PYTHON)] * 2
    assert built == again
    assert [layer.title for layer in built.layers][:2] == ["base image 1/1", "dependencies"]
    layout = read_layout(tmp_path / "layout")
    config = config_of(layout)
    assert config["config"]["Labels"]["org.opencontainers.image.base.name"] == reference
    assert config["config"]["Labels"]["org.opencontainers.image.base.digest"] == f"sha256:{'1' * 64}"
    assert "PATH=/usr/local/bin:/bin" in config["config"]["Env"]
    assert len(config["history"]) == len(config["rootfs"]["diff_ids"]) == 5
    report = inspect_layout(tmp_path / "layout")
    assert (report.base, report.layers[0].unpacked, report.architecture) == (reference, 10240, "arm64")


def test_neither_umask_nor_time_zone_nor_locale_shows_in_the_digest(bento: Path, tmp_path: Path) -> None:
    """Each build has a cache of its own, and nothing is taken from the other."""
    digests = []
    for number, (mask, settings) in enumerate(
        ((0o022, {"TZ": "UTC", "LC_ALL": "C"}), (0o077, {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"}))
    ):
        argv = [sys.executable, "-m", "deployer", "image", "build", str(bento), "--base", "none"]
        done = subprocess.run(
            [*argv, "--layout", str(tmp_path / f"layout{number}")],
            env={**os.environ, **settings, "XDG_CACHE_HOME": str(tmp_path / f"cache{number}")},
            umask=mask,
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        digests.append(json.loads(done.stdout)["digest"])
    assert digests[0] == digests[1]


@dataclass
class Compilations:
    """The real runner, and what was compiled with it."""

    files: list[list[str]] = field(default_factory=list)

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        timeout: float,
        stdin: bytes = b"",
        log: Path | None = None,
        on_line: OnLine | None = None,
    ) -> Completed:
        if stdin:
            self.files.append(json.loads(stdin)["files"])
        return Processes().run(argv, env=env, cwd=cwd, timeout=timeout, stdin=stdin, log=log, on_line=on_line)


def test_a_newer_package_compiles_that_package_alone(bento: Path, tmp_path: Path, cache: BlobCache) -> None:
    """What was compiled before is kept by content; the image is the one of an empty cache."""
    build(bento, tmp_path / "layout", cache)
    wheels = bento / "env" / "python" / "wheels"
    (wheels / "tiny-1.0-py3-none-any.whl").unlink()
    name = tiny_bento.write_wheel(wheels, "tiny", "2.0")
    listed = wheels.parent / "requirements.txt"
    listed.write_text(listed.read_text("utf-8").replace("tiny-1.0-py3-none-any.whl", name), "utf-8")
    runner = Compilations()
    after, _ = build(bento, tmp_path / "layout", cache, runner=runner)
    fresh, _ = build(bento, tmp_path / "fresh", BlobCache(tmp_path / "empty cache"))
    assert after == fresh
    assert runner.files == [["tiny/__init__.py"]]


def test_a_bento_of_the_store_is_built_by_its_tag(tmp_path: Path) -> None:
    """Its models come from the store, and the store stays as it is; anything else is one error."""
    home = tmp_path / "bentoml"
    bento = tiny_bento.write(home / "bentos" / "tiny" / "v1")
    shutil.move(bento / "models", home / "models")
    before = sorted(home.rglob("*"))
    options = ("--base", "none", "--layout", str(tmp_path / "layout"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("BENTOML_HOME", str(home))
        built = run_deployer("image", "build", "tiny:latest", *options)
        assert [layer["title"] for layer in built["layers"]] == ["dependencies", "model m", "service", "handler"]
        assert sorted(home.rglob("*")) == before
        for wrong, said in (("tiny:v2", "There is no Bento tiny:v2"), (str(tmp_path), "is not a Bento")):
            argv = [sys.executable, "-m", "deployer", "image", "build", wrong, *options]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 2
            assert said in done.stderr


def test_inspect_says_what_is_in_a_layout(bento: Path, tmp_path: Path, cache: BlobCache) -> None:
    """Packages by size with their bytecode, the model's tag; a damaged layer is one error."""
    build(bento, tmp_path / "layout", cache)
    report = run_deployer("image", "inspect", str(tmp_path / "layout"), "--output", "json")
    assert [layer["contents"] for layer in report["layers"]][:3] == ["2 packages", "model m:1", "the Bento's own files"]
    assert {package["name"] for package in report["packages"]} == {"bentoml", "tiny"}
    assert report["unpacked"] == sum(layer["unpacked"] for layer in report["layers"]) < report["limit"] == 10**10
    blob = tmp_path / "layout" / "blobs" / "sha256" / report["layers"][0]["digest"].removeprefix("sha256:")
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.unlink()
    blob.write_bytes(content)
    with pytest.raises(DeployerError, match=r"layer dependencies of .* is damaged"):
        inspect_layout(tmp_path / "layout")


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
    assert not (root / "opt/python/tiny/tests").exists()
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
    assert index.environment(private, cwd=tmp_path)["UV_DEFAULT_INDEX"] == private.index_url
    if named_in == "variable":
        index = replace(index, variables={**variables, "PIP_INDEX_URL": "https://mine.example/simple"})
    else:
        (tmp_path / "config" / "uv").mkdir(parents=True)
        (tmp_path / "config" / "uv" / "uv.toml").write_text('index-url = "https://mine.example/simple"\n', "utf-8")
    assert private.index_url not in index.environment(private, cwd=tmp_path).values()
    assert said[-1] == "package index private.example of the Bento: your own is used instead"


def no_interpreter(asked: Asked) -> Answer:
    """A host whose uv finds no Python of the version asked for."""
    if asked.argv[1:3] == ("python", "find"):
        return 2, "", "error: No interpreter found"
    ended = Processes().run(asked.argv, env=asked.env, cwd=asked.cwd, timeout=asked.timeout, log=asked.log)
    return ended.returncode, ended.stdout, ended.stderr


def test_without_an_interpreter_the_image_has_no_bytecode_and_says_so(tmp_path: Path, cache: BlobCache) -> None:
    """The missing version is named, and no label claims a build. (deployer's own version is never missing.)"""
    other = "3.12" if tiny_bento.PYTHON == "3.11" else "3.11"
    bento = tiny_bento.write(tmp_path / "bento", python=other)
    _, said = build(bento, tmp_path / "layout", cache, runner=StandInRunner(program=no_interpreter))
    layout = read_layout(tmp_path / "layout")
    unpack([layout.path(blob) for blob in layout.blobs[:-1]], tmp_path / "root")
    assert said[0].startswith(f"no Python {other} on this machine: built without bytecode")
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
    built = run_deployer("image", "build", str(bento), "--base", "none", "--layout", str(layout))
    with serving() as registry:
        registry.login = ""
        target = (
            "image",
            "push",
            "--no-check",
            str(layout),
            "registry.example/team/tiny:v1",
            "--registry-url",
            registry.url,
        )
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
