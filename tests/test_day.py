"""A day of two developers with a clone and an SQLite database each, and one PostgreSQL server for both."""

from __future__ import annotations

from pathlib import Path

from tests import database
from tests.narrator import SHARED, Developer, Story
from tests.story import MODELS, USERNAME, Project

ORDERS = '''\
"""What is ordered."""

from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base


class Order(Base):
    """What somebody ordered."""

    __tablename__ = "order"

    id: Mapped[int] = mapped_column(primary_key=True)
'''
EMAIL = "    email: Mapped[str | None]\n"
NOTE = "    note: Mapped[str | None]\n"
AVATAR = "    avatar: Mapped[str | None]\n"


def test_the_day(tmp_path: Path, postgres_url: str) -> None:
    story = Story()
    ada, grace = _two_clones(tmp_path, story, postgres_url)

    story.tell("Ada adds a column on a branch, here and in the shared database, and fills it.")
    ada.does("git switch --quiet --create add-email")
    ada.edits("app/models.py", EMAIL)
    ada.does('gitmig revise -m "Add an e-mail address" --yes')
    ada.does(f"{SHARED} gitmig upgrade")
    for url in (ada.project.url, postgres_url):
        database.execute(url, """update "user" set email = 'ada@example.org' where id = 1""")
    ada.does("git push --quiet --set-upstream origin add-email")

    story.tell("Something else comes first: git and database go to main and back.")
    ada.does("gitmig switch main --yes")
    ada.does("gitmig switch -")
    print(story.text())
    assert database.query(ada.project.url, 'select email from "user" where id = 1') == (("ada@example.org",),)


def _two_clones(folder: Path, story: Story, shared: str) -> tuple[Developer, Developer]:
    """A repository that both push to, and their clones: at its head, with rows, the hooks installed."""
    start = Project.create(folder, name="start")
    start.write("app/models.py", MODELS + USERNAME)
    start.write("app/orders.py", ORDERS)
    start.write("app/all_models.py", "from app import models, orders  # noqa: F401\n")
    env = start.read("alembic/env.py")
    start.write("alembic/env.py", "import app.all_models  # noqa: F401\n" + env)
    start.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app"]\n')
    start.commit("Orders")
    start.gitmig("revise", "-m", "First revision", check=0)
    start.gitmig("upgrade", env={"DATABASE_URL": shared}, check=0)
    start.gitmig("ledger", "enable", "--yes", env={"DATABASE_URL": shared}, check=0)
    for url in (start.url, shared):
        database.execute(url, """insert into "user" (id, username) values (1, 'ada'), (2, 'grace')""")
    start.git("clone", "--quiet", "--bare", ".", str(folder / "origin.git"))
    return _clone("Ada Lovelace", start, folder, story, shared), _clone(
        "Grace Hopper", start, folder, story, shared
    )


def _clone(name: str, start: Project, folder: Path, story: Story, shared: str) -> Developer:
    top = folder / name.partition(" ")[0].lower()
    start.git("clone", "--quiet", str(folder / "origin.git"), str(top))
    project = start.beside(top)
    project.gitmig("hook", "install", check=0)
    project.gitmig("upgrade", check=0)
    return Developer(name, project, story, shared)
