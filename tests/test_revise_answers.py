"""``gitmig revise`` with what a person says beforehand, or answers: new names, and values for rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.drafting.answers import require_filled
from gitmig.errors import Refused
from tests import database
from tests.revising import begun_on, committed, newest, scripts
from tests.story import Project

NICK = "    nick: Mapped[str | None] = mapped_column(String(20))\n"
STRICT = "    name: Mapped[str] = mapped_column(String(20))\n"


def with_nick(folder: Path, url: str) -> Project:
    project = begun_on(folder, url)
    project.append("app/models.py", NICK)
    project.gitmig("revise", "-m", "Add nick", check=0)
    database.execute(url, "insert into \"user\" (id, nick) values (1, 'ada')")
    return project


def test_a_renamed_column_keeps_its_rows(database_url: str, tmp_path: Path) -> None:
    project = with_nick(tmp_path, database_url)
    project.write("app/models.py", project.read("app/models.py").replace("nick:", "name:"))
    refused = project.gitmig("revise", "-m", "Rename", check=1)
    assert "user.nick may have been renamed to user.name" in refused.stderr
    project.path(newest_draft(project)).unlink()
    before = scripts(project)
    project.gitmig("revise", "-m", "Rename", "--rename", "user.nick:name", check=0)
    assert committed(project) == (newest(project, before), "app/models.py")
    assert database.query(database_url, 'select name from "user"') == (("ada",),)


def test_a_renamed_table_keeps_its_rows(database_url: str, tmp_path: Path) -> None:
    project = with_nick(tmp_path, database_url)
    project.write("app/models.py", project.read("app/models.py").replace('"user"', '"person"'))
    project.gitmig("revise", "-m", "Rename", "--rename", "user:person", check=0)
    assert database.query(database_url, "select nick from person") == (("ada",),)
    project.gitmig("rollback", check=0)
    assert database.query(database_url, 'select nick from "user"') == (("ada",),)


def test_a_column_that_goes_comes_back_filled_in_a_downgrade(database_url: str, tmp_path: Path) -> None:
    project = with_nick(tmp_path, database_url)
    models = project.read("app/models.py")
    project.append("app/models.py", f"{STRICT}{STRICT.replace('name', 'mail')}")
    fills = ("--fill", "user.name=''", "--fill", "user.mail=''")
    project.gitmig("revise", "-m", "Add name", *fills, check=0)
    loose = STRICT.replace("[str]", "[str | None]").replace("name", "mail")
    project.write("app/models.py", models + loose)
    drafted = project.gitmig("revise", "--draft", "-m", "Name goes", "--fill", "user.mail='none'", check=0)
    assert drafted.stderr == "Note: the downgrade fills user.name with '' (--fill user.name=SQL)\n"
    project.gitmig("upgrade", "--commit", "-y", check=0)
    database.execute(database_url, 'update "user" set mail = null')
    project.alembic("downgrade", "-1")
    assert database.query(database_url, 'select name, mail from "user"') == (("", "none"),)


def test_a_column_that_no_value_fits_is_warned_of(tmp_path: Path) -> None:
    project = begun_on(tmp_path, f"sqlite:///{tmp_path}/app.db")
    models = project.read("app/models.py")
    project.append("app/models.py", STRICT.replace("(20)", "(20), unique=True"))
    project.gitmig("revise", "-m", "Add name", "--fill", "user.name=id", check=0)
    project.write("app/models.py", models)
    drafted = project.gitmig("revise", "--draft", "-m", "Name goes", check=0)
    assert drafted.stderr == (
        "Note: the downgrade adds user.name again, and fails if there are rows: nothing says what they get "
        "(--fill user.name=SQL)\n"
    )


def test_a_column_that_may_not_be_null_is_filled(database_url: str, tmp_path: Path) -> None:
    project = with_nick(tmp_path, database_url)
    project.append("app/models.py", STRICT)
    state = project.snapshot()
    refused = project.gitmig("revise", "-m", "Add name", check=1)
    assert refused.stderr == (
        "Error: user.name may not be NULL, and the rows that are there have no value for it\n"
        "Hint: say which, as SQL: gitmig revise --fill user.name=\"''\"\n"
    )
    assert project.snapshot() == state
    project.gitmig("revise", "-m", "Add name", "--fill", "user.name=nick", check=0)
    assert database.query(database_url, 'select name from "user"') == (("ada",),)


@pytest.mark.parametrize(
    ("ddl", "value"),
    [
        ("VARCHAR(9) NOT NULL", "''"),
        ("TINYTEXT NOT NULL", "''"),
        ("BIGINT NOT NULL", "0"),
        ("NUMERIC(8, 2) NOT NULL", "0"),
        ("BOOLEAN NOT NULL", "false"),
        ("TIMESTAMP WITH TIME ZONE NOT NULL", "CURRENT_TIMESTAMP"),
        ("DATE NOT NULL", "CURRENT_DATE"),
        ("INTERVAL NOT NULL", "VALUE"),
        ("UUID NOT NULL", "VALUE"),
    ],
)
def test_the_hint_gives_a_value_that_the_column_takes(ddl: str, value: str) -> None:
    change = FacetChange(FacetKey("column", "t", "x"), None, ddl)
    with pytest.raises(Refused) as refused:
        require_filled(["t.x"], [change])
    assert refused.value.hint == f'say which, as SQL: gitmig revise --fill t.x="{value}"'


def test_a_value_is_asked_for_on_a_terminal(database_url: str, tmp_path: Path) -> None:
    project = with_nick(tmp_path, database_url)
    project.append("app/models.py", STRICT)
    result = project.on_terminal("revise", "-m", "Add name", answers=["'?'", "a"], check=0)
    question = "user.name may not be NULL: which value have the rows that are there (SQL)?"
    assert question in result.stdout
    assert database.query(database_url, 'select name from "user"') == (("?",),)


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("--rename", "nonsense", "--rename nonsense names nothing"),
        ("--fill", "user=1", "--fill user=1 names nothing"),
        ("--fill", "user.x=1", "--fill user.x=1 is of no use: the models do not change user.x"),
    ],
)
def test_what_has_nothing_to_do_with_the_change_is_refused(
    option: str, value: str, error: str, tmp_path: Path
) -> None:
    project = Project.create(tmp_path)
    result = project.gitmig("revise", "-m", "First", option, value, check=2)
    assert result.stderr.splitlines()[0] == f"Error: {error}"
    assert scripts(project) == ()


def newest_draft(project: Project) -> str:
    """The draft that is not committed."""
    (path,) = [
        line[3:] for line in project.git("status", "--porcelain").splitlines() if line.startswith("??")
    ]
    return path
