"""Modules that are executed only when something of theirs is used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from deployer.runtime.deferred import defer, execute

HEAVY = """
RAN.append(__name__)
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
from deferred_example import heavy, light
def is_client(value): return isinstance(value, Client)
def client(name): return Client(name)
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module that imports names of `heavy`, which is deferred. `builtins.RAN` says what was executed."""
    package = tmp_path / "deferred_example"
    package.mkdir()
    for name, text in {"__init__": "", "heavy": HEAVY, "user": USER, "light": "RAN.append(__name__)"}.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("builtins.RAN", [], raising=False)
    finders = list(sys.meta_path)
    defer(["deferred_example.heavy"], lazy=["deferred_example.light"], instead={})
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


def test_lazy_modules_wait_for_an_attribute(user: ModuleType) -> None:
    """Python's own LazyLoader: the name is bound, and the module executed when something of it is read."""
    assert ran() == []
    assert user.light.__name__ == "deferred_example.light"
    vars(user.light)
    with pytest.raises(AttributeError):
        user.light.nothing  # noqa: B018
    assert ran() == ["deferred_example.light"]
