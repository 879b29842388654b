"""Where an image's variables lead when its files lie somewhere on the host."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployer.image.rebased import TMP as IN_IMAGE
from deployer.image.rebased import rebased, site_packages, working_directory

SCRATCH = Path("/scratch")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A Debian with a Python of its own and one of the distribution's, and an application."""
    packages = ("usr/local/lib/python3.11/site-packages", "usr/lib/python3/dist-packages")
    for folder in ("usr/bin", "usr/local/bin", "opt/app", *packages):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    (tmp_path / "srv").symlink_to("/opt/app")
    (tmp_path / "outside").symlink_to("/../../../../etc")
    (tmp_path / "usr/local/bin/python3").symlink_to("python3.11")
    (tmp_path / "usr/lib/certificates").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("PYTHONPATH", "/opt/app:/opt/absent", "{root}/opt/app:/opt/absent"),
        ("DATA", "/srv", "{root}/opt/app"),
        ("CERTIFICATES", "/lib/certificates", "{root}/usr/lib/certificates"),
        ("OUT", "/outside/passwd", "/outside/passwd"),
        ("UP", "/../../../etc/passwd", "/../../../etc/passwd"),
        ("ROOT", "/", "/"),
        ("HOME", f"{IN_IMAGE}/x", f"{SCRATCH}/x"),
        ("EMPTY", "", ""),
        ("PATH", "/opt/app:/usr/local/bin:/lib", "{root}/opt/app:/usr/local/bin:/lib"),
        ("LD_LIBRARY_PATH", "/usr/local/lib:/opt/app:/var/lang/lib", "{root}/opt/app"),
        ("LD_LIBRARY_PATH", "/usr/local/lib:/lib64:", None),
        ("LD_PRELOAD", "/usr/lib/libjemalloc.so.2 libc.so.6", None),
        ("PYTHONHOME", "/usr/local", None),
    ],
)
def test_a_variable_leads_to_the_images_files(root: Path, name: str, value: str, seen: str | None) -> None:
    """To the unpacked ones, never to a program or a C library of another system, and never out of the image."""
    expected = {} if seen is None else {name: seen.format(root=root)}
    assert rebased({name: value}, root=root, tmp=SCRATCH) == expected


def test_the_working_directory_is_the_images(root: Path) -> None:
    """Behind a symlink too; the root where the image has none."""
    assert working_directory(root, "/srv") == root / "opt/app"
    assert working_directory(root, "/absent") == working_directory(root, "/outside") == root


@pytest.mark.parametrize(
    ("program", "path"),
    [("python3", "/absent:/usr/local/bin:/usr/bin"), ("/usr/local/bin/python3", "")],
    ids=["by-name", "by-path"],
)
def test_the_packages_of_the_images_own_python_are_found(root: Path, program: str, path: str) -> None:
    """Those beside it first, then the distribution's."""
    found = site_packages(root, program=program, path=path, python="3.11")
    assert found == (root / "usr/local/lib/python3.11/site-packages", root / "usr/lib/python3/dist-packages")


def test_an_environment_of_its_own_keeps_to_itself(root: Path) -> None:
    """A virtual environment or conda: its packages only."""
    packages = root / "opt/conda/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (root / "opt/conda/bin").mkdir()
    (root / "opt/conda/bin/python").symlink_to("/usr/local/bin/python3")
    assert site_packages(root, program="/opt/conda/bin/python", path="", python="3.11") == (packages,)


def test_an_image_without_a_python_has_no_packages(root: Path) -> None:
    """As one without a base."""
    assert site_packages(root, program="python3", path="/opt/app", python="3.11") == ()
