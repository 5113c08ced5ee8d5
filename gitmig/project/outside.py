"""Revisions that are not in the repository: Alembic reads them from version locations in installed packages.

They are in the graph, and they are nobody's here: never tied to a commit, never pinned, never moved into git.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from gitmig.core.configuration import Configuration
from gitmig.core.revisions.scripts import Script, Unreadable, read_script_bytes
from gitmig.rpc.packages import folder_in_package


def outside_scripts(
    configuration: Configuration, command: Sequence[str], directory: Path
) -> tuple[Script | Unreadable, ...]:
    """The revisions of the version locations outside; their paths are absolute.

    ``command`` is the project's interpreter, ``directory`` the folder that relative locations start in. A
    location that is not there has none.
    """
    return tuple(
        found
        for location in configuration.outside
        for path in _files(_folder(location, command, directory), configuration)
        if (found := read_script_bytes(str(path), path.read_bytes())) is not None
    )


def _folder(location: str, command: Sequence[str], directory: Path) -> Path | None:
    if ":" in location and not location.startswith("/"):
        return folder_in_package(command, location)
    return (directory / location).resolve()


def _files(folder: Path | None, configuration: Configuration) -> Iterator[Path]:
    if folder is None or not folder.is_dir():
        return
    found = folder.rglob("*.py") if configuration.recursive else folder.glob("*.py")
    yield from sorted(path for path in found if not path.name.startswith((".#", "__init__")))
