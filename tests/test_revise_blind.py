"""``gitmig revise`` of what autogenerate is blind to: an operation, or an open line and nothing applied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.revising import begun_on, committed, header, newest, scripts
from tests.story import Project

_NAME = "    name: Mapped[str | None] = mapped_column(String(20){more})\n"


def named(folder: Path, url: str) -> Project:
    """A project whose user has a name of twenty letters."""
    project = Project.create(folder, url)
    project.append("app/models.py", _NAME.format(more=""))
    project.gitmig("revise", "-m", "First revision", check=0)
    return project


def change(project: Project, more: str) -> str:
    """Change the name's column, revise, and return the new script."""
    before = scripts(project)
    text = project.read("app/models.py")
    project.write("app/models.py", text.replace("String(20)", f"String(20), {more}"))
    project.gitmig("revise", "-m", "Change the name", check=0)
    path = newest(project, before)
    assert committed(project) == (path, "app/models.py")
    assert len(header(project, path)) == 2
    return project.read(path)


def test_a_server_default(database_url: str, tmp_path: Path) -> None:
    project = named(tmp_path, database_url)
    text = change(project, "server_default='nobody'")
    assert "server_default" in text
    database.execute(database_url, 'insert into "user" (id) values (1)')
    assert database.query(database_url, 'select name from "user"') == (("nobody",),)


def test_a_check(database_url: str, tmp_path: Path) -> None:
    project = named(tmp_path, database_url)
    before = scripts(project)
    text = project.read("app/models.py").replace("import String", "import CheckConstraint, String")
    text += "\n    __table_args__ = (CheckConstraint(\"name <> ''\", name='named'),)\n"
    project.write("app/models.py", text)
    project.gitmig("revise", "-m", "A user has a name", check=0)
    assert "named" in project.read(newest(project, before))
    with pytest.raises(Exception, match=r"(?i)check"):
        database.execute(database_url, "insert into \"user\" (id, name) values (1, '')")


def test_a_column_comment(postgres_url: str, tmp_path: Path) -> None:
    project = named(tmp_path, postgres_url)
    text = change(project, "comment='as in the passport'")
    assert "as in the passport" in text
    assert any("as in the passport" in line for line in database.dump(postgres_url) or ())


def test_an_enum_label(postgres_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, postgres_url)
    text = project.read("app/models.py").replace("import String", "import Enum, String")
    mood = "    mood: Mapped[str | None] = mapped_column(Enum('good', {more}name='mood'))\n"
    project.write("app/models.py", text + mood.format(more=""))
    project.gitmig("revise", "-m", "Add mood", check=0)
    project.write("app/models.py", text + mood.format(more="'bad', "))
    before = scripts(project)
    project.gitmig("revise", "-m", "Bad mood", check=0)
    assert committed(project) == (newest(project, before), "app/models.py")
    labels = database.query(postgres_url, "select enumlabel from pg_enum order by enumsortorder")
    assert labels == (("good",), ("bad",))


def test_a_new_enum_type_can_be_rolled_back_and_made_again(postgres_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, postgres_url)
    text = project.read("app/models.py").replace("import String", "import Enum, String")
    project.write(
        "app/models.py", text + "    mood: Mapped[str | None] = mapped_column(Enum('good', name='mood'))\n"
    )
    project.gitmig("revise", "-m", "Add mood", check=0)
    project.gitmig("rollback", check=0)
    assert database.query(postgres_url, "select typname from pg_type where typname = 'mood'") == ()
    project.gitmig("upgrade", check=0)
    assert project.columns("user") == ("id", "mood")


def test_what_nobody_can_write_is_an_open_line_and_not_applied(postgres_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, postgres_url)
    text = project.read("app/models.py").replace("import String", "import Integer, String, Computed")
    twice = "    twice: Mapped[int | None] = mapped_column(Integer{})\n"
    project.write("app/models.py", text + twice.format(""))
    project.gitmig("revise", "-m", "Add twice", check=0)
    before, state = scripts(project), project.snapshot()
    project.write("app/models.py", text + twice.format(", Computed('id * 2')"))
    result = project.gitmig("revise", "-m", "Computed", check=1)
    path = newest(project, before)
    name = Path(path).name
    lines = project.read(path).splitlines()
    (line,) = [number for number, text in enumerate(lines, 1) if "# gitmig: write by hand: " in text]
    assert result.stderr == (
        f"Error: the draft {name} has something to write by hand (line {line}); nothing was applied\n"
        f"Hint: review {name}, then: gitmig upgrade --commit\n"
    )
    assert header(project, path) == ()
    after = project.snapshot()
    assert (after.database, after.index, after.head) == (state.database, state.index, state.head)
    refused = project.gitmig("upgrade", "--commit", check=1)
    assert refused.stderr == (
        f"Error: {path} line {line} is still to be written by hand\n"
        "Hint: write it (and remove the comment), then run the command again\n"
    )
    assert project.snapshot().database == state.database
