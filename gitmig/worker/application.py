"""The application as another version of the code has it, for the scripts of that side of a move.

env.py and the models keep the modules that they imported: the two versions are exchanged in ``sys.modules``
around whatever a script runs, its imports inside of functions too.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from .places import Places


class Application:
    """One version: the folders that its modules are imported from, and those that were."""

    def __init__(self, places: Places, roots: Sequence[str]):
        self._places = places
        self._roots = list(roots)
        self._modules: dict[str, ModuleType] = {}

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """In front of all finders, as an editable install would lead to the checkout."""
        found = PathFinder.find_spec(name, self._roots) if path is None else None
        return found if found is not None and found.loader is not None else None

    def invalidate_caches(self) -> None:
        """Nothing is cached here that could go stale."""

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Have this version imported, instead of the one that env.py sees."""
        others = {name: module for name, module in sys.modules.items() if self._is_projects(module)}
        before = list(sys.path)
        _exchange(others, self._modules)
        sys.path[:0] = self._roots
        sys.meta_path.insert(0, self)
        try:
            yield
        finally:
            sys.meta_path.remove(self)
            sys.path[:] = before
            self._modules = {name: module for name, module in sys.modules.items() if self._is_own(module)}
            _exchange(self._modules, others)

    def seen_by(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, which finds this version whenever it runs."""

        @functools.wraps(function)
        def seeing(*args: Any, **arguments: Any) -> Any:
            with self.in_place():
                return function(*args, **arguments)

        return seeing

    def _is_projects(self, module: ModuleType) -> bool:
        return module.__name__ != "__main__" and any(
            self._places.relative(place) is not None for place in _places_of(module)
        )

    def _is_own(self, module: ModuleType) -> bool:
        return any(place.startswith(tuple(self._roots)) for place in _places_of(module))


def _exchange(out: dict[str, ModuleType], into: dict[str, ModuleType]) -> None:
    for name in out:
        sys.modules.pop(name, None)
    sys.modules.update(into)


def _places_of(module: object) -> list[str]:
    """The file of a module, or the folders of a package that has none."""
    place = getattr(module, "__file__", None)
    if isinstance(place, str):
        return [place]
    try:
        return [str(folder) for folder in getattr(module, "__path__", None) or ()]
    except TypeError:
        return []  # some modules answer to every name
