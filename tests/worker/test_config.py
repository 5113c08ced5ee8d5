"""The Alembic configuration, from disk and from a tree."""

from __future__ import annotations

import sqlite3

import pytest

from tests.worker.driver import ENV, FILES, INI, Project, WorkerError

TOML = """\
[tool.alembic]
script_location = "%(here)s/alembic"
prepend_sys_path = ["."]
version_locations = ["%(here)s/alembic/versions", "%(here)s/more"]
"""
BOTH = pytest.mark.parametrize("from_tree", [True, False], ids=["tree", "disk"])


def env_with(*lines: str) -> str:
    """env.py that raises with the value of an expression, so that a test sees it."""
    return "\n".join(["import os, sys", *lines, ENV])


@BOTH
@pytest.mark.parametrize("location", ["alembic", "%(here)s/alembic", "./alembic", "app:migrations"])
def test_script_locations(bare: Project, location: str, from_tree: bool) -> None:
    files = {**FILES, "alembic.ini": INI.replace("%(here)s/alembic", location)}
    if location == "app:migrations":
        files["app/migrations/env.py"] = files.pop("alembic/env.py")
        files["app/migrations/versions/x.txt"] = ""
    if not from_tree:
        bare.write(files)
    answer = bare.start(files if from_tree else None).schema()
    assert answer["versions"] == ["app/migrations/versions" if ":" in location else "alembic/versions"]
    assert len(answer["facets"]) == 3


@BOTH
def test_a_configuration_below_the_top(bare: Project, from_tree: bool) -> None:
    files = {f"services/api/{name}": text for name, text in FILES.items()}
    (bare.top / "services/api").mkdir(parents=True)
    if not from_tree:
        bare.write(files)
    child = bare.start(files if from_tree else None, directory="services/api", ini="services/api/alembic.ini")
    answer = child.schema()
    assert answer["versions"] == ["services/api/alembic/versions"]
    assert answer["sources"] == {"user": "services/api/app/models.py"}


@BOTH
def test_pyproject_toml(bare: Project, from_tree: bool) -> None:
    url = 'context.configure(url="sqlite:///x.db"'
    env = ENV.replace('context.configure(url=context.config.get_main_option("sqlalchemy.url")', url)
    assert env != ENV
    files = {**FILES, "pyproject.toml": TOML, "alembic/env.py": env}
    if not from_tree:
        bare.write(files)
    answer = bare.start(files if from_tree else None, ini=None, toml="pyproject.toml").schema()
    assert answer["versions"] == ["alembic/versions", "more"]
    assert answer["manifest"]["files"][0] == "alembic/env.py"
    assert "pyproject.toml" in answer["manifest"]["files"]


def test_ini_and_pyproject_toml_together(project: Project) -> None:
    project.write(
        {"pyproject.toml": TOML, "alembic.ini": INI.replace("script_location", "# script_location")}
    )
    answer = project.start(toml="pyproject.toml").schema()
    assert answer["versions"] == ["alembic/versions", "more"]


@BOTH
def test_several_version_locations(bare: Project, from_tree: bool) -> None:
    files = {**FILES, "alembic.ini": INI + "version_locations = %(here)s/alembic/versions:more\n"}
    if not from_tree:
        bare.write(files)
    answer = bare.start(files if from_tree else None).schema()
    assert answer["versions"] == ["alembic/versions", "more"]


def test_a_database_beside_the_ini_is_that_of_the_checkout(bare: Project) -> None:
    sqlite3.connect(bare.top / "app.db").execute("CREATE TABLE mine (id INTEGER)").connection.close()
    env = (
        "from alembic import context\nfrom sqlalchemy import create_engine\n"
        "engine = create_engine(context.config.get_main_option('sqlalchemy.url'))\n"
        "with engine.connect() as connection:\n"
        "    context.configure(connection=connection)\n    context.run_migrations()\n"
    )
    answer = bare.start({**FILES, "alembic/env.py": env}).request("heads")
    assert (answer["tables"], answer["database"]) == (1, f"sqlite:///{bare.top}/app.db")


def test_the_ini_of_the_tree_is_read(project: Project) -> None:
    project.write({"alembic.ini": "[alembic]\nscript_location = nowhere\n"})
    assert project.start(FILES).tables() == ["user"]


def test_logging_configured_from_the_ini_of_the_tree(bare: Project) -> None:
    ini = INI + (
        "[loggers]\nkeys = root\n[handlers]\nkeys = console\n[formatters]\nkeys =\n"
        "[logger_root]\nlevel = WARNING\nhandlers = console\n"
        "[handler_console]\nclass = StreamHandler\nargs = (sys.stderr,)\n"
    )
    env = "from logging.config import fileConfig\nfrom alembic import context\n"
    env += "fileConfig(context.config.config_file_name)\n" + ENV
    assert bare.start({**FILES, "alembic.ini": ini, "alembic/env.py": env}).tables() == ["user"]


def test_x_arguments_and_the_section_reach_env_py(project: Project) -> None:
    project.write(
        {
            "alembic.ini": INI.replace("[alembic]", "[other]"),
            "alembic/env.py": env_with(
                "from alembic import context",
                "assert context.get_x_argument(as_dictionary=True) == {'tenant': 'a', 'flag': '1'}",
                "assert context.config.config_ini_section == 'other'",
                "assert context.config.cmd_opts.cmd[0].__name__ == 'upgrade'",
                "assert sys.argv == ['alembic']",
            ),
        }
    )
    assert project.start(section="other", x=["tenant=a", "flag=1"]).tables() == ["user"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"alembic.ini": "[alembic]\n"}, "No 'script_location' key found in configuration"),
        ({"alembic.ini": "[other]\n"}, "No 'script_location' key found in configuration"),
        ({"alembic.ini": "script_location = x"}, "alembic.ini: File contains no section headers."),
        ({"alembic.ini": "[alembic]\nscript_location = gone\n"}, "Path doesn't exist: gone"),
        ({"alembic.ini": INI.replace("%(here)s/alembic", "%(no)s")}, "alembic.ini: Bad value substitution"),
    ],
)
def test_a_configuration_that_leads_nowhere(project: Project, files: dict[str, str], message: str) -> None:
    project.write(files)
    with pytest.raises(WorkerError) as caught:
        project.start().schema()
    assert caught.value.kind == "no-configuration"
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("missing", ["alembic.ini", "alembic/env.py"])
def test_a_file_that_the_tree_has_not(project: Project, missing: str) -> None:
    tree = {name: text for name, text in FILES.items() if name != missing}
    with pytest.raises(WorkerError) as caught:
        project.start(tree).schema()
    assert (caught.value.kind, caught.value.message) == ("no-configuration", f"{missing} is not there")


def test_no_configuration_at_all(bare: Project) -> None:
    with pytest.raises(WorkerError) as caught:
        bare.start(ini=None).schema()
    assert caught.value.kind == "no-configuration"


def test_toml_that_is_none(project: Project) -> None:
    project.write({"pyproject.toml": "[tool.alembic\n"})
    with pytest.raises(WorkerError) as caught:
        project.start(ini=None, toml="pyproject.toml").schema()
    assert caught.value.kind == "no-configuration"
    assert caught.value.message.startswith("pyproject.toml: ")
