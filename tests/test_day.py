"""A day of two developers with a clone and an SQLite database each, and one PostgreSQL database for both.

docs/day.md has it in the words of this test: GITMIG_TEST_WRITE=1 writes them there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import database
from tests.narrator import SHARED, Developer, Story
from tests.story import MODELS, USERNAME, Project

# Read before the test is sealed off from the environment.
_WRITE = "GITMIG_TEST_WRITE" in os.environ
_PAGE = Path(__file__).resolve().parent.parent / "docs" / "day.md"
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


USERS = """insert into "user" (id, username) values (1, 'ada'), (2, 'grace')"""
EMAILS = 'select email from "user" order by id'
WITH_EMAILS = (("ada@example.org",), ("grace@example.org",))


@pytest.mark.timeout(900)
def test_the_day(tmp_path: Path, postgres_url: str) -> None:
    story = Story()
    ada, grace = _two_clones(tmp_path, story, postgres_url)
    databases = (ada.project.url, grace.project.url, postgres_url)

    story.tell("Ada adds a column on a branch, here and in the shared database, and fills it.")
    ada.does("git switch --quiet --create add-email")
    ada.edits("app/models.py", EMAIL)
    ada.does('gitmig revise -m "Add an e-mail address" --yes')
    ada.does(f"{SHARED} gitmig upgrade")
    for url in (ada.project.url, postgres_url):
        database.execute(url, """update "user" set email = username || '@example.org'""")
    ada.does("git push --quiet --set-upstream origin add-email")

    story.tell("Something else comes first: git and database go to main and back.")
    ada.does("gitmig switch main --yes")
    ada.does("gitmig switch -")
    assert ada.sees(EMAILS) == WITH_EMAILS

    story.tell("Grace tries it.")
    grace.does("git fetch --quiet")
    grace.does("gitmig switch add-email")
    database.execute(grace.project.url, """update "user" set email = username || '@example.org'""")

    story.tell("She has something of her own, on a branch from main. It is merged first.")
    grace.does("gitmig switch --create add-note origin/main --yes")
    grace.edits("app/orders.py", NOTE)
    grace.does('gitmig revise -m "Add a note to orders" --yes')
    database.execute(grace.project.url, """insert into "order" (id, note) values (1, 'soon')""")
    grace.does("git switch main")
    grace.does("git merge --quiet add-note")
    grace.does("git push --quiet")
    grace.does("git branch --quiet --delete add-note")
    grace.does("gitmig status")

    story.tell("The shared database is to have main too. What Ada applied there is not undone unasked.")
    grace.does(f"{SHARED} gitmig sync", fails=True)
    grace.does(f"{SHARED} gitmig sync --including 'Ada Lovelace' --yes")

    story.tell("Ada puts her branch on top of main: two revisions now follow the first one.")
    ada.does("git fetch --quiet")
    ada.does("git rebase --quiet origin/main")
    # Not in the story: which head is named first is a matter of their ids.
    assert "GM002 2 heads: " in ada.project.gitmig("status", check=1).stderr

    story.tell("Hers goes on top of Grace's: in the files, and in the database with its rows.")
    ada.does("gitmig rebase --yes")
    ada.does("git push --quiet --force-with-lease")
    ada.project.gitmig("check", check=0)
    ada.project.append("app/models.py", AVATAR)
    seen = ada.project.gitmig("check", check=1).stderr
    assert [line for line in seen.splitlines() if line.startswith("  +")] == ["  + user.avatar VARCHAR"]
    ada.project.git("restore", "app/models.py")
    assert ada.sees(EMAILS) == WITH_EMAILS

    story.tell("Grace looks at it again. Her database has it in the old place.")
    grace.does("gitmig switch add-email --yes")
    grace.does("git fetch --quiet")
    grace.does("git reset --quiet --hard origin/add-email")
    grace.does("gitmig sync --yes")
    assert grace.sees(EMAILS) == WITH_EMAILS

    story.tell("An idea that is thrown away, with its branch, before the database knows.")
    grace.does("git switch --quiet --create avatars")
    grace.edits("app/models.py", AVATAR)
    grace.does('gitmig revise -m "Add avatars" --yes')
    grace.does("git switch --quiet main")
    grace.does("git branch --quiet --delete --force avatars")
    grace.does("git reflog expire --expire=now --all")
    grace.does("git gc --quiet --prune=now")
    grace.does("gitmig sync --yes")

    story.tell("Ada's branch is merged and goes away, everywhere.")
    ada.does("git switch --quiet main")
    ada.does("git pull --quiet")
    ada.does("git merge --quiet --no-ff --no-edit add-email")
    ada.does("git push --quiet")
    ada.does("git push --quiet origin --delete add-email")
    ada.does("git branch --quiet --delete add-email")
    ada.does("gitmig sync --yes")
    ada.does(f"{SHARED} gitmig sync --yes")
    grace.does("git pull --quiet --prune")
    grace.does("git branch --quiet --delete --force add-email")
    grace.does("gitmig sync --yes")

    story.tell("In the evening every database is where its checkout is, with all of its rows.")
    for somebody in (ada, grace):
        somebody.does("gitmig status")
    ada.does(f"{SHARED} gitmig status")
    for url in databases:
        assert database.query(url, EMAILS) == WITH_EMAILS
    assert grace.sees('select note from "order"') == (("soon",),)

    if _WRITE:
        _PAGE.write_text(_with_story(_PAGE.read_text("utf-8"), story.text()), "utf-8")
    assert _with_story(_PAGE.read_text("utf-8"), story.text()) == _PAGE.read_text("utf-8"), (
        "the output changed: GITMIG_TEST_WRITE=1 pytest tests/test_day.py writes it into docs/day.md"
    )


def _with_story(page: str, story: str) -> str:
    before, begin, rest = page.partition("<!-- day -->\n")
    _, end, after = rest.partition("<!-- end of day -->")
    assert begin
    assert end
    return f"{before}{begin}```console\n{story}```\n{end}{after}"


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
    database.execute(shared, USERS)
    start.git("clone", "--quiet", "--bare", ".", str(folder / "origin.git"))
    ada, grace = (_clone(name, start, folder, story, shared) for name in ("Ada Lovelace", "Grace Hopper"))
    return ada, grace


def _clone(name: str, start: Project, folder: Path, story: Story, shared: str) -> Developer:
    top = folder / name.partition(" ")[0].lower()
    start.git("clone", "--quiet", str(folder / "origin.git"), str(top))
    project = start.beside(top)
    project.gitmig("hook", "install", check=0)
    project.gitmig("upgrade", check=0)
    database.execute(project.url, USERS)
    return Developer(name, project, story, shared)
