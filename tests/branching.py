"""Two branches of the article's project that both add revisions, for tests of what joins them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests import database
from tests.articles import EMAIL, Article, article, article_on
from tests.story import Project

MODELS = "app/models.py"
COLUMN = "    {}: Mapped[str | None] = mapped_column(String)\n"
ORDER = '''\
class Order(Base):
    """What somebody wants."""

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)


'''
"""A table of the other side, which git merges with a column at the end of the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branches:
    """``main`` and ``topic``, each with a revision on top of ``fork``; topic is checked out, and applied."""

    project: Project
    fork: str
    theirs: str
    """main's: the table ``order``."""
    ours: str
    """topic's: the column ``user.email``."""

    def other_clone(self, top: Path) -> Project:
        """A clone of somebody else's with topic applied and a row, by way of a bare repository ``origin``."""
        self.project.git("clone", "--quiet", "--bare", ".", str(top.parent / "origin.git"))
        self.project.git("remote", "add", "origin", "../origin.git")
        self.project.git("fetch", "--quiet", "origin")
        other = self.project.beside(top)
        self.project.git("clone", "--quiet", "--branch", "topic", "../origin.git", str(top))
        other.gitmig("upgrade", "--yes", check=0)
        database.execute(other.url, "insert into \"user\" (username, email) values ('grace', 'grace@x')")
        return other

    def path(self, revision: str) -> str:
        """The file of a revision, relative to the top."""
        (found,) = self.project.path("alembic/versions").glob(f"*{revision}*.py")
        return found.relative_to(self.project.top).as_posix()


def branches(folder: Path, url: str | None = None) -> Branches:
    """Made with ``revise``; the database is at topic's revision and has rows."""
    found = article(folder) if url is None or url.startswith("sqlite") else article_on(folder, url)
    return branched(found)


def branched(found: Article) -> Branches:
    """The two branches of an article's project."""
    project = found.project
    project.git("switch", "--quiet", "-c", "topic")
    project.append(MODELS, EMAIL)
    ours = revised(project, "Add an e-mail address")
    project.gitmig("switch", "main", "--yes", check=0)
    order(project)
    theirs = revised(project, "Add orders")
    project.gitmig("switch", "topic", "--yes", check=0)
    return Branches(project=project, fork=found.second, theirs=theirs, ours=ours)


def order(project: Project) -> None:
    """The other side's table in the models."""
    text = project.read(MODELS)
    project.write(MODELS, text.replace("class User(Base)", f"{ORDER}class User(Base)"))


def revised(project: Project, message: str) -> str:
    """The id of a new revision."""
    answer = project.gitmig("revise", "-m", message, "--yes", "--json", check=0).json
    revision: str = answer["revision"]
    return revision


def parents(project: Project) -> dict[str, tuple[str, ...]]:
    """What each revision of the work tree follows."""
    answer = project.gitmig("log", "--json").json
    return {one["revision"]: tuple(one["down_revisions"]) for one in answer["revisions"]}
