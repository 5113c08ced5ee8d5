"""``gitmig revise --empty``: a data migration."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.revising import begun, begun_on, committed, editor, newest, revision_of, scripts
from tests.story import USERNAME

_INSERT = (
    """sed -i 's/^def upgrade.*/&\\n    op.execute("insert into \\\\"user\\\\" (id) values (7)")/' "$1" """
)


@pytest.mark.parametrize("way", [(), ("-y",)])
def test_without_anybody_it_is_a_draft_to_be_written(tmp_path: Path, way: tuple[str, ...]) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    result = project.gitmig("revise", "--empty", "-m", "Fill", *way, check=0)
    path = newest(project, before)
    assert result.stdout == (
        f"drafted {path}; nothing was applied\nreview it, then: gitmig upgrade --commit\n"
    )
    assert project.heads() == (revision_of(before[0]),)


def test_written_and_upgraded(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.gitmig("revise", "--empty", "-m", "Fill", check=0)
    path = newest(project, before)
    text = project.read(path)
    assert text.count("    pass\n") == 2
    insert = "    op.execute('insert into \"user\" (id) values (7)')\n"
    project.write(path, text.replace("    pass\n", insert, 1))
    project.gitmig("upgrade", "--commit", check=0)
    assert committed(project) == (path,)
    assert database.query(project.url, 'select id from "user"') == ((7,),)
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True


def test_the_editor_writes_it(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    before = scripts(project)
    env = editor(project, _INSERT)
    project.gitmig("revise", "--empty", "--edit", "-m", "Fill", env=env, check=0)
    path = newest(project, before)
    assert committed(project) == (path,)
    assert database.query(project.url, 'select id from "user"') == ((7,),)


def test_on_a_terminal_it_is_not_applied_before_it_is_written(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    env = editor(project, _INSERT)
    result = project.on_terminal("revise", "--empty", "-m", "Fill", answers=["e", "a"], env=env, check=0)
    path = newest(project, before)
    assert f"upgrade() of {Path(path).name} does nothing yet\n" in result.stdout
    assert committed(project) == (path,)


def test_models_that_change_too_are_a_revision_of_their_own(tmp_path: Path) -> None:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    before = project.snapshot()
    result = project.gitmig("revise", "--empty", "-m", "Fill", check=1)
    assert result.stderr == (
        "Error: the models change too: a data migration is a revision of its own\n"
        "Hint: gitmig revise -m MESSAGE\n"
    )
    assert project.snapshot() == before
