"""Models that come to say what old revisions, which have no records, made long ago."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.articles import findings, plain
from tests.story import MODELS, Project

MADE = """op.create_table(
        'user', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String)
    )
    """
INDEX = "op.create_index('ix_old', 'user', ['name'])"
NAME = "    name: Mapped[str | None]\n"
AGE = "    age: Mapped[int | None]\n"
OLD = '    __table_args__ = (Index("ix_old", "name"),)\n'
NEW = '    __table_args__ = (Index("ix_new", "name"),)\n'


def models(*more: str) -> str:
    return MODELS.replace("import String", "import Index, String") + NAME + "".join(more)


def with_an_old_index(folder: Path, *said: str, made: str = INDEX) -> Project:
    """A project whose models have ``said`` beside their columns; the first of its revisions ``made`` one."""
    project = Project.create(folder)
    plain(project, "a1a1", None, up=MADE + made, down="op.drop_table('user')", message="Users")
    project.write("app/models.py", models(*said))
    project.commit("Users")
    parent = "a1a1"
    for number in range(12):  # so many that base is not where a check begins
        plain(project, f"f{number:03}", parent, up="op.execute('select 1')", down="pass", message="More")
        parent = f"f{number:03}"
    project.commit("More")
    added = "op.add_column('user', sa.Column('age', sa.Integer))"
    plain(project, "b2b2", parent, up=added, down="op.drop_column('user', 'age')", message="Age")
    project.write("app/models.py", models(AGE, *said))
    project.commit("Age")
    return project


def test_the_hook_lets_models_catch_up_and_check_agrees(tmp_path: Path) -> None:
    project = with_an_old_index(tmp_path)
    project.hook()
    project.write("app/models.py", models(AGE, OLD))
    project.commit("Say what is there")
    for ref in ((), ("HEAD",)):
        assert findings(project.gitmig("check", *ref, "--json", check=0).json) == []
    project.gitmig("upgrade", check=0)
    assert "nothing" in project.gitmig("revise", "-m", "Nothing").stderr


def test_models_that_lose_what_no_revision_made(tmp_path: Path) -> None:
    project = with_an_old_index(tmp_path, OLD, made="pass")
    project.hook()
    project.write("app/models.py", models(AGE))
    project.commit("Say what is there")
    assert findings(project.gitmig("check", "HEAD", "--json", check=0).json) == []


@pytest.mark.parametrize(
    "more", [NEW, OLD.replace('"name"', '"age"')], ids=["made by none", "made otherwise"]
)
def test_what_no_revision_made_is_told(more: str, tmp_path: Path) -> None:
    project = with_an_old_index(tmp_path)
    project.write("app/models.py", models(AGE, more))
    project.git("add", "--all")
    assert findings(project.gitmig("check", "--staged", "--json", check=1).json) == ["GM001"]
    project.commit("An index")
    assert findings(project.gitmig("check", "HEAD", "--json", check=1).json) == ["GM001"]


def test_models_of_head_that_do_not_import(tmp_path: Path) -> None:
    project = with_an_old_index(tmp_path)
    project.write("app/models.py", models(AGE, OLD, "    oops oops\n"))
    project.commit("Broken")
    project.write("app/models.py", models(AGE, NEW))
    assert findings(project.gitmig("check", "--json", check=1).json) == ["GM001"]
