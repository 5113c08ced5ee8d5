"""Models and revision files that do not run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bad import SECOND, findings, refuses, script, with_two_revisions
from tests.story import MODELS, USERNAME, Project

BROKEN = {
    "an import": (
        "\nimport nowhere_to_be_found\n",
        "ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        '  File "app/models.py", line 16, in <module>\n    import nowhere_to_be_found',
    ),
    "syntax": (
        "\nclass (:\n",
        "SyntaxError: invalid syntax (models.py, line 16)",
        '  File "app/models.py", line 16\n    class (:',
    ),
    "an exit": (
        "\nraise SystemExit(3)\n",
        "SystemExit: 3",
        '  File "app/models.py", line 16, in <module>\n    raise SystemExit(3)',
    ),
}
LACKING = "install what the project needs in its own .venv, or correct the import"
OWN = f"this was gitmig's own Python, {sys.executable}; another one: git config gitmig.python PATH"
HOW = '  File "alembic/env.py", line 9, in <module>\n    import app.models  # noqa: F401\n'


@pytest.mark.parametrize(
    ("kind", "command"),
    [("an import", ("revise", "-m", "Change")), *((kind, ("status",)) for kind in BROKEN)],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_models_that_do_not_import(project: Project, kind: str, command: tuple[str, ...]) -> None:
    """The user's own frames are shown, and none of gitmig's or of the libraries'."""
    text, error, frames = BROKEN[kind]
    project.append("app/models.py", text)
    refuses(
        project,
        *command,
        error=error,
        hint=LACKING if kind == "an import" else "correct it, then run the command again",
        code="project-code",
        exit_code=2,
        detail=HOW + frames + (f"\n{OWN}" if kind == "an import" else ""),
    )


@pytest.mark.parametrize("command", [("upgrade",), ("check",)], ids=lambda command: command[0])
def test_models_that_do_not_import_stop_every_command_that_runs_them(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    project = with_two_revisions(tmp_path)
    project.write("app/models.py", MODELS + USERNAME + "\nimport nowhere_to_be_found\n")
    refuses(
        project,
        *command,
        error="ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        hint=LACKING,
        code="project-code",
        exit_code=2,
        detail=HOW + f'  File "app/models.py", line 17, in <module>\n    import nowhere_to_be_found\n{OWN}',
    )


@pytest.mark.parametrize(
    "line", ["context.config.own_settings", "context.config.attributes['connection']"], ids=["name", "key"]
)
def test_an_env_py_that_only_other_code_can_run(tmp_path: Path, line: str) -> None:
    project = with_two_revisions(tmp_path)
    project.write("alembic/env.py", f"from alembic import context\n{line}\n" + project.read("alembic/env.py"))
    assert project.gitmig("check", check=2).stderr.endswith(
        "Hint: if only your own code can run env.py, "
        'set metadata = "app.models:Base.metadata" and dialect = "postgresql" in [tool.gitmig]\n'
    )


def test_log_runs_none_of_it(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.append("app/models.py", "\nimport nowhere_to_be_found\n")
    project.append("alembic/env.py", "\nraise RuntimeError\n")
    assert [line["revision"] for line in project.gitmig("log", "--json", check=0).json["revisions"]] == [
        "bbbb",
        "aaaa",
    ]


def test_models_with_no_difference(tmp_path: Path) -> None:
    refuses(
        with_two_revisions(tmp_path),
        *("revise", "-m", "Change"),
        error="the models say what the head revision was made for: there is nothing to revise "
        "(gitmig revise --empty, for a data migration)",
        hint="gitmig status",
        code="no-difference",
        exit_code=1,
    )


UNREADABLE = "the revision identifiers of {path} cannot be read: invalid syntax (line 3)"


@pytest.fixture
def unreadable(tmp_path: Path) -> Project:
    """The second revision's file has a syntax error; the database is at it."""
    project = with_two_revisions(tmp_path)
    path = script(project, SECOND)
    project.write(path, '"""Add username for user"""\n\ndef (:\n' + project.read(path))
    return project


@pytest.mark.parametrize(
    "command", [("rollback",), ("revise", "-m", "Change")], ids=lambda command: command[0]
)
def test_a_revision_file_with_a_syntax_error_stops_what_moves(
    unreadable: Project, command: tuple[str, ...]
) -> None:
    path = script(unreadable, SECOND)
    refuses(
        unreadable,
        *command,
        error="GM006: " + UNREADABLE.format(path=path),
        hint=f"correct {path}",
        code="refused",
        exit_code=1,
    )


@pytest.mark.parametrize(("command", "exit_code"), [("status", 1), ("log", 0), ("check", 1)])
def test_a_revision_file_with_a_syntax_error_is_found_by_what_looks(
    unreadable: Project, command: str, exit_code: int
) -> None:
    """And nothing else is: which revision the database is at cannot be said without that file."""
    path = script(unreadable, SECOND)
    expected = ("GM006", "error", UNREADABLE.format(path=path), f"correct {path}")
    assert findings(unreadable, command) == [expected]
    answer = unreadable.gitmig(command, "--json", check=exit_code).json
    assert [(item["path"], item["line"]) for item in answer["findings"]] == [(path, 3)]
