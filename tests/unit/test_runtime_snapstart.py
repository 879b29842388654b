"""The hooks of SnapStart, without Lambda. With it they are in tests/functional/test_snapstart_hooks.py."""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from deployer.runtime import snapstart


@pytest.fixture
def seeded() -> Iterator[None]:
    """What the hooks change is as before afterwards."""
    state = random.getstate()
    random.seed(7)
    yield
    random.setstate(state)


def test_what_was_seeded_draws_anew_after_a_restore(seeded: None) -> None:
    """Else every environment of one snapshot drew the same."""
    foreseen = random.Random(7).random()  # noqa: S311
    snapstart.after_restore()
    assert random.random() != foreseen  # noqa: S311


def test_libraries_are_seeded_where_they_are_loaded(seeded: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not loaded for it."""
    called = []
    for name in ("numpy.random", "torch"):
        library = ModuleType(name)
        library.seed = lambda name=name: called.append(name)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, library)
    snapstart.after_restore()
    assert called == ["numpy.random", "torch"]
    for name in called:
        monkeypatch.delitem(sys.modules, name)
    snapstart.after_restore()
    assert called == ["numpy.random", "torch"]
    assert "torch" not in sys.modules


def test_garbage_is_not_in_the_snapshot() -> None:
    """Nor is what is in it looked through at the first collection after a restore."""
    gc.disable()
    try:
        snapstart.before_snapshot()
        assert gc.get_freeze_count() > 0
        assert gc.collect() < 1000
    finally:
        gc.unfreeze()
        gc.enable()


def test_nothing_is_registered_without_a_snapshot() -> None:
    """The module that takes the hooks, which is not there in this environment, is not even imported."""
    snapstart.register({"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand"})
    snapstart.register({})
    with pytest.raises(ModuleNotFoundError):
        snapstart.register({"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})
