"""The smaller parts of the builder: installed trees, the cache, the manifest."""

from __future__ import annotations

import gzip
import json
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from stand_in_runner import StandInRunner

from deployer.errors import BadInput, DeployerError
from deployer.files import used
from deployer.image import manifest, size_limit
from deployer.image.installed import normalise
from deployer.image.layer_cache import UNUSED_DAYS, Blob, BlobCache, BlobWriter
from deployer.image.manifest import TitledBlob
from deployer.image.package_index import PackageIndex
from deployer.image.python_layers import versions
from deployer.image.requirements import Requirements
from deployer.image.uv import Platform, Uv
from deployer.tools.oci_layout import read_layout


def test_an_installed_tree_forgets_who_installed_it(tmp_path: Path) -> None:
    """Launchers name no interpreter of this machine, records list what is there, and originals stay as they were."""
    tree, info = tmp_path / "tree", tmp_path / "tree" / "x-1.dist-info"
    (tree / "bin").mkdir(parents=True)
    (tree / "x" / "__pycache__").mkdir(parents=True)
    info.mkdir()
    original = tmp_path / "uv-cache-record"
    original.write_text("x.py,sha256=a,1\n../../bin/run,sha256=b,2\nx/gone.py,,\nx-1.dist-info/INSTALLER,,2\n", "utf-8")
    os.link(original, info / "RECORD")
    (info / "INSTALLER").write_text("uv", "utf-8")
    (tree / "x.py").touch()
    (tree / "bin" / "run").write_text("#!/home/me/python3.11\n# -*- coding: utf-8 -*-\n", "utf-8")
    (tree / "bin" / "long").write_text("#!/bin/sh\n'''exec' '/a b/python' \"$0\" \"$@\"\n' '''\nimport x\n", "utf-8")
    before = original.read_text("utf-8")
    normalise(tree)
    assert (tree / "bin" / "run").read_text("utf-8") == "#!/usr/bin/env python3\n# -*- coding: utf-8 -*-\n"
    assert (tree / "bin" / "long").read_text("utf-8") == "#!/usr/bin/env python3\nimport x\n"
    assert (info / "RECORD").read_text("utf-8") == "x.py,sha256=a,1\nbin/run,,\n"
    assert not (tree / "x" / "__pycache__").exists()
    assert original.read_text("utf-8") == before


def test_the_list_in_the_image_has_no_hashes() -> None:
    """Hashes of other platforms' files may be added to an index later; the image must not change with them."""
    assert versions("a==1 \\\n    --hash=sha256:x \\\n    --hash=sha256:y\nb==2\n") == "a==1\nb==2\n"


def test_equal_inputs_are_made_once(tmp_path: Path) -> None:
    """The second asking finds the blob, and a lost blob is made again."""
    cache = BlobCache(tmp_path)
    first, cached = cache.get("key-aa", lambda writer: writer.write(b"content"))
    assert not cached
    assert cache.get("key-aa", never) == (first, True)
    cache.path(first.digest).unlink()
    assert cache.get("key-aa", lambda writer: writer.write(b"content")) == (first, False)


def test_a_failed_build_leaves_no_blob_and_no_record(tmp_path: Path) -> None:
    """Nothing has its final name before it is whole."""
    cache = BlobCache(tmp_path)

    def fail(writer: BlobWriter) -> None:
        writer.write(b"half")
        raise OSError(28, "No space left on device")

    threads = threading.active_count()
    with pytest.raises(OSError, match="No space"):
        cache.get("key-aa", fail)
    assert threading.active_count() == threads
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["aa"]  # the lock


def test_what_nobody_uses_is_removed(tmp_path: Path) -> None:
    """A month after its last use a blob goes; one that is used stays."""
    cache = BlobCache(tmp_path)
    old, _ = cache.get("key-aa", lambda writer: writer.write(b"old"))
    used, _ = cache.get("key-bb", lambda writer: writer.write(b"used"))
    long_ago = (UNUSED_DAYS + 1) * 86400
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - long_ago))
    cache.get("key-bb", never)
    cache.prune()
    assert not cache.path(old.digest).exists()
    assert cache.path(used.digest).exists()


