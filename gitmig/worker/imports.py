"""Where the project's modules come from: the checkout, or a tree that the command line reads out of git.

``open`` puts a finder in front of every other one. It takes over what Python would search in folders of
the project, translated to a private root when the code comes from a tree; to that root, folders are
written when they are first needed. Everything else is left to the finders that were there.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import BuiltinImporter, FrozenImporter, ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .channel import Failure
from .manifest import Manifest
from .private_root import PrivateRoot, keep_databases

if TYPE_CHECKING:
    from .session import Session

FLOORS = {"alembic": (1, 11), "sqlalchemy": (2, 0)}


def open_session(session: Session) -> dict[str, Any]:
    """Check the versions and take over the imports of the project; from here on its code may run.

    Raises Failure("version") below Alembic 1.11 or SQLAlchemy 2.0.
    """
    import alembic
    import sqlalchemy

    for module in (alembic, sqlalchemy):
        floor = FLOORS[module.__name__]
        if _numbers(module.__version__) < floor:
            wanted = ".".join(map(str, floor))
            message = f"{module.__name__} {module.__version__} is too old: gitmig needs {wanted} or later"
            raise Failure("version", message, name=module.__name__)
    session.finder = TreeFinder(session)
    session.finder.install()
    _record_sources(session)
    if session.places.translated:
        keep_databases(session.places)
    sys.argv[:] = ["alembic"]
    # `python -m alembic` finds modules in the current directory, the `alembic` script does not.
    sys.path.append(session.directory)
    return {
        "python": sys.version.split()[0],
        "sqlalchemy": sqlalchemy.__version__,
        "alembic": alembic.__version__,
        "executable": sys.executable,
        # Whoever crashes cannot remove it.
        "private": session.places.root if session.places.translated else None,
    }


class TreeFinder:
    """The finder at ``sys.meta_path[0]``; records what it looked for in ``manifest``."""

    def __init__(self, session: Session):
        self.manifest = Manifest()
        self._channel = session.channel
        self._private: PrivateRoot | None = None
        if session.options.tree:
            self._private = PrivateRoot(session.places, session.channel)
            session.places = self._private.places
        self.places = session.places
        self._ignored: dict[str, bool] = {}

    def install(self) -> None:
        """Go in front of the other finders, and watch what user code opens and lists."""
        sys.meta_path.insert(0, self)
        for name in [name for name in sys.path_importer_cache if self.places.relative(name) is not None]:
            del sys.path_importer_cache[name]
        _compile_from_source(self)
        self.manifest.watch(self.places, self._private)

    def provide(self, relative: str) -> None:
        """See to it that a file or folder of the tree is there to be read."""
        if self._private is not None:
            self._private.folder(relative.rpartition("/")[0])
            self._private.folder(relative)

    def close(self) -> None:
        """Remove the private root, if there is one."""
        if self._private is not None:
            self._private.remove()

    def invalidate_caches(self) -> None:
        """Nothing is cached here that could go stale."""

    def find_spec(
        self, name: str, path: Iterable[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module as the standard finders would, with the project's folders translated."""
        if path is None:
            if BuiltinImporter.find_spec(name) or FrozenImporter.find_spec(name):
                return None
            entries: Sequence[str] = _texts(sys.path)
        else:
            entries = _texts(path)
            if all(self.places.relative(entry) is None for entry in entries):
                return None  # a submodule of somebody else's package
        found = self._ask_others(name, path, target, early=True)
        if found is None:
            found = self._search(name, entries)
        if found is None:
            found = self._ask_others(name, path, target, early=False)
        if found is not None or self._private is None:
            return found
        return self._from_checkout(name, entries)

    def _search(self, name: str, entries: Sequence[str]) -> ModuleSpec | None:
        tail = name.rpartition(".")[2]
        portions: list[str] = []
        for entry in entries:
            relative = self.places.relative(entry)
            if relative is not None:
                self._look(relative, tail)
                entry = self.places.source(relative) if self._private is not None else entry
            spec = self._in_tree(PathFinder.find_spec(name, [entry]))
            if spec is None:
                continue
            if spec.loader is not None:
                return spec
            portions.extend(spec.submodule_search_locations or ())
        return self._namespace(name, portions) if portions else None

    def _look(self, folder: str, tail: str) -> None:
        path = f"{folder}/{tail}" if folder else tail
        if self._private is not None:
            listing = self._private.folder(folder)
            if listing is not None and tail in listing.folders:
                self._private.folder(path)
        self.manifest.look(path, self.places.source(path))

    def _namespace(self, name: str, portions: list[str]) -> ModuleSpec:
        spec = ModuleSpec(name, None, is_package=True)
        kind = getattr(sys.modules["_frozen_importlib_external"], "_NamespacePath", None) or _no_recalculation
        spec.submodule_search_locations = kind(name, portions, self.find_spec)
        return spec

    def _ask_others(
        self, name: str, path: Iterable[str] | None, target: ModuleType | None, *, early: bool
    ) -> ModuleSpec | None:
        """Finders of others (editable installs): those before the standard path search, or after."""
        finders = list(sys.meta_path)
        standard = finders.index(PathFinder) if PathFinder in finders else len(finders)
        for finder in finders[:standard] if early else finders[standard:]:
            if finder is self or finder in (BuiltinImporter, FrozenImporter, PathFinder):
                continue
            find = getattr(finder, "find_spec", None)
            spec = self._in_tree(find(name, path, target)) if find is not None else None
            if spec is not None:
                return spec
        return None

    def _in_tree(self, spec: ModuleSpec | None) -> ModuleSpec | None:
        """A spec that leads to the checkout, made to lead to the tree; None if the tree has no such file."""
        if spec is None or self._private is None or not spec.origin or not os.path.isabs(spec.origin):
            return spec
        relative = self.places.relative(spec.origin)
        if relative is None or self.places.in_root(spec.origin):
            return spec
        self.provide(relative)
        origin = self.places.source(relative)
        if not os.path.isfile(origin):
            return self._taken_from_checkout(spec)
        path = relative.rpartition(".")[0].removesuffix("/__init__")
        self.manifest.look(path, self.places.source(path))
        package = spec.submodule_search_locations is not None
        folders = [os.path.dirname(origin)] if package else None
        return importlib.util.spec_from_file_location(spec.name, origin, submodule_search_locations=folders)

    def _from_checkout(self, name: str, entries: Sequence[str]) -> ModuleSpec | None:
        """What no finder found in the tree: an ignored, generated module is taken from the checkout."""
        for entry in entries:
            relative = self.places.relative(entry)
            if relative is not None:
                folder = os.path.join(self.places.top, *relative.split("/")) if relative else self.places.top
                spec = PathFinder.find_spec(name, [folder])
                if spec is not None and (taken := self._taken_from_checkout(spec)) is not None:
                    return taken
                if spec is not None:
                    # The standard finder after this one would import it from the checkout.
                    raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None

    def _taken_from_checkout(self, spec: ModuleSpec) -> ModuleSpec | None:
        place = (
            spec.origin
            if spec.loader is not None
            else next(iter(spec.submodule_search_locations or ()), None)
        )
        relative = self.places.relative(place) if place else None
        if relative is None:
            return None
        if self._is_ignored(relative):
            if spec.loader is not None:
                self.manifest.files.add(relative)
                self.manifest.checkout_files.add(relative)
            return spec
        if spec.loader is not None:
            self.manifest.untracked.add(relative)
        return None

    def _is_ignored(self, relative: str) -> bool:
        if relative not in self._ignored:
            self._ignored[relative] = bool(self._channel.ask("ignored", path=relative).get("ignored"))
        return self._ignored[relative]

    def verify(self) -> None:
        """Raise Failure where a module of the project came from the checkout although a tree was named."""
        if self._private is None:
            return
        for name, module in list(sys.modules.items()):
            place = getattr(module, "__file__", None)
            if not isinstance(place, str) or name == "__main__":
                continue
            relative = self.places.relative(place)
            if relative is None or self.places.in_root(place) or self._is_ignored(relative):
                continue
            raise Failure("project-code", f"{name} was imported from the work tree by its path: {relative}")


