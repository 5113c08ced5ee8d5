"""The ``open`` request: from here on the project's code may run."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from ..channel import Failure
from ..importing.databases import keep_databases
from ..importing.finder import Importing
from ..importing.places import Places

if TYPE_CHECKING:
    from ...wire.opening import Opening
    from ..session import Session

FLOORS = {"alembic": (1, 11), "sqlalchemy": (2, 0)}


def open_session(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Check the versions, go to the folder that the code comes from, and take over its imports.

    Returns ``{top}``, where the checkout is for this process. Raises Failure("version") below Alembic 1.11 or
    SQLAlchemy 2.0, Failure("elsewhere") if this process does not see the checkout or the tree's folder.
    """
    _require_versions()
    session.places = _places(session.options)
    session.importing = Importing(session.places)
    session.importing.install()
    _record_sources(session)
    if session.places.elsewhere:
        keep_databases(session.places)
    for name, value in os.environ.items() if session.places.checkouts else ():
        if name != "HOME" and "/" in value:
            os.environ[name] = session.places.translated_text(value)
    os.chdir(session.directory)
    if "PWD" in os.environ:
        os.environ["PWD"] = session.directory
    sys.argv[:] = ["alembic"]
    # `python -m alembic` finds modules in the current directory, the `alembic` script does not.
    sys.path += map(session.places.source, dict.fromkeys((session.options.folder, *session.options.paths)))
    return {"top": session.places.top}


def _require_versions() -> None:
    import alembic
    import sqlalchemy

    for module in (alembic, sqlalchemy):
        floor = FLOORS[module.__name__]
        if _numbers(module.__version__) < floor:
            wanted = ".".join(map(str, floor))
            message = f"{module.__name__} {module.__version__} is too old: gitmig needs {wanted} or later"
            raise Failure("version", message, name=module.__name__)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())


def _places(options: Opening) -> Places:
    top = _top(options)
    root = None if options.root is None else os.path.join(top, options.root)
    if root is not None and not os.path.isdir(root):
        message = f"the project's interpreter does not see {options.root}, where the code of a commit lies"
        raise Failure("elsewhere", message)
    return Places(top, root, options.others)


def _top(options: Opening) -> str:
    """The checkout. In a container it may lie somewhere else: then this process was started in it."""
    if options.inode and _inode(options.top) == options.inode:
        return options.top
    here = os.getcwd()
    depth = len([part for part in options.folder.split("/") if part])
    above = os.path.normpath(os.path.join(here, *[os.pardir] * depth))
    for top in (above, here):
        named = [
            os.path.join(top, path) for path in (options.ini, options.toml, options.script_location) if path
        ]
        if named and all(os.path.exists(path) for path in named):
            return top
    wanted = options.ini or options.toml or options.script_location
    message = f"the project's interpreter starts in {here}, where there is no {wanted}"
    raise Failure("elsewhere", message)


def _inode(path: str) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError:
        return ()
    return found.st_dev, found.st_ino


def _record_sources(session: Session) -> None:
    """Remember for every table the file whose top-level code was running when it was made."""
    from sqlalchemy import MetaData, Table, event

    def made(table: Table, parent: object) -> None:
        frame = sys._getframe(1) if isinstance(parent, MetaData) else None
        while frame is not None:
            if frame.f_code.co_name == "<module>":
                path = frame.f_code.co_filename
                # exec() of a text: it was read from a file just before.
                text = path.startswith("<") and not path.startswith("<frozen")
                relative = session.importing.manifest.latest if text else session.places.relative(path)
                if relative is not None:
                    session.sources[id(parent), table.key] = relative
                    return
            frame = frame.f_back

    event.listen(Table, "after_parent_attach", made)