def test_what_another_build_has_just_removed_is_not_there(tmp_path: Path) -> None:
    """`touch` would make an empty file of it, which the next build would take for a whole one."""
    assert not used(tmp_path / "gone")
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_else_in_it_becomes_no_layout(tmp_path: Path) -> None:
    """A layout has a requirements.txt of its own, and a project has one too."""
    (tmp_path / "requirements.txt").write_text("mine\n", "utf-8")
    with pytest.raises(BadInput, match="not empty"):
        manifest.check_place(tmp_path)
    (tmp_path / "oci-layout").write_text("{}", "utf-8")
    manifest.check_place(tmp_path)
    manifest.check_place(tmp_path / "new")


def never(writer: BlobWriter) -> None:
    raise AssertionError("made again")


LAYERS = [TitledBlob("dependencies", Blob("sha256:" + "a" * 64, 5, "sha256:" + "b" * 64, 9))]


def test_the_configuration_is_what_lambda_wants() -> None:
    """Entry point, command and our variables are fixed; one history entry per layer; the Bento's variables are in."""
    environment = {"PYTHONPATH": "/mine", "LANG": "de", "MINE": 'a "quoted"\nvalue'}
    found = json.loads(manifest.configuration(LAYERS, architecture="amd64", environment=environment, labels={"a": "b"}))
    variables = dict(item.split("=", 1) for item in found["config"]["Env"])
    assert found["config"]["Entrypoint"] == ["python3", "-m", "awslambdaric"]
    assert found["config"]["Cmd"] == ["deployer_runtime.handler.handle"]
    assert variables["PYTHONPATH"] == "/opt/python:/opt/deployer"
    assert (variables["LANG"], variables["MINE"]) == ("de", 'a "quoted"\nvalue')
    assert found["rootfs"]["diff_ids"] == ["sha256:" + "b" * 64]
    assert [entry["created_by"] for entry in found["history"]] == ["deployer: dependencies"]


BASE_LAYERS = [TitledBlob("base image 1/1", Blob("sha256:" + "c" * 64, 5, "sha256:" + "d" * 64, 9))]
BASE_CONFIG = {
    "config": {"Env": ["PATH=/base/bin", "LANG=de", "PYTHON_VERSION=3.11.9"], "Cmd": ["bash"], "User": "me"},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "d" * 64]},
    "history": [{"created_by": "ADD file"}, {"created_by": "CMD bash", "empty_layer": True}],
    "variant": "v8",
}


def test_on_a_base_the_configuration_is_both(tmp_path: Path) -> None:
    """The base's layers and history come first, its PATH stays, and what is ours is ours."""
    text = manifest.configuration(
        LAYERS, architecture="arm64", environment={}, labels={}, below=BASE_LAYERS, base=BASE_CONFIG
    )
    found = json.loads(text)
    variables = dict(item.split("=", 1) for item in found["config"]["Env"])
    assert list(variables)[:3] == ["PATH", "LANG", "PYTHON_VERSION"]
    assert (variables["PATH"], variables["LANG"], variables["HOME"]) == ("/base/bin", "C.UTF-8", "/tmp")  # noqa: S108
    assert found["config"]["Cmd"] == ["deployer_runtime.handler.handle"]
    assert "User" not in found["config"]
    assert found["rootfs"]["diff_ids"] == ["sha256:" + "d" * 64, "sha256:" + "b" * 64]
    assert found["variant"] == "v8"
    assert [entry["created_by"] for entry in found["history"]] == ["ADD file", "CMD bash", "deployer: dependencies"]
    assert found["history"][1]["empty_layer"] is True


