"""``gitmig revise`` on a terminal: the draft is shown, and a person decides."""

from __future__ import annotations

from pathlib import Path

from tests.revising import NAME, begun, begun_on, committed, editor, header, newest, revision_of, scripts
from tests.story import MODELS, USERNAME, Project


def changed(tmp_path: Path) -> tuple[Project, tuple[str, ...]]:
    project = begun(tmp_path)
    project.append("app/models.py", USERNAME)
    return project, scripts(project)


def test_the_difference_and_the_draft_are_shown(tmp_path: Path) -> None:
    project, _ = changed(tmp_path)
    screen = project.on_terminal("revise", "-m", "Add username", answers=["?", "q"], check=1).stdout
    assert "  + user.username VARCHAR\n  + index ix_user_username\n" in screen
    assert "sa.Column('username', sa.String(), nullable=True)" in screen
    assert (
        "Apply and commit? [a/e/d/q/?] ?\n"
        "  a  apply and commit\n  e  edit it\n  d  save it as a draft\n  q  quit\n"
        "Apply and commit? [a/e/d/q/?] " in screen
    )


def test_apply_and_commit(database_url: str, tmp_path: Path) -> None:
    project = begun_on(tmp_path, database_url)
    before = scripts(project)
    project.append("app/models.py", USERNAME)
    project.on_terminal("revise", "-m", "Add username", answers=["a"], check=0)
    path = newest(project, before)
    assert committed(project) == (path, "app/models.py")
    assert project.heads() == (revision_of(path),)


