"""Builds that are killed, run out of disk or run at once: the cache never holds a blob that is not whole."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import tiny_bento
from isal import igzip

from deployer.errors import DeployerError
from deployer.image import archive
from deployer.image.archive import Tree
from deployer.image.bytecode import Compiler
from deployer.image.inspect import inspect_layout
from deployer.image.layer_cache import BlobWriter
from deployer.tools.process import Processes

BIG = os.urandom(4_000_000)


@pytest.fixture
def bento(tmp_path: Path) -> Path:
    return tiny_bento.write(tmp_path / "bento", weights=BIG)


def start(
    bento: Path, layout: Path, *, cache: Path, limit: str = "", base: str = "none", inside: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """A build in a process group of its own. `limit` is a shell line run first in the same process."""
    build = [sys.executable, "-m", "deployer", "image", "build", str(bento), "--base", base, "--layout", str(layout)]
    argv: Sequence[str] = [*inside, "sh", "-c", f'{limit} exec "$@"', "sh", *build]
    variables = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, env=variables, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def give_up(bento: Path, tmp_path: Path, *, base: str = "none") -> str:
    """The words of a build that must fail with one error and no traceback."""
    build = start(bento, tmp_path / "layout", cache=tmp_path / "cache", base=base)
    _, err = build.communicate(timeout=300)
    assert build.returncode == 1, err
    assert "Traceback" not in err
    assert not (tmp_path / "layout" / "index.json").exists()
    assert damaged(tmp_path / "cache") == []
    return " ".join(err.split())


def digest(build: subprocess.Popen[str]) -> str:
    out, err = build.communicate(timeout=300)
    assert build.returncode == 0, err
    return str(json.loads(out)["digest"])


def damaged(cache: Path) -> list[str]:
    blobs = (cache / "deployer" / "image" / "blobs" / "sha256").glob("*")
    return [path.name for path in blobs if hashlib.sha256(path.read_bytes()).hexdigest() != path.name]


def test_two_builds_at_once_share_the_cache(bento: Path, tmp_path: Path) -> None:
    """Both end with the same image, and each layer was made by one of them."""
    cache = tmp_path / "cache"
    builds = [start(bento, tmp_path / f"layout{number}", cache=cache) for number in range(2)]
    answers = [build.communicate(timeout=300) for build in builds]
    assert [build.returncode for build in builds] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    made = [
        line for _, err in answers for line in err.splitlines() if line.startswith("layer") and "cached" not in line
    ]
    assert sorted(line.split(":")[0] for line in made) == [
        "layer dependencies",
        "layer handler",
        "layer model m",
        "layer service",
    ]
    assert damaged(cache) == []


def test_a_build_killed_at_any_moment_leaves_a_cache_to_build_on(bento: Path, tmp_path: Path) -> None:
    """After kills at growing distances from the start, the next build ends with the image of an untouched cache."""
    cache, layout = tmp_path / "cache", tmp_path / "layout"
    expected = digest(start(bento, tmp_path / "whole", cache=tmp_path / "other"))
    for tenths in range(2, 22, 3):
        build = start(bento, layout, cache=cache)
        time.sleep(tenths / 10)
        os.killpg(build.pid, signal.SIGKILL)
        build.communicate(timeout=30)
        assert damaged(cache) == []
    assert digest(start(bento, layout, cache=cache)) == expected


def test_a_full_disk_is_one_error_and_the_next_build_goes_on(bento: Path, tmp_path: Path) -> None:
    """Files may not grow over 2 MB: the model's layer fails, nothing partial stays, and with room it works."""
    cache, layout = tmp_path / "cache", tmp_path / "layout"
    full = start(bento, layout, cache=cache, limit="ulimit -f 4096;")
    _, err = full.communicate(timeout=300)
    assert full.returncode == 1
    assert "The image could not be built: File too large" in " ".join(err.split())
    assert "Traceback" not in err
    assert damaged(cache) == []
    assert not (layout / "index.json").exists()
    assert digest(start(bento, layout, cache=cache)).startswith("sha256:")


