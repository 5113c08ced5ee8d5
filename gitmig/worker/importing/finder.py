"""How the project's modules are found: by Python's own means, in the folder that the tree lies in.

A path hook takes over the folders of the project. Whatever leads to the checkout (an entry of ``sys.path``
with an absolute path, the finder of an editable install) is led to the tree's folder, and what was looked for
is recorded. All other folders are left to the hooks that were there.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    BuiltinImporter,
    ExtensionFileLoader,
    FileFinder,
    FrozenImporter,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from types import ModuleType
from typing import Any

from ..channel import Failure
from .manifest import ManifestRecorder
from .places import Places

_LOADERS: tuple[tuple[Any, list[str]], ...] = (
    (ExtensionFileLoader, EXTENSION_SUFFIXES),
    (SourceFileLoader, SOURCE_SUFFIXES),
    (SourcelessFileLoader, BYTECODE_SUFFIXES),
)
_STANDARD = (BuiltinImporter, FrozenImporter, PathFinder)
_RACY = 2.0
"""Seconds. Bytecode knows its source by size and by time in whole seconds, so that an edit within the same
second goes unnoticed: bytecode that is not this much younger than its source is not believed."""


class Importing:
    """The imports of one worker.

    Attributes:
        places: where the project's modules are found now.
        manifest: what was looked for and read.
    """

    def __init__(self, places: Places):
        self.places = places
        self.manifest = ManifestRecorder(places)

    def install(self) -> None:
        """Take over the folders of the project, and watch what its code opens and lists."""
        sys.path_hooks.insert(0, self._finder)
        if self.places.checkouts:
            sys.path[:] = map(self.places.translated, sys.path)
            sys.meta_path[:] = list(self._translating(sys.meta_path))
        if not self.places.elsewhere:
            _distrust_young_bytecode(self)
        self.forget()
        self.manifest.watch()

    def forget(self) -> None:
        """Have the folders of the project looked at again."""
        for name in [name for name in sys.path_importer_cache if self.places.relative(name) is not None]:
            del sys.path_importer_cache[name]

    @contextmanager
    def elsewhere(self, places: Places) -> Iterator[None]:
        """Find the project's modules somewhere else for a while."""
        before, self.places = self.places, places
        self.forget()
        try:
            yield
        finally:
            self.places = before
            self.forget()

    def verify(self) -> None:
        """Raise Failure "work-tree" if something came from a checkout that the tree has otherwise."""
        if not self.places.checkouts:
            return
        for name, module in list(sys.modules.items()):
            place = getattr(module, "__file__", None)
            if isinstance(place, str) and name != "__main__":
                self.manifest.read(place)  # it may have been imported before anybody watched
        for place in sorted(self.manifest.astray):
            if not self.places.is_same(place):
                relative = self.places.relative(place)
                which = "the work tree" if self.places.elsewhere else "another work tree"
                message = f"{relative} is read from {which}, which has another one than what is judged"
                raise Failure("work-tree", message)

    def _finder(self, entry: str) -> FileFinder:
        relative = self.places.relative(entry)
        # A file is no folder: `runpy` asks whether it is. A folder that only the checkout has is empty.
        place = entry if relative is None else self.places.source(relative)
        if relative is None or not (os.path.isdir(entry) or os.path.isdir(place)):
            raise ImportError(f"{entry} is not a folder of the project")
        return ProjectFinder(relative, place, self.manifest)

    def _translating(self, finders: list[Any]) -> Iterator[Any]:
        for finder in finders:
            if finder not in _STANDARD and hasattr(finder, "find_spec"):
                yield Translating(finder, self)
            yield finder


class ProjectFinder(FileFinder):
    """Finds the modules in one folder of the project."""

    def __init__(self, relative: str, folder: str, manifest: ManifestRecorder):
        super().__init__(folder, *_LOADERS)
        self._folder = folder
        self._relative = relative
        self._manifest = manifest

    def find_spec(self, fullname: str, target: ModuleType | None = None) -> ModuleSpec | None:
        """As FileFinder finds it; records what was looked for."""
        tail = fullname.rpartition(".")[2]
        path = f"{self._relative}/{tail}" if self._relative else tail
        self._manifest.look(path, os.path.join(self._folder, tail))
        return super().find_spec(fullname, target)


class Translating:
    """Goes before somebody else's finder (of an editable install), and leads what it finds to the tree."""

    def __init__(self, finder: Any, importing: Importing):
        self._finder = finder
        self._importing = importing

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The module in the tree. Raises ModuleNotFoundError if only the checkout has it."""
        spec: ModuleSpec | None = self._finder.find_spec(name, path, target)
        places = self._importing.places
        if spec is None or not spec.origin or not os.path.isabs(spec.origin):
            return None
        relative = places.relative(spec.origin)
        if relative is None or not places.is_astray(spec.origin):
            return None
        origin = places.source(relative)
        stem = relative.rpartition(".")[0].removesuffix("/__init__")
        self._importing.manifest.look(stem, places.source(stem))
        if not os.path.isfile(origin):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        folders = [os.path.dirname(origin)] if spec.submodule_search_locations is not None else None
        return importlib.util.spec_from_file_location(name, origin, submodule_search_locations=folders)

    def invalidate_caches(self) -> None:
        """Nothing is cached here."""


def _distrust_young_bytecode(importing: Importing) -> None:
    """Compile a module of the project from its source if its bytecode may be that of an earlier edit.

    Bytecode is not written into the project's folders. This is the one class that loads source files, also
    for Alembic's own loading of env.py and of scripts.
    """
    loader: Any = SourceFileLoader
    original: Callable[[Any, str], Any] = loader.get_code

    @functools.wraps(original)
    def get_code(self: Any, fullname: str) -> Any:
        path = self.get_filename(fullname)
        if importing.places.relative(path) is None:
            return original(self, fullname)
        importing.manifest.read(path)
        if not _is_settled(path):
            return self.source_to_code(self.get_data(path), path)
        writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            return original(self, fullname)
        finally:
            sys.dont_write_bytecode = writes

    loader.get_code = get_code


def _is_settled(path: str) -> bool:
    try:
        compiled = os.stat(importlib.util.cache_from_source(path)).st_mtime
        return compiled > os.stat(path).st_mtime + _RACY
    except (OSError, NotImplementedError):
        return False