def test_enter_alone_decides_nothing(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    project.on_terminal("revise", "-m", "Add username", answers=["", "x", "a"], check=0)
    assert committed(project) == (newest(project, before), "app/models.py")


def test_quit_leaves_everything_as_it_was(tmp_path: Path) -> None:
    project, _ = changed(tmp_path)
    before = project.snapshot()
    result = project.on_terminal("revise", "-m", "Add username", answers=["q"], check=1)
    assert result.stdout.endswith("Nothing was changed\n")
    assert project.snapshot() == before


def test_control_c_leaves_everything_as_it_was(tmp_path: Path) -> None:
    project, _ = changed(tmp_path)
    before = project.snapshot()
    result = project.on_terminal("revise", "-m", "Add username", answers=["\x03"], check=130)
    assert "Error: interrupted; everything is as before\n" in result.stdout
    assert project.snapshot() == before


def test_save_as_a_draft_applies_nothing(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    state = project.snapshot()
    result = project.on_terminal("revise", "-m", "Add username", answers=["d"], check=0)
    path = newest(project, before)
    assert f"drafted {path}; nothing was applied\n" in result.stdout
    assert "review it, then: gitmig upgrade --commit\n" in result.stdout
    after = project.snapshot()
    assert set(after.files) - set(state.files) == {path}
    assert (after.database, after.index, after.head) == (state.database, state.index, state.head)


def test_an_edited_draft_is_what_is_applied(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    env = editor(project, """sed -i "s/sa.String()/sa.VARCHAR()/" "$1" """)
    project.on_terminal("revise", "-m", "Add username", answers=["e", "a"], env=env, check=0)
    path = newest(project, before)
    assert "sa.VARCHAR()" in project.read(path)
    assert "username VARCHAR" in str(project.snapshot().database)
    assert committed(project) == (path, "app/models.py")


def test_an_edited_draft_that_leads_elsewhere_is_not_applied(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    state = project.snapshot()
    env = editor(project, """sed -i "s/sa.String()/sa.Text()/" "$1" """)
    result = project.on_terminal("revise", "-m", "Add username", answers=["e", "a", "d"], env=env, check=0)
    path = newest(project, before)
    assert f"the draft {Path(path).name} is not proven: the draft leads elsewhere" in result.stdout
    assert "~ user.username TEXT -> VARCHAR" in result.stdout
    assert header(project, path) == ()
    assert project.snapshot().database == state.database


def test_an_edited_draft_is_not_deleted_by_quit(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    env = editor(project, """echo "# mine" >> "$1" """)
    result = project.on_terminal("revise", "-m", "Add username", answers=["e", "q"], env=env, check=1)
    path = newest(project, before)
    assert f"The draft was edited, so it stays: {project.path(path)}" in result.stdout.replace("\n", "")
    assert project.read(path).endswith("# mine\n")


def test_a_draft_that_cannot_be_read_any_more_is_not_applied(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    env = editor(project, """echo "def (" >> "$1" """)
    result = project.on_terminal("revise", "-m", "Add username", answers=["e", "d"], env=env)
    path = newest(project, before)
    assert f"the revision identifiers of {path} cannot be read: invalid syntax" in result.stdout
    assert "What now? [e/d/q/?] " in result.stdout
    assert project.heads() == (revision_of(before[0]),)


def test_an_upgrade_that_was_emptied_is_not_applied(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    env = editor(
        project, """sed -i "/^    op\\\\.\\|^    with\\|^        /d; s/^    # ###.*/    pass/" "$1" """
    )
    result = project.on_terminal("revise", "-m", "Add username", answers=["e", "d"], env=env, check=0)
    name = Path(newest(project, before)).name
    assert f"upgrade() of {name} does nothing, and the models change" in result.stdout


def test_edit_opens_the_editor_first(tmp_path: Path) -> None:
    project, before = changed(tmp_path)
    env = editor(project, """sed -i "s/sa.String()/sa.VARCHAR()/" "$1" """)
    result = project.on_terminal("revise", "-m", "Add username", "--edit", answers=["a"], env=env, check=0)
    assert "sa.VARCHAR()" in result.stdout
    assert "sa.VARCHAR()" in project.read(newest(project, before))


def test_an_editor_that_fails_changes_nothing(tmp_path: Path) -> None:
    project, _ = changed(tmp_path)
    env = editor(project, "exit 3")
    before = project.snapshot()
    result = project.on_terminal("revise", "-m", "Add username", "--edit", env=env, check=2)
    assert f"Error: the editor '{env['GIT_EDITOR']}' ended with exit code 3" in result.stdout
    assert project.snapshot() == before


def test_an_open_line_cannot_be_applied_until_it_is_written(tmp_path: Path) -> None:
    project = begun(tmp_path)
    before = scripts(project)
    project.append("app/models.py", "    name: Mapped[str | None] = mapped_column(String, comment='x')\n")
    open_line = "# gitmig: write by hand: something"
    adds = editor(project, f"""sed -i 's/^def upgrade.*/&\\n    {open_line}/' "$1" """)
    shown = project.on_terminal("revise", "-m", "Add name", answers=["e", "d"], env=adds, check=0).stdout
    name = Path(newest(project, before)).name
    assert f"the draft {name} has something to write by hand (line " in shown
    assert "What now? [e/d/q/?] " in shown


def test_a_rename_is_asked_about_and_keeps_the_rows(database_url: str, tmp_path: Path) -> None:
    project = Project.create(tmp_path, database_url)
    project.write("app/models.py", MODELS + NAME)
    project.gitmig("revise", "-m", "First revision", check=0)
    before = scripts(project)
    project.write("app/models.py", (MODELS + NAME).replace("name: Mapped[str", "title: Mapped[str"))
    screen = project.on_terminal("revise", "-m", "Rename name", answers=["y", "a"], check=0).stdout
    assert "Was user.name renamed to user.title? [y/N/?] " in screen
    text = project.read(newest(project, before))
    assert "new_column_name='title'" in text
    assert "drop_column" not in text
    assert project.columns("user") == ("id", "title")
    assert header(project, newest(project, before))


def test_what_is_no_rename_is_dropped_and_added(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.write("app/models.py", MODELS + NAME)
    project.gitmig("revise", "-m", "First revision", check=0)
    before = scripts(project)
    project.write("app/models.py", (MODELS + NAME).replace("name: Mapped[str", "title: Mapped[str"))
    project.on_terminal("revise", "-m", "Another column", answers=["n", "a"], check=0)
    text = project.read(newest(project, before))
    assert "drop_column('name')" in text or "drop_column('user', 'name')" in text
    assert project.columns("user") == ("id", "title")