@pytest.mark.parametrize("history", [[], [{"created_by": "a"}, {"created_by": "b"}]])
def test_a_base_without_a_whole_history_gets_one(history: list[dict[str, str]]) -> None:
    """Lambda wants one entry for each layer."""
    base = {**BASE_CONFIG, "history": history}
    text = manifest.configuration(LAYERS, architecture="amd64", environment={}, labels={}, below=BASE_LAYERS, base=base)
    made = [entry["created_by"] for entry in json.loads(text)["history"]]
    assert made == ["base image 1/1", "deployer: dependencies"]


def test_an_image_over_lambdas_limit_is_refused() -> None:
    """What is largest is named, with the way out; the limit itself is taken."""
    big = replace(LAYERS[0].blob, unpacked=6_000_000_000)
    layers = [TitledBlob("dependencies", big), TitledBlob("model m", replace(big, unpacked=4_000_000_000))]
    size_limit.check_layers(layers)
    over = [*layers, TitledBlob("handler", replace(big, unpacked=1))]
    with pytest.raises(DeployerError, match=r"10.00 GB.*Largest: dependencies 6.00 GB, model m 4.00 GB") as caught:
        size_limit.check_layers(over)
    assert "smaller model" in caught.value.hint


def test_the_stream_may_be_handed_over_in_any_pieces(tmp_path: Path) -> None:
    """The same bytes in other portions give the same blob."""
    content = os.urandom(2_500_000) + b"a" * 1_000_000
    blobs = []
    for size in (700, 1 << 20, len(content)):
        with (tmp_path / "blob").open("wb") as file:
            writer = BlobWriter(file)
            for start in range(0, len(content), size):
                writer.write(content[start : start + size])
            blobs.append(writer.finish())
        assert gzip.decompress((tmp_path / "blob").read_bytes()) == content
    assert len(set(blobs)) == 1
    assert blobs[0].unpacked == len(content)


def test_a_layout_holds_the_image_and_nothing_older(tmp_path: Path) -> None:
    """Writing into a used folder leaves exactly the new image."""
    source = tmp_path / ("a" * 64)
    source.write_bytes(b"layer")
    config = manifest.configuration(LAYERS, architecture="amd64", environment={}, labels={})
    content = manifest.manifest(config, LAYERS)
    folder = tmp_path / "layout"
    for extra in ("old", "older"):
        (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        (folder / "blobs" / "sha256" / extra).touch()
        manifest.write_layout(
            folder, config=config, manifest=content, architecture="amd64", blobs=[source], resolved="a==1\n"
        )
    layout = read_layout(folder)
    assert layout.manifest.digest == manifest.digest_of(content)
    assert [blob.title for blob in layout.blobs] == ["dependencies", "configuration"]
    assert len(list((folder / "blobs" / "sha256").iterdir())) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "error: No solution found\n  cause: Because annoy==1.17.3 has no usable wheels and you require it\n",
            "annoy has no wheel for Python 3.11 on x86_64-manylinux_2_28",
        ),
        (
            "  x No solution found:\n  ╰─▶ Because torch==1.0 has no wheels with a matching Python ABI tag\n",
            "torch has no wheel for Python 3.11",
        ),
        (
            "  Because a-b==1 has no wheels with a matching tag and c==2 has no usable wheels, we conclude\n",
            "a-b, c have no wheel",
        ),
        ("error: Because nosuch was not found in the package registry", "nosuch was not found"),
    ],
    ids=["sdist-only", "other-python", "several", "unknown"],
)
def test_a_package_that_cannot_be_had_is_named(tmp_path: Path, words: str, said: str) -> None:
    """uv's words become one sentence with the package, the Python and the platform."""
    runner = StandInRunner([(1, "", words)])
    uv = Uv(Path("uv"), runner, PackageIndex(Path("uv"), runner, {}, lambda line: None))
    with pytest.raises(DeployerError) as caught:
        uv.resolve(Requirements(("x",)), platform=Platform("3.11", "x86_64"), cwd=tmp_path, scratch=tmp_path)
    assert said in caught.value.message
    assert ("builder: docker" in caught.value.hint) == ("no wheel" in said)
