"""Modules that are executed only when something of theirs is used."""

from __future__ import annotations

import copy
import importlib
import pickle
import sys
import typing
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from deployer.runtime.deferred import defer, execute

HEAVY = """
import time
RAN.append(__name__)
time.sleep(0.05)
class Client:
    kinds = 3
    def __init__(self, name): self.name = name
    @classmethod
    def made(cls): return cls("made")
def double(number): return 2 * number
TABLE = {"one": 1}
"""
USER = """
from deferred_example.heavy import Client, TABLE, double
from deferred_example import heavy
def is_client(value): return isinstance(value, Client)
def client(name): return Client(name)
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that imports names of `heavy`, which is deferred. `builtins.RAN` says what was executed."""
    package = tmp_path / "deferred_example"
    package.mkdir()
    for name, text in {"__init__": "", "heavy": HEAVY, "user": USER}.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("builtins.RAN", [], raising=False)
    finders = list(sys.meta_path)
    defer(["deferred_example.heavy"], instead={})
    yield importlib.import_module("deferred_example.user")
    sys.meta_path[:] = finders
    for name in [name for name in sys.modules if name.startswith("deferred_example")]:
        del sys.modules[name]


def ran() -> list[str]:
    import builtins

    return builtins.RAN  # type: ignore[attr-defined,no-any-return]


def test_importing_names_executes_nothing(user: ModuleType) -> None:
    """`from module import name` and `from package import module` leave the module alone."""
    assert ran() == []
    assert user.Client.__class__.__name__ == "StandIn"


def test_nothing_is_an_instance_of_a_class_that_was_not_loaded(user: ModuleType) -> None:
    """A check of the type is answered without the module, and truthfully once it is there."""
    assert user.is_client("text") is False
    assert ran() == []
    assert user.is_client(user.client("one")) is True
    assert ran() == ["deferred_example.heavy"]


@pytest.mark.parametrize(
    ("use", "result"),
    [
        ("user.Client('a').name", "a"),
        ("user.double(4)", 8),
        ("user.Client.kinds", 3),
        ("user.Client.made().name", "made"),
        ("user.TABLE['one']", 1),
        ("user.heavy.double(1)", 2),
        ("type('Own', (), {}) and __import__('types').new_class('Own', (user.Client,))('b').name", "b"),
        ("issubclass(execute('deferred_example.heavy').Client, user.Client)", True),
    ],
)
def test_a_use_executes_the_module_once(user: ModuleType, use: str, result: object) -> None:
    """A stand-in that is called, subscripted, subclassed or asked for an attribute is the real thing."""
    for _ in range(2):
        assert eval(use, {"user": user, "execute": execute}) == result  # noqa: S307  the table above
    assert ran() == ["deferred_example.heavy"]


def test_an_executed_module_is_an_ordinary_one(user: ModuleType) -> None:
    """What imports it later gets its names themselves, and a name that it does not have is an error as ever."""
    module = execute("deferred_example.heavy")
    assert module is sys.modules["deferred_example.heavy"] is user.heavy
    assert isinstance(module.Client, type)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        module.nothing  # noqa: B018


def test_a_name_that_is_not_there_is_an_error_at_its_use(user: ModuleType) -> None:
    """A stand-in for nothing fails like the name would have."""
    nothing = user.heavy.nothing
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nothing()


@pytest.mark.parametrize("use", ["user.double(1)", "user.heavy.double(1)"])
def test_threads_wait_for_the_one_that_executes(user: ModuleType, use: str) -> None:
    """None of them sees half a module."""
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: eval(use, {"user": user}), range(8)))  # noqa: S307  the list above
    assert len(set(results)) == 1
    assert len(ran()) == 1


@pytest.mark.parametrize("annotation", ["user.Client | None", "None | user.Client"])
def test_a_stand_in_may_be_part_of_a_union(user: ModuleType, annotation: str) -> None:
    """As annotations that are evaluated have it."""
    made = eval(annotation, {"user": user})  # noqa: S307  the list above
    assert set(typing.get_args(made)) == {execute("deferred_example.heavy").Client, type(None)}


def test_copies_of_a_stand_in_are_the_real_name(user: ModuleType) -> None:
    """Nothing recurses or is pickled as something that waits."""
    stand_in, real = user.Client, execute("deferred_example.heavy").Client
    assert copy.copy(stand_in) is real
    assert pickle.loads(pickle.dumps(stand_in)) is real  # noqa: S301  made here