def _texts(entries: Iterable[object]) -> list[str]:
    return [entry for entry in entries if isinstance(entry, str)]


def _no_recalculation(name: str, portions: list[str], find: object) -> list[str]:
    return portions


def _compile_from_source(finder: TreeFinder) -> None:
    """Compile the project's modules from source, always; bytecode of them is neither read nor written.

    Edits of one second that keep the size leave stale bytecode behind. This is the one class that loads
    source files, also for alembic's own loading of env.py and scripts.
    """
    loader: Any = importlib.machinery.SourceFileLoader
    original = loader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        path = self.get_filename(fullname)
        relative = finder.places.relative(path)
        if relative is None:
            return original(self, fullname)
        finder.manifest.read(path)
        return self.source_to_code(self.get_data(path), path)

    loader.get_code = get_code


def _record_sources(session: Session) -> None:
    """Remember for every table the file whose top-level code was running when it was made."""
    from sqlalchemy import MetaData, Table, event

    def made(table: Table, parent: object) -> None:
        frame = sys._getframe(1) if isinstance(parent, MetaData) else None
        while frame is not None:
            if frame.f_code.co_name == "<module>":
                relative = session.places.relative(frame.f_code.co_filename)
                if relative is not None:
                    session.sources[id(parent), table.key] = relative
                    return
            frame = frame.f_back

    event.listen(Table, "after_parent_attach", made)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
