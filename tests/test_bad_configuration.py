"""Configuration that is missing or wrong: Alembic's, the settings', the interpreter's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bad import refuses, with_two_revisions
from tests.story import MODELS, SETTINGS, Project

COMMANDS = (("status",), ("check",), ("revise", "-m", "Change"))


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """A repository that holds no Alembic."""
    project = Project(tmp_path / "bare")
    project.top.mkdir()
    project.git("init", "--quiet")
    project.write("notes.txt", "nothing else\n")
    project.commit("Start")
    return project


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_no_alembic_configuration(bare: Project, command: tuple[str, ...]) -> None:
    refuses(
        bare,
        *command,
        error=f"no Alembic configuration in {bare.top} or above it",
        hint="gitmig init",
        code="no-alembic",
        exit_code=2,
    )


def test_the_hook_checks_nothing_on_a_branch_without_alembic(bare: Project) -> None:
    bare.write("code.py", "ONE = 1\n")
    bare.git("add", "--all")
    result = bare.gitmig("check", "--staged", check=0)
    assert result.stderr == f"Note: no Alembic configuration in {bare.top} or above it: nothing was checked\n"
    assert bare.gitmig("check", "--staged", "--json", check=0).json == {"version": 1, "findings": []}
    bare.write("one/alembic.ini", "[alembic]\n")
    said = bare.gitmig("check", "--staged", check=2).stderr
    assert (
        said
        == "Error: one/alembic.ini has no script_location\nHint: add script_location to one/alembic.ini\n"
    )


def test_the_hook_can_be_asked_about_and_removed_without_alembic(bare: Project) -> None:
    assert bare.gitmig("hook", "status", check=0).stdout == "the hook is not installed\n"
    assert bare.gitmig("hook", "uninstall", check=0).stdout == "the hook is not installed\n"


def test_outside_of_a_repository(tmp_path: Path) -> None:
    project = Project(tmp_path / "plain")
    project.top.mkdir()
    for command in ("init", "hook"):
        said = project.gitmig(*(("init",) if command == "init" else ("hook", "status")), check=2)
        assert said.stderr == f"Error: {project.top} is not in a git repository\nHint: git init\n"
    assert list(project.top.iterdir()) == []


def test_more_than_one_alembic_environment(bare: Project) -> None:
    for folder in ("one", "two"):
        bare.write(f"{folder}/alembic.ini", "[alembic]\nscript_location = alembic\n")
    refuses(
        bare,
        "revise",
        "-m",
        "Change",
        error="more than one Alembic environment: one, two",
        hint="name one, as in -e one, or start in its folder",
        code="no-alembic",
        exit_code=2,
    )


@pytest.mark.parametrize(
    ("options", "error", "hint", "code"),
    [
        (("--config", "no.ini"), "no.ini does not exist", "name the alembic.ini with --config", "no-alembic"),
        (("--config", "pyproject.toml"), "pyproject.toml has no [tool.alembic]",
         "name the alembic.ini with --config", "no-alembic"),
        (("--config", ".gitignore"), ".gitignore does not parse: File contains no section headers",
         "correct .gitignore", "settings"),
        (("--name", "other"), "alembic.ini has no section [other]", "name one with --name", "no-alembic"),
        (("-C", "/nowhere"), "/nowhere is not a folder", "name one with -C DIR", "settings"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)  # fmt: skip
def test_a_configuration_that_was_named_and_is_not_one(
    project: Project, options: tuple[str, str], error: str, hint: str, code: str
) -> None:
    refuses(project, "status", *options, error=error, hint=hint, code=code, exit_code=2)


def test_a_configuration_in_another_repository(project: Project, bare: Project) -> None:
    refuses(
        bare,
        "status",
        "--config",
        str(project.path("alembic.ini")),
        error=f"{project.path('alembic.ini')} is outside {bare.top}",
        hint="start gitmig in that repository, or with -C DIR",
        code="no-alembic",
        exit_code=2,
    )


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ("[alembic]\n", "alembic.ini has no script_location", "add script_location to alembic.ini"),
        ("[alembic]\nscript_location = /opt/alembic\n",
         "alembic.ini names a folder outside of the project: /opt/alembic",
         "name it relative to %(here)s in alembic.ini"),
    ],
)  # fmt: skip
def test_an_ini_without_a_usable_location(project: Project, text: str, error: str, hint: str) -> None:
    project.write("alembic.ini", text)
    code = "no-alembic" if "has no" in error else "settings"
    refuses(project, "log", error=error, hint=hint, code=code, exit_code=2)


def test_an_ini_that_is_not_text(project: Project) -> None:
    project.path("alembic.ini").write_bytes(b"[alembic]\nscript_location = \xff\n")
    refuses(
        project,
        "status",
        error="alembic.ini is not in UTF-8",
        hint="correct alembic.ini",
        code="settings",
        exit_code=2,
    )


@pytest.mark.parametrize("command", [("rollback",), ("revise", "-m", "Change"), ("upgrade", "--commit")])
def test_no_models_configured(tmp_path: Path, command: tuple[str, ...]) -> None:
    project = with_two_revisions(tmp_path)
    project.write("pyproject.toml", "")
    project.alembic("revision", "-m", "By hand", "--rev-id", "cccc")
    refuses(
        project,
        *command,
        error="no models files are configured",
        hint="gitmig init",
        code="settings",
        exit_code=2,
    )


def test_without_configured_models_a_look_is_possible(tmp_path: Path) -> None:
    project = Project.create(tmp_path, settings=None)
    answer = project.gitmig("status", "--json", check=1).json
    assert answer["models"] == {"paths": [], "revision": None, "modified": []}
    assert answer["hint"] == "gitmig init"
    assert "models    none configured (gitmig init)\n" in project.gitmig("status").stdout
    assert [item["hint"] for item in project.gitmig("check", "--json", check=1).json["findings"]] == [
        "gitmig init"
    ]


@pytest.mark.parametrize(
    "command", [("status",), ("check",), ("rollback",), ("revise", "-m", "Change")], ids=lambda c: c[0]
)
def test_a_configured_models_file_that_is_missing(tmp_path: Path, command: tuple[str, ...]) -> None:
    project = with_two_revisions(tmp_path)
    project.write("pyproject.toml", SETTINGS.replace("models.py", "modles.py"))
    refuses(
        project,
        *command,
        error="app/modles.py does not exist, and is configured as a models file",
        hint="correct models in [tool.gitmig] of pyproject.toml",
        code="settings",
        exit_code=2,
    )


def test_a_models_file_that_a_rollback_took_away_is_not_missing(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app/models.py", "app/tag.py"]\n')
    project.write("app/tag.py", MODELS.replace("class User", "class Tag").replace('"user"', '"tag"'))
    project.append("app/models.py", "\n\nimport app.tag  # noqa: E402, F401\n")
    project.alembic("revision", "--autogenerate", "-m", "Add tag", "--rev-id", "cccc")
    project.gitmig("upgrade", "--commit", check=0)
    project.gitmig("rollback", "--yes", check=0)
    assert not project.path("app/tag.py").exists()
    assert project.gitmig("status", "--json").json["database"]["heads"] == ["bbbb"]
    project.gitmig("upgrade", check=0)
    assert project.path("app/tag.py").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_an_unknown_setting(project: Project, command: tuple[str, ...]) -> None:
    project.write("pyproject.toml", '[tool.gitmig]\nmodel = ["app/models.py"]\n')
    refuses(
        project,
        *command,
        error="unknown setting 'model' in [tool.gitmig] of pyproject.toml",
        hint="did you mean 'models'?",
        code="settings",
        exit_code=2,
    )


def test_an_unknown_setting_in_the_hook(project: Project) -> None:
    project.write("pyproject.toml", '[tool.gitmig]\nmodel = ["app/models.py"]\n')
    project.append("app/models.py", "# a comment\n")
    project.git("add", "--all")
    said = project.gitmig("check", "--staged", check=2).stderr
    assert said.startswith("Error: unknown setting 'model' in [tool.gitmig] of pyproject.toml\n")


@pytest.mark.parametrize("key", ["python", "scratchUrl"])
def test_a_tracked_setting_names_no_program_and_no_database(project: Project, key: str) -> None:
    project.write("pyproject.toml", f'{SETTINGS}{key} = "touch {project.top}/owned"\n')
    refuses(
        project,
        "status",
        error=f"{key!r} in [tool.gitmig] of pyproject.toml names a program, a database or an automatism, "
        "which tracked files may not do",
        hint=f"remove it from pyproject.toml, then: git config gitmig.{key} VALUE",
        code="settings",
        exit_code=2,
    )


def test_settings_that_are_not_toml(project: Project) -> None:
    project.write("pyproject.toml", "[tool.gitmig\n")
    refuses(
        project,
        "status",
        error="pyproject.toml is not valid TOML: Expected ']' at the end of a table declaration "
        "(at line 1, column 13)",
        hint="correct pyproject.toml",
        code="settings",
        exit_code=2,
    )


@pytest.mark.parametrize("command", [("status",), ("upgrade",)], ids=lambda command: command[0])
def test_an_interpreter_that_is_not_there(project: Project, command: tuple[str, ...]) -> None:
    project.git("config", "gitmig.python", "/nowhere/bin/python")
    refuses(
        project,
        *command,
        error="no Python interpreter of the project was found",
        hint="git config gitmig.python PATH_OF_PYTHON",
        code="no-interpreter",
        exit_code=2,
        detail="tried:\n  git config gitmig.python: /nowhere/bin/python",
    )
