"""The code of another tree, for the scripts of revisions that come from it.

env.py and the models keep the modules that they imported. Around whatever such a script runs, the modules,
the current directory, ``sys.path`` and the script directory are exchanged for those of its own tree.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .places import Places

if TYPE_CHECKING:
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from ..session import Session


class World:
    """One tree: the folder it is laid out in, and the modules that were imported from there."""

    def __init__(self, session: Session, tree: dict[str, Any]):
        """``tree``: ``{root, folder, paths, script_location, versions}``; all but ``root`` relative to it."""
        session.places.add_root(os.path.realpath(tree["root"]))
        session.foreign.clear()
        self._session = session
        self._places = Places(session.places.top, tree["root"], session.places.others)
        self._folder = self._places.source(tree["folder"])
        self._tree = tree
        self._path = [*map(self._places.source, tree["paths"]), *self._translated(sys.path)]
        self._modules: dict[str, ModuleType] = {}

    @functools.cached_property
    def script(self) -> ScriptDirectory:
        """The script directory of the tree."""
        from alembic.script import ScriptDirectory

        source = self._places.source
        locations: Any = list(map(source, self._tree["versions"]))
        return ScriptDirectory(source(self._tree["script_location"]), version_locations=locations)

    @contextmanager
    def in_place(self, context: MigrationContext) -> Iterator[None]:
        """Have the code of this tree seen, instead of that which env.py sees."""
        theirs = self._projects()
        path, folder, script = list(sys.path), os.getcwd(), context.script
        _exchange(theirs, self._modules)
        sys.path[:] = self._path
        os.chdir(self._folder)
        context.script = self.script
        try:
            with self._session.importing.elsewhere(self._places):
                yield
        finally:
            context.script = script
            os.chdir(folder)
            self._path, sys.path[:] = list(sys.path), path
            self._modules = self._projects()
            _exchange(self._modules, theirs)

    def seen_by(self, function: Callable[..., Any], context: MigrationContext) -> Callable[..., Any]:
        """The function, which sees this tree whenever it runs."""

        @functools.wraps(function)
        def seeing(*args: Any, **arguments: Any) -> Any:
            with self.in_place(context):
                return function(*args, **arguments)

        return seeing

    def _translated(self, entries: list[str]) -> Iterator[str]:
        for entry in entries:
            relative = self._session.places.relative(entry)
            yield entry if relative is None else self._places.source(relative)

    def _projects(self) -> dict[str, ModuleType]:
        """The modules that are the project's, of whichever tree."""
        foreign, found = self._session.foreign, {}
        for name, module in sys.modules.items():
            # Of many hundreds, each of which has said once where it is from.
            if foreign.get(name) is not module:
                if self._is_projects(module):
                    found[name] = module
                else:
                    foreign[name] = module
        return found

    def _is_projects(self, module: ModuleType) -> bool:
        relative = self._session.places.relative
        return module.__name__ != "__main__" and any(
            relative(place) is not None for place in _places_of(module)
        )


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
