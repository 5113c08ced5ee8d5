"""What lies beside a tree where it is laid out: links to what git ignores, and what is left over."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

_SMALL = 500
"""Files in an ignored folder that is laid out with a link for each; a larger one is one link."""


def remove(place: Path) -> None:
    """Delete a file, a link or a folder with all that is in it, if it is there."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


def remove_bytecode(source: Path) -> None:
    """Delete the bytecode of a module that is going to change: its time and size may stay the same."""
    if source.suffix == ".py":
        folder = source.parent / "__pycache__"
        # Most folders have none. Else git would leave the folder of a package behind.
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                if name.startswith(f"{source.stem}.") and name.endswith(".pyc"):
                    (folder / name).unlink(missing_ok=True)
            folder.rmdir()


def is_bytecode(path: str) -> bool:
    """Whether a path is that of compiled Python, or of a folder of it."""
    return path.endswith(".pyc") or path.rpartition("/")[2] == "__pycache__"


def has_source(compiled: Path) -> bool:
    """Whether a module's source is beside the folder that its bytecode is in."""
    return (compiled.parent.parent / f"{compiled.name.partition('.')[0]}.py").is_file()


def files_of_small(top: Path, folder: str) -> list[str] | None:
    """The files in an ignored folder; None if there are too many, or it is an environment or a repository."""
    found: list[str] = []
    seen = 0
    for place, folders, files in os.walk(top / folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        seen += len(folders) + len(files)
        if ".git" in folders or "pyvenv.cfg" in files or seen > _SMALL:
            return None
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        found += [os.path.relpath(os.path.join(place, name), top) for name in (*files, *links)]
    return found


def link(place: Path, target: Path) -> None:
    """Make a link, unless the tree has something there; a folder of its own is filled up."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(relative(target, place))
    except FileExistsError:
        if place.is_dir() and not place.is_symlink() and target.is_dir():
            for inside in os.listdir(target):
                if not is_bytecode(inside):
                    link(place / inside, target / inside)
    except NotADirectoryError:
        return  # the tree has a file there


def relative(target: Path, link: Path) -> str:
    """What a link says that leads to a place."""
    return os.path.relpath(target, link.parent)


def remove_empty(folder: Path, top: Path) -> None:
    """Delete a folder in which nothing is left, and those above it: each could be imported."""
    while folder != top:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent
