"""Several environments in one repository: each speaks under its name, and nothing of them is mixed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments.projects import COLUMN, models, repository, scripts, service
from tests.story import Project


@pytest.fixture
def both(tmp_path: Path) -> Project:
    """Two services with a database ``app.db`` each, set up and at their first revision."""
    project = repository(tmp_path / "project")
    service(project, "one", "User")
    service(project, "two", "Item")
    project.commit("Start")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    for folder in ("one", "two"):
        project.gitmig("revise", "-m", f"First of {folder}", cwd=project.path(folder), check=0)
    return project


def test_init_finds_both(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    service(project, "one", "User")
    service(project, "two", "Item")
    project.write("pyproject.toml", '[project]\nname = "shop"\n')
    project.commit("Start")
    answer = project.gitmig("init", "--json", check=0).json
    assert answer["environments"] == [
        {"name": "one", "configuration": "one/alembic.ini", "models": ["one/app/models.py"]},
        {"name": "two", "configuration": "two/alembic.ini", "models": ["two/app/models.py"]},
    ]
    assert answer["made"] == ["pyproject.toml"]
    assert project.read("pyproject.toml") == (
        '[project]\nname = "shop"\n\n'
        '[[tool.gitmig.environments]]\nname = "one"\nconfig = "one/alembic.ini"\n'
        'models = ["one/app/models.py"]\n\n'
        '[[tool.gitmig.environments]]\nname = "two"\nconfig = "two/alembic.ini"\n'
        'models = ["two/app/models.py"]\n'
    )
    before = project.snapshot()
    said = project.gitmig("init", check=0).stdout
    assert said.startswith(
        "one\nalembic   one/alembic.ini\nmodels    one/app/models.py\n\n"
        "two\nalembic   two/alembic.ini\nmodels    two/app/models.py\n\n"
    )
    assert project.snapshot() == before


def test_the_top_speaks_of_both(both: Project) -> None:
    said = both.gitmig("status", check=0).stdout
    parts = said.split("\n\n")
    assert [part.splitlines()[0] for part in parts] == ["one", "two"]
    assert [part.splitlines()[-1] for part in parts] == ["in step", "in step"]
    answer = both.gitmig("status", "--json", check=0).json
    assert [(one["name"], one["in_step"]) for one in answer["environments"]] == [("one", True), ("two", True)]
    listed = both.gitmig("log", "--json", check=0).json["environments"]
    assert [[line["message"] for line in one["revisions"]] for one in listed] == [
        ["First of one"],
        ["First of two"],
    ]
    assert both.gitmig("check", "--json", check=0).json == {
        "version": 1,
        "environments": [{"name": "one", "findings": []}, {"name": "two", "findings": []}],
    }


def test_a_folder_speaks_of_its_own(both: Project) -> None:
    here = both.path("one/app")
    assert both.gitmig("status", cwd=here, check=0).stdout.startswith("database  ")
    assert both.gitmig("log", "--json", cwd=here, check=0).json["revisions"][0]["message"] == "First of one"
    assert both.gitmig("log", "--json", "-e", "two", cwd=here, check=0).json["revisions"][0]["message"] == (
        "First of two"
    )


def test_a_command_asks_which_one(both: Project) -> None:
    said = both.gitmig("rollback", check=2).stderr
    assert said == (
        "Error: more than one Alembic environment: one, two\n"
        "Hint: name one, as in -e one, or start in its folder\n"
    )
    both.gitmig("-e", "two", "rollback", "--yes", "--database-only", check=0)
    answer = both.gitmig("status", "--json", check=1).json["environments"]
    assert [one["in_step"] for one in answer] == [True, False]
    # The hint says which one.
    assert "→ gitmig -e two upgrade\n" in both.gitmig("status", check=1).stdout
    assert "no environment is named 'three'" in both.gitmig("status", "-e", "three", check=2).stderr


def test_the_hook_judges_both(both: Project) -> None:
    both.append("two/app/models.py", COLUMN)
    both.git("add", "--all")
    blocked = both.try_git("commit", "-m", "Models of two")
    assert (blocked.exit_code, blocked.stderr[:11]) == (1, "GM001 two: ")
    assert "  + item.email VARCHAR\n" in blocked.stderr
    assert "Hint: gitmig -e two revise" in blocked.stderr
    both.git("reset", "--quiet", "--hard")
    both.append("one/app/models.py", "# nothing of the schema\n")
    both.git("commit", "--quiet", "-am", "A comment")
    # What one environment is known to depend on says nothing of the other.
    both.append("two/app/models.py", COLUMN)
    both.git("add", "--all")
    assert both.try_git("commit", "-m", "Models of two").exit_code == 1


def test_what_is_remembered_is_apart(both: Project) -> None:
    """Both databases are called ``sqlite:///app.db``."""
    for folder in ("one", "two"):
        rows = both.gitmig("ledger", "show", "--json", cwd=both.path(folder), check=0).json["rows"]
        assert len(rows) == 1
        assert f"First of {folder}" in both.gitmig("ledger", "show", cwd=both.path(folder), check=0).stdout
    both.append("one/app/models.py", COLUMN)
    both.gitmig("revise", "-m", "Second of one", cwd=both.path("one"), check=0)
    both.gitmig("rollback", cwd=both.path("one"), check=0)
    assert COLUMN not in both.read("one/app/models.py")
    assert both.gitmig("status", cwd=both.path("two"), check=0).stdout.endswith("in step\n")
    listed = both.gitmig("log", "--json", check=0).json["environments"]
    assert [[line["applied"] for line in one["revisions"]] for one in listed] == [[False, True], [True]]


def test_one_that_does_not_import_keeps_no_other_from_speaking(both: Project) -> None:
    both.append("one/app/models.py", "import nowhere\n")
    said = both.gitmig("status", "--json", check=2).json["environments"]
    assert said[0]["error"]["message"] == "ModuleNotFoundError: No module named 'nowhere'"
    assert said[1]["in_step"] is True
    assert [one["name"] for one in both.gitmig("log", "--json", check=0).json["environments"]] == [
        "one",
        "two",
    ]


def test_init_without_the_packages_of_one(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    service(project, "one", "User")
    service(project, "two", "Item")
    project.append("two/app/models.py", "import nowhere\n")
    project.write("pyproject.toml", "")
    project.commit("Start")
    said = project.gitmig("init", check=0)
    assert said.stderr.startswith(
        "Warning: two: its models were not found: ModuleNotFoundError: No module named 'nowhere'\n"
    )
    assert project.read("pyproject.toml").endswith('name = "two"\nconfig = "two/alembic.ini"\n')
    assert project.gitmig("log", check=0).stdout == "one\nno revisions yet\n\ntwo\nno revisions yet\n"


def test_sections_of_one_file(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    for name, table in (("core", "User"), ("tenant", "Item")):
        models(project, f"{name}_app/models.py", table)
        scripts(project, name, f"{name}_app.models")
    project.write(
        "alembic.ini",
        "".join(
            f"[{name}]\nscript_location = {name}\nprepend_sys_path = .\nsqlalchemy.url = sqlite:///{name}.db\n"
            for name in ("core", "tenant")
        ),
    )
    project.commit("Start")
    project.gitmig("init", check=0)
    assert 'name = "core"\nconfig = "alembic.ini"\nsection = "core"\n' in project.read("pyproject.toml")
    project.commit("Set up gitmig")
    for name in ("core", "tenant"):
        project.gitmig("-e", name, "revise", "-m", f"First of {name}", check=0)
    answer = project.gitmig("status", "--json", check=0).json["environments"]
    assert [(one["name"], one["database"]["name"]) for one in answer] == [
        ("core", "sqlite:///core.db"),
        ("tenant", "sqlite:///tenant.db"),
    ]
    assert project.gitmig("status", "--name", "tenant", "--json", check=0).json["in_step"] is True


def test_a_package_for_two_databases(tmp_path: Path) -> None:
    """Its code chooses the folder of the revisions; nothing of it has to be run for the log."""
    project = repository(tmp_path / "project")
    models(project, "src/shop/models.py")
    for dialect in ("postgresql", "sqlite"):
        folder = f"src/shop/_migrations/versions/{dialect}"
        project.write(f"{folder}/{dialect}_1.py", f'revision = "{dialect[:2]}1"\ndown_revision = None\n')
        project.write(
            f"{folder}/{dialect}_2.py", f'revision = "{dialect[:2]}2"\ndown_revision = "{dialect[:2]}1"\n'
        )
    project.write(
        "src/shop/_migrations/env.py", "from alembic import context\nraise SystemExit('not here')\n"
    )
    project.write("src/shop/_migrations/script.py.mako", "")
    project.commit("Start")
    listed = project.gitmig("log", "--json", check=0).json["environments"]
    assert [(one["name"], [line["revision"] for line in one["revisions"]]) for one in listed] == [
        ("postgresql", ["po2", "po1"]),
        ("sqlite", ["sq2", "sq1"]),
    ]
    assert [line["tie"] for line in listed[0]["revisions"]] == [None, None]
    assert project.gitmig("init", check=0).stderr.count("its models were not found") == 2
    assert project.read("pyproject.toml").startswith(
        '[[tool.gitmig.environments]]\nname = "postgresql"\nscript_location = "src/shop/_migrations"\n'
        'version_locations = ["src/shop/_migrations/versions/postgresql"]\n'
    )
    assert [one["name"] for one in project.gitmig("log", "--json", check=0).json["environments"]] == [
        "postgresql",
        "sqlite",
    ]


def test_a_second_one_joins(both: Project) -> None:
    """`init` in its folder adds it, and changes nothing for the others."""
    service(both, "three", "Order")
    both.git("add", "--all")
    both.gitmig("init", cwd=both.path("three"), check=0)
    both.commit("Three")
    answer = both.gitmig("status", "--json").json["environments"]
    assert [one["name"] for one in answer] == ["one", "three", "two"]


def test_recover_settles_what_was_interrupted_anywhere(both: Project) -> None:
    both.append("two/app/models.py", COLUMN)
    killed = both.gitmig(
        "revise",
        "-m",
        "Second of two",
        cwd=both.path("two"),
        env={"GITMIG_TEST_KILL_AT": "database-committed"},
    )
    assert killed.exit_code == -9
    # The other environment is not held up.
    assert both.gitmig("status", "-e", "one", check=0).stdout.endswith("in step\n")
    said = both.gitmig("status", "--json", check=1).json["environments"]
    assert [[finding["code"] for finding in one["findings"]][:1] for one in said] == [[], ["GM014"]]
    assert "was settled" in both.gitmig("recover", check=0).stdout
    assert both.gitmig("recover", check=0).stdout == "nothing to recover\n"


def _two_sides(project: Project, folders: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """In each folder a revision of topic, which is checked out, and one of main, which is not merged yet."""
    project.git("switch", "--quiet", "-c", "topic")
    found = {}
    for folder in folders:
        path = f"{folder}/app/models.py"
        models = project.read(path)
        project.append(path, COLUMN)
        ours = _revised(project, folder, "Ours")
        project.git("switch", "--quiet", "main")
        project.gitmig("sync", "--yes", "-e", folder, check=0)
        project.write(path, models.replace("    id:", "    phone: Mapped[str | None]\n    id:"))
        found[folder] = ours, _revised(project, folder, "Theirs")
        project.git("switch", "--quiet", "topic")
        project.gitmig("sync", "--yes", "-e", folder, check=0)
    return found


def _revised(project: Project, folder: str, message: str) -> str:
    answer = project.gitmig("revise", "-m", message, "--yes", "--json", "-e", folder, check=0).json
    revision: str = answer["revision"]
    return revision


@pytest.mark.parametrize("folders", [("two",), ("one", "two")])
@pytest.mark.parametrize("how", ["merged", "merging", "onto"])
def test_rebase_knows_where_there_are_two_heads(both: Project, folders: tuple[str, ...], how: str) -> None:
    """From the top, without ``-e``: in one, or in each of several, with a commit for each."""
    sides = _two_sides(both, folders)
    both.hook()
    checked = both.gitmig("rebase", "--check", "--onto", "main", "--json", check=0).json
    each = checked.get("environments", [checked])
    assert [(one["ours"], one["theirs"]) for one in each] == [([a], [b]) for a, b in sides.values()]
    command = ["rebase", "--yes", "--json"]
    if how == "onto" and len(folders) == 1:
        command += ["--onto", "main"]
    else:
        if how == "onto":
            assert both.gitmig("rebase", "--onto", "main", check=1).stderr == (
                "Error: main is not merged, and several environments have revisions on both sides\n"
                "Hint: git merge main, then: gitmig rebase\n"
            )
        both.git("merge", "--quiet", "--no-commit" if how == "merging" else "--no-edit", "main")
    answer = both.gitmig(*command, check=0).json
    each = answer.get("environments", [answer])
    assert [one["steps"][0]["revision"] for one in each] == [ours for ours, _ in sides.values()]
    if both.path(".git/MERGE_HEAD").exists():
        both.git("commit", "--quiet", "--no-edit")
    listed = both.gitmig("log", "--json", check=0).json["environments"]
    for one in listed:
        parents = {line["revision"]: line["down_revisions"] for line in one["revisions"]}
        if one["name"] in sides:
            ours, theirs = sides[one["name"]]
            assert parents[ours] == [theirs]
    both.gitmig("status", check=0)
    assert both.git("status", "--porcelain") == ""
    again = both.gitmig("rebase", check=0).stdout
    assert again.count("nothing to rebase: ") == 2


def test_merge_and_rebase_take_the_environment_of_what_is_named(both: Project) -> None:
    sides = _two_sides(both, ("one", "two"))
    both.git("merge", "--quiet", "--no-edit", "main")
    ours, _ = sides["two"]
    both.gitmig("rebase", ours, "--yes", check=0)
    assert "GM002" not in both.gitmig("check", "-e", "two", check=0).stderr
    both.gitmig("merge", "--yes", check=0)
    assert "follows" not in both.gitmig("check", check=0).stderr
    said = both.gitmig("rebase", "nope", check=2).stderr
    assert said.startswith("Error: more than one Alembic environment: one, two\n")