def test_a_cache_deleted_between_builds_is_made_again(bento: Path, tmp_path: Path) -> None:
    """The same image comes out, and nothing is asked of what is gone."""
    cache, layout = tmp_path / "cache", tmp_path / "layout"
    before = digest(start(bento, layout, cache=cache))
    shutil.rmtree(cache)
    assert digest(start(bento, layout, cache=cache)) == before
    assert damaged(cache) == []


def test_no_room_on_the_disk_of_the_cache_is_one_error(bento: Path, tmp_path: Path) -> None:
    """A real full disk: a file system of 3 MB in a mount namespace of its own."""
    cache, layout = tmp_path / "cache", tmp_path / "layout"
    cache.mkdir()
    unshare = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], check=False).returncode != 0:
        pytest.skip("this machine allows no user namespaces")
    mount = f"mount -t tmpfs -o size=3m none {shlex.quote(str(cache))} || exit 9;"
    build = start(bento, layout, cache=cache, limit=mount, inside=unshare)
    _, err = build.communicate(timeout=300)
    assert build.returncode == 1, err
    assert "No space left on device" in err
    assert "Traceback" not in err
    assert not (layout / "index.json").exists()


def test_no_room_for_bytecode_is_an_error_and_not_an_image_without_it(tmp_path: Path) -> None:
    """A layer that lacks some of its bytecode would be kept and trusted for ever."""
    (tmp_path / "a.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / f"a.{sys.implementation.cache_tag}.pyc").symlink_to("/dev/full")
    build = ".".join(map(str, sys.version_info[:3]))
    with pytest.raises(DeployerError, match="No space left on device"):
        Compiler(Path(sys.executable), build, Processes(), os.environ).compile(tmp_path, at="opt/python")


def test_more_than_lambda_takes_is_refused_before_anything_is_packed(bento: Path, tmp_path: Path) -> None:
    """Two sparse files together: the model is named, and no second is spent on its bytes."""
    for name in ("a", "b"):
        with (bento / "models" / "m" / "1" / name).open("wb") as file:
            file.truncate(6_000_000_000)
    said = give_up(bento, tmp_path)
    assert "12.00 GB unpacked, and Lambda takes 10.00 GB. Largest: model m 12.00 GB" in said
    assert "layer dependencies" not in said


def test_one_sparse_file_over_8_gib_is_taken(tmp_path: Path) -> None:
    """Its size has no room in the old tar header; memory stays flat."""
    root = tmp_path / "root"
    root.mkdir()
    size = 8 * 1024**3 + 1
    with (root / "weights").open("wb") as file:
        file.truncate(size)
    with (tmp_path / "blob").open("wb") as packed:
        writer = BlobWriter(packed)
        archive.write(Tree(root, "m"), writer.write)
        blob = writer.finish()
    with igzip.open(tmp_path / "blob", "rb") as stream, tarfile.open(fileobj=stream, mode="r|") as found:
        sizes = {member.name: member.size for member, _ in zip(found, "ab", strict=False)}
    assert sizes == {"m": 0, "m/weights": size}
    assert blob.unpacked > size
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_000_000  # kB, of the whole test run


def test_many_files_with_any_names(bento: Path, tmp_path: Path) -> None:
    """200,000 files, unicode and newlines in names, and a symlink inside the model."""
    model = bento / "models" / "m" / "1"
    for folder in range(200):
        (model / f"{folder}").mkdir()
        for number in range(1000):
            (model / f"{folder}" / f"{number}").touch()
    (model / "größe\n模型").write_text("x", "utf-8")
    (model / os.fsdecode(b"\xff\xfe")).write_text("y", "utf-8")
    (model / "link").symlink_to("0/1")
    assert digest(start(bento, tmp_path / "layout", cache=tmp_path / "cache")).startswith("sha256:")
    layers = inspect_layout(tmp_path / "layout").layers
    assert {layer.title: layer.files for layer in layers}["model m"] == 200_000 + 5


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../outside"])
def test_a_symlink_out_of_the_bento_is_refused(bento: Path, tmp_path: Path, *, target: str) -> None:
    """A file of this machine must not become part of an image."""
    (bento / "models" / "m" / "1" / "link").symlink_to(target)
    assert f"points to {target}, outside of what goes into the image" in give_up(bento, tmp_path)
