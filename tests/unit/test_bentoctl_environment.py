"""bentoctl's own environment: made once, at once when whole, made again when anything of it is gone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from stand_in_runner import Answer, Asked, StandInRunner

from deployer.errors import DeployerError
from deployer.tools.bentoctl_environment import LOCK, ensure, is_whole

OFFLINE = "error: Failed to fetch: `https://index/simple/`\n  Caused by: error sending request for url"


def fake_installer(*failing: str, stderr: str = OFFLINE) -> StandInRunner:
    """uv and pip: the `failing` ones of them end with `stderr`, the others make folders."""

    def program(asked: Asked) -> Answer:
        if "venv" in asked.argv:
            _make_environment(Path(asked.argv[-1]))
        elif _installer(asked) in failing:
            return 1, "", stderr
        else:
            for package in ("bentoctl", "bentoml", "boto3"):
                (next(asked.cwd.glob("bentoctl-*/lib/*/site-packages")) / package).mkdir()
        return 0, ""

    return StandInRunner(program=program)


def installs(runner: StandInRunner) -> list[str]:
    return [_installer(asked) for asked in runner.asked if "venv" not in asked.argv]


def _installer(asked: Asked) -> str:
    return "uv" if asked.argv[0].endswith("uv") else "pip"


def _make_environment(folder: Path) -> None:
    (folder / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").touch(mode=0o755)


class Home:
    """A cache folder of its own and the calls that use it."""

    def __init__(self, root: Path) -> None:
        self.cache = root / "cache" / "deployer"
        self.log = root / "log"
        self.steps: list[str] = []

    def ensure(self, installer: StandInRunner) -> Path:
        return ensure(runner=installer, variables={}, log=self.log, on_step=self.steps.append)

    @property
    def folder(self) -> Path:
        return next(path for path in self.cache.glob("bentoctl-*") if path.is_dir())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Home(tmp_path)


def test_it_is_made_once_and_then_found(home: Home) -> None:
    """The second call installs nothing and says nothing."""
    installer = fake_installer()

    first, second = home.ensure(installer), home.ensure(installer)

    assert (first, second) == (home.folder / "bin" / "python", first)
    assert (installs(installer), home.steps) == (["uv"], ["Making bentoctl's environment"])


def _remove_python(folder: Path) -> None:
    (folder / "bin" / "python").unlink()


def _dangling_python(folder: Path) -> None:
    (folder / "bin" / "python").unlink()
    (folder / "bin" / "python").symlink_to("/gone/python3.11")


def _remove_package(folder: Path) -> None:
    shutil.rmtree(next(folder.glob("lib/*/site-packages/bentoml")))


def _remove_marker(folder: Path) -> None:
    next(folder.glob("*.json")).unlink()


def _cut_marker(folder: Path) -> None:
    next(folder.glob("*.json")).write_text('["bento')


def _remove_libraries(folder: Path) -> None:
    shutil.rmtree(folder / "lib")


@pytest.mark.parametrize(
    "damage", [_remove_python, _dangling_python, _remove_package, _remove_marker, _cut_marker, _remove_libraries]
)
def test_whatever_is_gone_it_is_made_again(home: Home, damage: Callable[[Path], None]) -> None:
    """A deleted interpreter, package or marker (a killed installation has none) is repaired and said."""
    installer = fake_installer()
    home.ensure(installer)
    damage(home.folder)
    assert not is_whole(home.folder)

    home.ensure(installer)

    assert is_whole(home.folder)
    assert home.steps[1:] == ["Repairing bentoctl's environment"]


def test_pip_is_tried_where_uv_fails(home: Home) -> None:
    """A package index that only pip's configuration names is enough."""
    installer = fake_installer("uv")

    home.ensure(installer)

    assert installs(installer) == ["uv", "pip"]
    assert is_whole(home.folder)


def test_no_index_is_a_clear_error_and_leaves_nothing_half_made(home: Home) -> None:
    """The message says what is missing and what to do; the next run starts clean."""
    with pytest.raises(DeployerError, match="no package index gave its packages") as caught:
        home.ensure(fake_installer("uv", "pip"))

    assert "UV_DEFAULT_INDEX" in caught.value.hint
    assert caught.value.log == home.log
    assert not any(path.is_dir() for path in home.cache.glob("bentoctl-*"))
    home.ensure(fake_installer())
    assert is_whole(home.folder)


def test_another_failure_shows_the_installers_own_words(home: Home) -> None:
    """A hash that does not match is not a matter of the network."""
    with pytest.raises(DeployerError, match="Hash mismatch for boto3"):
        home.ensure(fake_installer("uv", "pip", stderr="error: Hash mismatch for boto3\n"))


def test_the_list_is_locked_by_hashes_and_names_no_index() -> None:
    """Every package has hashes; the versions that must not move are these; no address is in the file."""
    lines = LOCK.read_text().splitlines()
    pinned = {line.split(" ")[0] for line in lines if line and line[0] not in " #"}

    assert {"bentoctl==0.4.0", "bentoml==1.4.19", "rich==12.6.0"} <= pinned
    assert [pin for pin in pinned if pin.startswith("setuptools==") and int(pin[12:14]) >= 82] == []
    assert sum("--hash=sha256:" in line for line in lines) > len(pinned)
    assert [line for line in lines if "://" in line] == []
