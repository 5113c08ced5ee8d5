"""Which form of a script undoes a revision, and what lies beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.articles import Article, article, plain, third
from tests.chain import chain
from tests.story import Project

READ = "op.execute((__import__('pathlib').Path(__file__).parent / '{}.sql').read_text())"


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def test_what_another_clone_applied_since_is_undone_as_the_ledger_has_it(
    tmp_path: Path, postgres_url: str
) -> None:
    """Ada's pin is of the first form of it; Grace has done it anew, with a table more."""
    start = Project.create(tmp_path, postgres_url, name="start")
    makes = "op.create_table('user', sa.Column('id', sa.Integer, primary_key=True))"
    chain(start, [("a1a1", makes, "op.drop_table('user')")])
    start.gitmig("upgrade", check=0)
    start.gitmig("ledger", "enable", "--yes", check=0)
    start.git("clone", "--quiet", "--bare", ".", str(tmp_path / "origin.git"))
    clones = []
    for name in ("ada", "grace"):
        start.git("clone", "--quiet", str(tmp_path / "origin.git"), str(tmp_path / name))
        clones.append(start.beside(tmp_path / name))
        clones[-1].git("config", "user.name", name)
    ada, grace = clones
    ada.git("switch", "--quiet", "--create", "feature")
    chain(ada, [("b2b2", "op.add_column('user', sa.Column('x', sa.Integer))", "op.drop_column('user', 'x')")],
          parent="a1a1")  # fmt: skip
    ada.gitmig("upgrade", check=0)
    ada.git("push", "--quiet", "origin", "feature")
    grace.git("fetch", "--quiet")
    grace.git("switch", "--quiet", "feature")
    (path,) = grace.top.glob("alembic/versions/b2b2_*.py")
    text = path.read_text().replace("op.add", "op.create_table('z', sa.Column('id', sa.Integer)); op.add")
    path.write_text(text.replace("op.drop_column", "op.drop_table('z'); op.drop_column"))
    grace.commit("With a table")
    grace.gitmig("sync", "--yes", "--including", "ada", check=0)
    assert database.tables(postgres_url) == ("alembic_version", "user", "z")
    grace.git("push", "--quiet")
    ada.git("pull", "--quiet", "origin", "feature")
    refused = ada.gitmig("switch", "main", "--yes", "--including", "nobody", check=1).stderr
    assert "b2b2 was applied by grace" in refused
    ada.gitmig("switch", "main", "--yes", "--including", "grace", check=0)
    assert database.tables(postgres_url) == ("alembic_version", "user")


@pytest.mark.parametrize("pinned", [True, False])
def test_script_folders_that_lay_elsewhere(told: Article, pinned: bool) -> None:
    project = told.project
    project.git("switch", "--quiet", "--create", "moved")
    project.git("mv", "alembic", "migrations")
    project.write("alembic.ini", project.read("alembic.ini").replace("/alembic", "/migrations"))
    project.commit("Move")
    third(told)
    project.git("switch", "--quiet", "main")
    if not pinned:
        for ref in project.git("for-each-ref", "--format=%(refname)", "refs/gitmig/").splitlines():
            project.git("update-ref", "-d", ref)
    assert project.gitmig("status", "--json", check=1).json["hint"] == "gitmig sync"
    project.gitmig("sync", "--yes", check=0)
    assert project.columns("user") == ("id", "username")


def test_files_beside_a_script_that_were_edited_since(told: Article) -> None:
    """The script is the same byte for byte; what it reads is not."""
    project = told.project
    project.git("switch", "--quiet", "--create", "feature")
    for name, sql in (("up", "add column two text"), ("down", "drop column two")):
        project.write(f"alembic/versions/{name}.sql", f"alter table user {sql}")
    plain(project, "c3c3", told.second, up=READ.format("up"), down=READ.format("down"), message="Two")
    project.commit("Two")
    project.gitmig("upgrade", check=0)
    project.write("alembic/versions/down.sql", "alter table user drop column username")
    project.commit("Edit what undoes it")
    project.gitmig("sync", "main", "--yes", check=0)
    assert project.columns("user") == ("id", "username")
    project.gitmig("sync", check=0)
    assert project.columns("user") == ("id", "username", "two")


def test_an_application_with_data_in_a_folder_of_its_own(told: Article) -> None:
    project = told.project
    project.git("switch", "--quiet", "--create", "feature")
    project.write("app/names/columns.json", '["nick"]')
    project.write(
        "app/naming.py",
        "import json, pathlib\n"
        "HERE = pathlib.Path(__file__).parent\n"
        "COLUMN = json.loads((HERE / 'names' / 'columns.json').read_text())[0]\n",
    )
    plain(
        project, "c3c3", told.second, up="from app.naming import COLUMN; "
        "op.add_column('user', sa.Column(COLUMN, sa.String))",
        down="from app.naming import COLUMN; op.drop_column('user', COLUMN)", message="Names",
    )  # fmt: skip
    project.commit("Names")
    project.gitmig("upgrade", check=0)
    project.gitmig("switch", "main", "--yes", check=0)
    assert project.columns("user") == ("id", "username")
    project.gitmig("switch", "feature", check=0)
    assert project.columns("user") == ("id", "username", "nick")
    # The module is not in the checkout at all, and the script is that of the pin.
    project.git("switch", "--quiet", "main")
    project.gitmig("sync", "--yes", check=0)
    assert project.columns("user") == ("id", "username")
