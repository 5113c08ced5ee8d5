"""Two developers whose branches both add a revision.

docs/merging.md tells it in the words of this test: GITMIG_TEST_WRITE=1 writes them there.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import database
from tests.narrator import Developer, Story
from tests.story import MODELS, USERNAME, Project
from tests.test_day import EMAIL, EMAILS, NOTE, ORDERS, USERS, WITH_EMAILS

# Read before the test is sealed off from the environment.
_WRITE = "GITMIG_TEST_WRITE" in os.environ
_PAGE = Path(__file__).resolve().parent.parent / "docs" / "merging.md"


@pytest.mark.timeout(900)
def test_two_branches_one_history(tmp_path: Path) -> None:
    story = Story()
    ada, grace = _two_clones(tmp_path, story)

    story.tell("Ada adds a column on a branch, and Grace looks at it.")
    ada.does("git switch --quiet --create add-email")
    ada.edits("app/models.py", EMAIL)
    ada.does('gitmig revise -m "Add an e-mail address" --yes')
    ada.does("git push --quiet --set-upstream origin add-email")
    grace.does("git fetch --quiet")
    grace.does("gitmig switch add-email")
    for one in (ada, grace):
        database.execute(one.project.url, """update "user" set email = username || '@example.org'""")

    story.tell("Grace has a revision of her own, which is merged first.")
    grace.does("gitmig switch main --yes")
    grace.edits("app/orders.py", NOTE)
    grace.does('gitmig revise -m "Add a note to orders" --yes')
    grace.does("git push --quiet")

    story.tell("Ada's branch would make two heads. She learns it before it is merged, and what to do.")
    ada.does("git fetch --quiet")
    ada.does("gitmig check --base origin/main", fails=True)
    ada.does("gitmig rebase --check --onto origin/main")

    story.tell("Her revision goes on top of Grace's: in the files, in the database, with its rows.")
    ada.does("git rebase --quiet origin/main")
    ada.does("gitmig rebase --yes")
    assert ada.sees(EMAILS) == WITH_EMAILS
    ada.does("gitmig log")
    ada.does("gitmig check --base origin/main")
    ada.does("git push --quiet --force-with-lease")

    story.tell("Grace's rows of the column were parked when she left it. They come back with its new place.")
    grace.does("git fetch --quiet")
    grace.does("git branch --quiet --force add-email origin/add-email")
    grace.does("gitmig switch add-email --yes")
    assert grace.sees(EMAILS) == WITH_EMAILS
    grace.does("gitmig status")
    _told(story)


def _told(story: Story) -> None:
    begin, end = "<!-- story -->\n```console\n", "```\n<!-- end of story -->"
    page = _PAGE.read_text("utf-8")
    before, _, rest = page.partition(begin)
    told, _, after = rest.partition(end)
    if _WRITE:
        _PAGE.write_text(f"{before}{begin}{story.text()}{end}{after}", "utf-8")
    else:
        assert told == story.text(), "GITMIG_TEST_WRITE=1 writes it"


def _two_clones(folder: Path, story: Story) -> tuple[Developer, Developer]:
    """A repository that both push to, and their clones: at its head, with rows, the hooks installed."""
    start = Project.create(folder, name="start")
    start.write("app/models.py", MODELS + USERNAME)
    start.write("app/orders.py", ORDERS)
    start.write("app/all_models.py", "from app import models, orders  # noqa: F401\n")
    start.write("alembic/env.py", f"import app.all_models  # noqa: F401\n{start.read('alembic/env.py')}")
    start.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app"]\n')
    start.commit("Orders")
    start.gitmig("revise", "-m", "First revision", check=0)
    start.git("clone", "--quiet", "--bare", ".", str(folder / "origin.git"))
    return _clone("Ada Lovelace", start, folder, story), _clone("Grace Hopper", start, folder, story)


def _clone(name: str, start: Project, folder: Path, story: Story) -> Developer:
    top = folder / name.partition(" ")[0].lower()
    start.git("clone", "--quiet", str(folder / "origin.git"), str(top))
    project = start.beside(top)
    project.gitmig("hook", "install", check=0)
    project.gitmig("upgrade", check=0)
    database.execute(project.url, USERS)
    return Developer(name, project, story, "")
