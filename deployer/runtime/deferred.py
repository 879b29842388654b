"""Modules that are executed only when something of theirs is used.

`from module import name` asks for a name at once: of a deferred module that gets a stand-in, which executes the module
when it is called, subscripted, subclassed or asked for an attribute. A stand-in is no class, so that is for modules
whose names are used in functions and annotations alone. (Python's own LazyLoader executes at the first name, and two
threads that meet there get half of a module.)
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Mapping
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any, Union

_lock = threading.RLock()  # held while a module is executed: others that need it wait


def defer(names: Iterable[str], *, instead: Mapping[str, Mapping[str, Any]]) -> None:
    """From now on these modules, and those inside of them, are deferred unless they are imported already.

    `instead` has for a module the names that until its execution mean something else.
    """
    sys.meta_path.insert(0, _Finder(frozenset(names), instead))


def deferring() -> bool:
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


def execute(name: str) -> ModuleType:
    """The module itself, imported and executed."""
    __import__(name)
    module = sys.modules[name]
    with _lock:
        if isinstance(module, _Deferred) and not module.is_executing:
            _execute(module)
    return module


def _execute(module: _Deferred) -> None:
    loader = vars(module)["__loader__"]
    vars(module)["is_executing"] = True
    try:
        loader.real.exec_module(module)
    finally:
        del vars(module)["is_executing"]
    module.__spec__.loader = module.__loader__ = loader.real  # type: ignore[union-attr]
    object.__setattr__(module, "__class__", ModuleType)  # last: until then others wait, or get stand-ins


class _Finder(MetaPathFinder):
    def __init__(self, names: frozenset[str], instead: Mapping[str, Mapping[str, Any]]) -> None:
        self._names, self._instead = names, instead
        self._packages = frozenset(name.partition(".")[0] for name in names)

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in self._packages or not self._covers(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader, self._instead.get(fullname, {}))
        return spec

    def _covers(self, name: str) -> bool:
        while name:
            if name in self._names:
                return True
            name = name.rpartition(".")[0]
        return False


class _Later(Loader):
    def __init__(self, real: Any, instead: Mapping[str, Any]) -> None:
        self.real, self._instead = real, instead

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Deferred(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self._instead)


class _Deferred(ModuleType):
    """A module that has not been executed: it has its submodules, and a stand-in for each name it is asked for."""

    is_executing = False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self._has_submodule(name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return StandIn(self, name)

    def _has_submodule(self, name: str) -> bool:
        path = vars(self).get("__path__")
        return path is not None and PathFinder.find_spec(f"{self.__name__}.{name}", path) is not None


class StandIn:
    """For one name of a deferred module. Until that is executed nothing can be an instance of its classes."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module, self._name = module, name

    def _real(self) -> Any:
        return _name_of(self._module.__name__, self._name)

    def __getattr__(self, name: str) -> Any:
        if name in ("_module", "_name"):  # of a copy that is only half made
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._real()(*args, **kwargs)

    def __getitem__(self, item: Any) -> Any:
        return self._real()[item]

    def __or__(self, other: Any) -> Any:
        return Union[self._real(), other]  # noqa: UP007  an operator that older Pythons do not have

    def __ror__(self, other: Any) -> Any:
        return Union[other, self._real()]  # noqa: UP007

    def __reduce__(self) -> Any:
        return _name_of, (self._module.__name__, self._name)

    def __mro_entries__(self, bases: Any) -> tuple[Any, ...]:
        return (self._real(),)

    def __instancecheck__(self, instance: Any) -> bool:
        return not isinstance(self._module, _Deferred) and isinstance(instance, self._real())

    def __subclasscheck__(self, subclass: Any) -> bool:
        return not isinstance(self._module, _Deferred) and issubclass(subclass, self._real())


def _name_of(module: str, name: str) -> Any:
    return getattr(execute(module), name)
