"""Modules that are executed only when something of theirs is used.

Python's own `LazyLoader` waits for the first attribute of a module, and `from … import …` asks for one at once. Here a
name then gets a stand-in, which executes the module when it is called, subscripted, subclassed or asked for an
attribute. A stand-in is no class, so that is for modules whose names are used in functions and annotations alone.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Mapping
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType
from typing import Any

_lock = threading.RLock()


def defer(names: Iterable[str], *, lazy: Iterable[str], instead: Mapping[str, Mapping[str, Any]]) -> None:
    """From now on the modules `names`, and those inside of them, are deferred; `lazy` ones get Python's LazyLoader.

    `instead` has for a deferred module the names that until its execution mean something else.
    """
    sys.meta_path.insert(0, _Finder(frozenset(names), frozenset(lazy), instead))


def deferring() -> bool:
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


def execute(name: str) -> ModuleType:
    """The module itself, imported and executed."""
    __import__(name)
    module = sys.modules[name]
    with _lock:
        if isinstance(module, _Deferred):
            spec: Any = module.__spec__
            spec.loader = module.__loader__ = spec.loader.real
            object.__setattr__(module, "__class__", ModuleType)
            spec.loader.exec_module(module)
    return module


class _Finder(MetaPathFinder):
    def __init__(self, names: frozenset[str], lazy: frozenset[str], instead: Mapping[str, Mapping[str, Any]]) -> None:
        self._names, self._lazy, self._instead = names, lazy, instead
        self._packages = frozenset(name.partition(".")[0] for name in names)

    def find_spec(self, fullname: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        deferred = fullname.partition(".")[0] in self._packages and self._covers(fullname)
        if not deferred and fullname not in self._lazy:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            real: Any = spec.loader
            spec.loader = _Later(real, self._instead.get(fullname, {})) if deferred else LazyLoader(real)
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

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or self._has_submodule(name):
            raise AttributeError(name)
        return StandIn(self, name)

    def _has_submodule(self, name: str) -> bool:
        path = vars(self).get("__path__")
        return path is not None and PathFinder.find_spec(f"{self.__name__}.{name}", path) is not None


class StandIn:
    """For one name of a deferred module. Until that is executed nothing can be an instance of its classes."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module, self._name = module, name

    def _real(self) -> Any:
        return getattr(execute(self._module.__name__), self._name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._real()(*args, **kwargs)

    def __getitem__(self, item: Any) -> Any:
        return self._real()[item]

    def __mro_entries__(self, bases: Any) -> tuple[Any, ...]:
        return (self._real(),)

    def __instancecheck__(self, instance: Any) -> bool:
        return not isinstance(self._module, _Deferred) and isinstance(instance, self._real())

    def __subclasscheck__(self, subclass: Any) -> bool:
        return not isinstance(self._module, _Deferred) and issubclass(subclass, self._real())
