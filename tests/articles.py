"""The article's project with its two revisions, for tests of what comes after."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.story import USERNAME, Project

EMAIL = "    email: Mapped[str | None] = mapped_column(String)\n"
"""A third step, to be appended after USERNAME."""

ONE = '''\
"""{message}

Revision ID: {revision}
"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {parent!r}


def upgrade():
    {up}


def downgrade():
    {down}
'''
"""A revision as plain Alembic would have it, without any record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A project at its second revision, everything committed, the hook not installed."""

    project: Project
    first: str
    second: str
    first_commit: str
    second_commit: str


def article(folder: Path) -> Article:
    """On SQLite; made once in each process and copied."""
    top = folder / "article"
    shutil.copytree(_made(), top, symlinks=True)
    project = Project(top)
    project.git("update-index", "-q", "--refresh")
    return told(project)


def article_on(folder: Path, url: str) -> Article:
    """On another database."""
    project = Project.create(folder, url)
    write_article(project)
    return told(project)


def sized(folder: Path, url: str) -> Article:
    """On MariaDB, where a text needs a length."""
    project = Project.create(folder, url)
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append("app/models.py", USERNAME.replace("String", "String(20)"))
    project.gitmig("revise", "-m", "Add username for user", check=0)
    return told(project)


def write_article(project: Project) -> None:
    """The article's two steps."""
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username for user", check=0)


def told(project: Project) -> Article:
    """The ids of a project at its second revision."""
    second, first = project.gitmig("log", "--json", check=0).json["revisions"]
    return Article(
        project=project,
        first=first["revision"],
        second=second["revision"],
        first_commit=project.git("rev-parse", "HEAD~1"),
        second_commit=project.git("rev-parse", "HEAD"),
    )


def third(article: Article) -> str:
    """Make a third revision; its id."""
    article.project.append("app/models.py", EMAIL)
    revised = article.project.gitmig("revise", "-m", "Add an e-mail address", "--json", check=0)
    revision: str = revised.json["revision"]
    return revision


def plain(project: Project, revision: str, parent: str | None, *, up: str, down: str, message: str) -> str:
    """Write a revision file without a record, as plain Alembic would; its path."""
    path = f"alembic/versions/{revision}_plain.py"
    project.write(path, ONE.format(revision=revision, parent=parent, message=message, up=up, down=down))
    return path


USER = ("op.create_table('user', sa.Column('id', sa.Integer, primary_key=True))", "op.drop_table('user')")
NAMED = ("op.add_column('user', sa.Column('username', sa.String))", "op.drop_column('user', 'username')")


def by_alembic(folder: Path) -> Article:
    """The article's two steps made with plain Alembic: revisions a1a1 and b2b2 without any record."""
    project = Project.create(folder)
    plain(project, "a1a1", None, up=USER[0], down=USER[1], message="First revision")
    first = project.commit("First revision")
    project.append("app/models.py", "    username: Mapped[str | None] = mapped_column(String)\n")
    plain(project, "b2b2", "a1a1", up=NAMED[0], down=NAMED[1], message="Add username for user")
    second = project.commit("Add username for user")
    project.alembic("upgrade", "head")
    return Article(project=project, first="a1a1", second="b2b2", first_commit=first, second_commit=second)


def findings(answer: object) -> Sequence[str]:
    """The codes of a JSON answer's findings."""
    assert isinstance(answer, dict)
    return [finding["code"] for finding in answer["findings"]]


@functools.cache
def _made() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gitmig-article-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = Project.create(folder)
    write_article(project)
    return project.top
