"""Builds that are killed, run out of disk or run at once: the cache never holds a blob that is not whole."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import tiny_bento

BIG = os.urandom(4_000_000)


@pytest.fixture
def bento(tmp_path: Path) -> Path:
    return tiny_bento.write(tmp_path / "bento", weights=BIG)


def start(bento: Path, layout: Path, *, cache: Path, limit: str = "") -> subprocess.Popen[str]:
    """A build in a process group of its own. `limit` is a shell line run first in the same process."""
    build = [sys.executable, "-m", "deployer", "image", "build", str(bento), "--layout", str(layout)]
    argv: Sequence[str] = ["sh", "-c", f'{limit} exec "$@"', "sh", *build]
    variables = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, env=variables, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


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
