"""``gitmig revise`` with nobody to ask: what is left to decide is not decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.revising import NAME, begun, committed, header, newest, revision_of, scripts
from tests.story import MODELS, USERNAME, Project


def named(tmp_path: Path) -> Project:
    """A project whose user has a name."""
    project = Project.create(tmp_path)
    project.write("app/models.py", MODELS + NAME)
    project.gitmig("revise", "-m", "First revision", check=0)
    return project


@pytest.mark.parametrize("way", [(), ("-y",)])
def test_what_drops_a_column_stays_a_draft(tmp_path: Path, way: tuple[str, ...]) -> None:
    project = named(tmp_path)
    before, state = scripts(project), project.snapshot()
    project.write("app/models.py", MODELS)
    result = project.gitmig("revise", "-m", "Drop name", *way, check=1)
    path = newest(project, before)
    name = Path(path).name
    assert result.stderr == (
        f"Error: the draft {name} drops column user.name; nothing was applied\n"
        f"Hint: review {name}, then: gitmig upgrade --commit\n"
    )
    after = project.snapshot()
    assert set(after.files) - set(state.files) == {path}
    assert (after.database, after.index, after.head) == (state.database, state.index, state.head)


def test_what_drops_a_table_stays_a_draft(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.write("app/models.py", "from app.database import Base  # noqa: F401\n")
    error = project.gitmig("revise", "-m", "Drop user", "--json", check=1).json["error"]
    name = Path(newest(project, before)).name
    assert error == {
        "code": "refused",
        "message": f"the draft {name} drops table user; nothing was applied",
        "hint": f"review {name}, then: gitmig upgrade --commit",
    }


def test_a_possible_rename_stays_a_draft_without_a_record(tmp_path: Path) -> None:
    project = named(tmp_path)
    before = scripts(project)
    project.write("app/models.py", (MODELS + NAME).replace("name: Mapped[str", "title: Mapped[str"))
    result = project.gitmig("revise", "-m", "Rename", check=1)
    path = newest(project, before)
    assert result.stderr.splitlines()[0] == (
        "Error: user.name may have been renamed to user.title, and the draft drops and adds it; "
        "nothing was applied"
    )
    assert header(project, path) == ()
    assert project.heads() == (revision_of(before[0]),)


def test_the_reviewed_draft_goes_on_with_upgrade(tmp_path: Path) -> None:
    project = named(tmp_path)
    before = scripts(project)
    project.write("app/models.py", MODELS)
    project.gitmig("revise", "-m", "Drop name", check=1)
    path = newest(project, before)
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (path, "app/models.py")
    assert project.columns("user") == ("id",)


def test_yes_applies_what_loses_nothing(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.on_terminal("revise", "-m", "Add username", "-y", check=0)
    assert committed(project) == (newest(project, before), "app/models.py")


def test_a_dropped_index_loses_nothing(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username", check=0)
    project.write("app/models.py", project.read("app/models.py").replace(", index=True", ""))
    project.gitmig("revise", "-m", "No index", check=0)
    indexes = database.query(project.url, "select name from sqlite_master where type = 'index'")
    assert ("ix_user_username",) not in indexes


def test_draft_writes_it_and_stops(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before, state = scripts(project), project.snapshot()
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "Add username", "--draft", check=0)
    path = newest(project, before)
    assert result.stdout == (
        "  + user.username VARCHAR\n  + index ix_user_username\n"
        f"drafted {path}; nothing was applied\n"
        "review it, then: gitmig upgrade --commit\n"
    )
    assert len(header(project, path)) == 2
    after = project.snapshot()
    assert (after.database, after.index, after.head) == (state.database, state.index, state.head)


def test_draft_as_json(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    result = project.gitmig("revise", "-m", "Add username", "--draft", "--json", check=0)
    path = newest(project, before)
    assert result.json == {
        "version": 1,
        "steps": [],
        "warnings": [],
        "database": {"heads": []},
        "commit": None,
        "revision": revision_of(path),
        "path": path,
    }
