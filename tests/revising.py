"""What the tests of ``revise`` and ``upgrade`` share."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from tests.story import Project

NAME = "    name: Mapped[str | None] = mapped_column(String)\n"
"""One more column, to be appended to MODELS."""


def begun(folder: Path) -> Project:
    """A project on SQLite with its first revision applied and committed."""
    top = folder / "begun"
    shutil.copytree(_begun(), top, symlinks=True)
    project = Project(top)
    project.git("update-index", "-q", "--refresh")
    return project


def begun_on(folder: Path, url: str) -> Project:
    """The same on another database."""
    project = Project.create(folder, url)
    project.gitmig("revise", "-m", "First revision", check=0)
    return project


@functools.cache
def _begun() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gitmig-begun-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = Project.create(folder)
    project.gitmig("revise", "-m", "First revision", check=0)
    return project.top


def scripts(project: Project) -> tuple[str, ...]:
    """The revision files on disk."""
    folder = project.path("alembic/versions")
    return tuple(sorted(path.relative_to(project.top).as_posix() for path in folder.glob("*.py")))


def newest(project: Project, before: tuple[str, ...]) -> str:
    """The one revision file that was not there before."""
    (path,) = set(scripts(project)) - set(before)
    return path


def revision_of(path: str) -> str:
    """The id in a revision file's name."""
    return Path(path).name.partition("_")[0]


def header(project: Project, path: str) -> tuple[str, ...]:
    """The lines of the record in a revision's docstring."""
    return tuple(line for line in project.read(path).splitlines() if line.startswith(("Models:", "Schema:")))


def committed(project: Project, commit: str = "HEAD") -> tuple[str, ...]:
    """The paths that a commit changed."""
    names = project.git("diff-tree", "--root", "--no-commit-id", "--name-only", "-r", "-z", commit)
    return tuple(sorted(name for name in names.split("\0") if name))


def hook(project: Project, *lines: str) -> None:
    """A pre-commit script of the shell."""
    path = project.path(".git/hooks/pre-commit")
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
    path.chmod(0o755)


def editor(project: Project, *lines: str) -> dict[str, str | None]:
    """An environment whose editor is a shell script; ``$1`` is the file."""
    path = project.top.parent / "editor"
    path.write_text("\n".join(("#!/bin/sh", *lines, "")), encoding="utf-8")
    path.chmod(0o755)
    return {"GIT_EDITOR": str(path)}
