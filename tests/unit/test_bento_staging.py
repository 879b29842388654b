"""Private copies of a Bento for one build."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from bento_samples import MODEL_BYTES, write_legacy, write_model, write_modern

from deployer.errors import DeployerError
from deployer.tools.bento_document import read_bento
from deployer.tools.bento_staging import stage_context, stage_store
from deployer.tools.bento_store import BentoStore


def test_the_context_is_the_bento_with_its_models_inside(tmp_path: Path) -> None:
    """What the image is built from reads as the same Bento, without any store, `latest` pointers included."""
    write_model(tmp_path, "m:1")
    write_modern(tmp_path, "digits:v1", models=["m:1"])
    bento = BentoStore(tmp_path).get("digits:v1")

    stage_context(bento, tmp_path / "context")

    staged = read_bento(tmp_path / "context", models=None)
    assert (staged.tag, staged.routes, [model.tag for model in staged.models]) == (
        bento.tag,
        bento.routes,
        [model.tag for model in bento.models],
    )
    assert (tmp_path / "context" / "models" / "m" / "1" / "weights.bin").read_bytes() == MODEL_BYTES
    assert (tmp_path / "context" / "models" / "m" / "latest").read_text() == "1"
    assert (tmp_path / "context" / "bento.yaml").read_bytes() == (bento.path / "bento.yaml").read_bytes()


def test_models_are_linked_and_all_else_is_copied(tmp_path: Path) -> None:
    """Gigabytes of weights cost nothing; a write to a staged file of the Bento never reaches the user's store."""
    weights = write_model(tmp_path, "m:1") / "weights.bin"
    folder = write_modern(tmp_path, "digits:v1", models=["m:1"])

    stage_context(BentoStore(tmp_path).get("digits:v1"), tmp_path / "context")

    assert (tmp_path / "context" / "models" / "m" / "1" / "weights.bin").samefile(weights)
    (tmp_path / "context" / "src" / "service.py").write_text("changed")
    (tmp_path / "context" / "bento.yaml").write_text("changed")
    assert (folder / "src" / "service.py").read_text() == "# the service\n"
    assert BentoStore(tmp_path).get("digits:v1").path == folder


def test_models_are_copied_where_no_link_can_be_made(tmp_path: Path) -> None:
    """A store on another file system costs a copy, not an error."""
    other = Path("/dev/shm")  # noqa: S108, the one other file system most machines have
    if not os.access(other, os.W_OK) or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("this machine has no second file system to write to")
    write_model(tmp_path, "m:1")
    write_modern(tmp_path, "digits:v1", models=["m:1"])
    context = other / f"deployer-test-{os.getpid()}"
    try:
        stage_context(BentoStore(tmp_path).get("digits:v1"), context)
        assert (context / "models" / "m" / "1" / "weights.bin").read_bytes() == MODEL_BYTES
    finally:
        for path in sorted(context.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        context.rmdir()


def test_modes_and_empty_folders_survive(tmp_path: Path) -> None:
    """A script stays executable, and a folder that the service writes into stays there."""
    folder = write_modern(tmp_path, "digits:v1")
    (folder / "src" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "src" / "run.sh").chmod(0o755)
    (folder / "src" / "empty").mkdir()

    stage_context(BentoStore(tmp_path).get("digits:v1"), tmp_path / "context")

    assert stat.S_IMODE((tmp_path / "context" / "src" / "run.sh").stat().st_mode) == 0o755
    assert list((tmp_path / "context" / "src" / "empty").iterdir()) == []


def test_a_link_inside_the_bento_becomes_what_it_points_to(tmp_path: Path) -> None:
    """An image needs no link to be right; files and folders alike."""
    folder = write_modern(tmp_path, "digits:v1")
    (folder / "src" / "data").mkdir()
    (folder / "src" / "data" / "a.txt").write_text("a")
    (folder / "src" / "file").symlink_to("data/a.txt")
    (folder / "src" / "folder").symlink_to("data")

    stage_context(BentoStore(tmp_path).get("digits:v1"), tmp_path / "context")

    source = tmp_path / "context" / "src"
    assert ((source / "file").read_text(), (source / "folder" / "a.txt").read_text()) == ("a", "a")
    assert not (source / "file").is_symlink()


@pytest.mark.parametrize("target", ["/etc/hostname", "../../../../secret", "gone", "..", "."])
def test_a_link_that_leaves_the_bento_or_has_no_end_is_refused_by_name(tmp_path: Path, target: str) -> None:
    """No file of this machine slips into an image."""
    folder = write_modern(tmp_path, "digits:v1")
    (tmp_path / "secret").write_text("s")
    (folder / "src" / "link").symlink_to(target)

    with pytest.raises(DeployerError, match=f"link is a symbolic link to {target}"):
        stage_context(BentoStore(tmp_path).get("digits:v1"), tmp_path / "context")


@pytest.mark.parametrize(("write", "python"), [(write_modern, "3.11"), (write_legacy, "3.10")])
def test_the_store_for_bentoctl_holds_a_description_that_every_bentoml_reads(
    tmp_path: Path, write: Callable[..., Path], python: str
) -> None:
    """Only keys that BentoML 1.4.19 knows; no models, for they are in the context; and the version.txt it needs."""
    write_model(tmp_path, "m:1")
    write(tmp_path, "digits:v1", models=["m:1"])

    stage_store(BentoStore(tmp_path).get("digits:v1"), tmp_path / "home")

    folder = tmp_path / "home" / "bentos" / "digits" / "v1"
    document = yaml.safe_load((folder / "bento.yaml").read_text())
    assert sorted(document) == [
        "bentoml_version",
        "creation_time",
        "labels",
        "models",
        "name",
        "service",
        "version",
    ]
    assert (document["models"], document["name"], document["version"]) == ([], "digits", "v1")
    assert (folder / "env" / "python" / "version.txt").read_text() == python
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["bentos"]
