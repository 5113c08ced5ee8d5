"""One environment, configured in each way there is: set up, checked by the hook, revised, rolled back."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments.projects import COLUMN, flask_shop, models, repository, scripts
from tests.story import Project


def round_trip(project: Project, path: str, column: str = COLUMN, *more: str) -> None:
    """The hook stops a change without a revision; a revision is made, undone and done again."""
    gitmig, git = project.gitmig, project.git
    gitmig("revise", *more, "-m", "First", check=0)
    assert project.gitmig("status", *more, check=0).stdout.endswith("in step\n")
    before = project.read(path)
    project.append(path, column)
    git("add", "--all")
    blocked = project.try_git("commit", "-m", "Only the models")
    assert (blocked.exit_code, blocked.stderr[:5]) == (1, "GM001")
    git("reset", "--quiet")
    gitmig("revise", *more, "-m", "Second", check=0)
    after = project.read(path)
    gitmig("rollback", *more, check=0)
    assert project.read(path) == before
    gitmig("upgrade", *more, check=0)
    assert project.read(path) == after
    lines = gitmig("log", *more, "--json", check=0).json["revisions"]
    assert [(line["message"], line["tie"], line["applied"]) for line in lines] == [
        ("Second", "verified", True),
        ("First", "verified", True),
    ]


def test_folders_of_releases_below_the_first_revision(tmp_path: Path) -> None:
    """As in a project whose own command names them: all are in step, and a draft lies with its parent."""
    project = repository(tmp_path / "project")
    models(project)
    scripts(project, "db")
    project.write("alembic.ini", "[alembic]\nscript_location = db\nprepend_sys_path = .\n")
    parent, versions = None, "db/versions"
    for path in ("first.py", "one/more.py", "two/last.py"):
        name = path[-7:-3]
        body = "pass" if parent else "op.create_table('user', sa.Column('id', sa.Integer, primary_key=True))"
        project.write(
            f"{versions}/{path}",
            "import sqlalchemy as sa\nfrom alembic import op\n"
            f"revision, down_revision = {name!r}, {parent!r}\n\n\ndef upgrade():\n    {body}\n",
        )
        parent = name
    project.commit("Start")
    project.gitmig("init", check=0)
    assert f'version_locations = ["{versions}"]' in project.read("pyproject.toml")
    project.gitmig("upgrade", "-y", check=0)
    project.commit("Set up gitmig")
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")
    project.append("app/models.py", COLUMN)
    answer = project.gitmig("revise", "-m", "Next", "--draft", "--json", check=0).json
    assert answer["path"].startswith(f"{versions}/two/")


def test_run_from_the_top_with_the_ini_in_a_folder(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    models(project)
    scripts(project, "db/migrations")
    project.write("db/alembic.ini", "[alembic]\nscript_location = db/migrations\nprepend_sys_path = .\n")
    project.commit("Start")
    answer = project.gitmig("init", "--json", check=0).json
    assert (answer["configuration"], answer["made"]) == ("db/alembic.ini", ["pyproject.toml"])
    assert project.read("pyproject.toml") == '[tool.gitmig]\nmodels = ["app/models.py"]\n'
    project.commit("Set up gitmig")
    round_trip(project, "app/models.py")
    assert project.path("app.db").exists()
    assert project.gitmig("status", cwd=project.path("db"), check=0).stdout.endswith("in step\n")


def test_an_ini_of_another_name_is_kept(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    models(project)
    scripts(project, "db")
    project.write("conf/shop.ini", "[shop]\nscript_location = db\nprepend_sys_path = .\n")
    project.commit("Start")
    project.gitmig("--config", "conf/shop.ini", "--name", "shop", "init", check=0)
    assert project.read("pyproject.toml") == (
        '[[tool.gitmig.environments]]\nname = "shop"\nconfig = "conf/shop.ini"\nsection = "shop"\n'
        'models = ["app/models.py"]\n'
    )
    project.commit("Set up gitmig")
    round_trip(project, "app/models.py")


def test_what_alembic_is_told_by_a_variable(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    models(project)
    for name in ("one", "two"):
        scripts(project, name)
        project.write(f"{name}.ini", f"[alembic]\nscript_location = {name}\nprepend_sys_path = .\n")
    project.commit("Start")
    env = {"ALEMBIC_CONFIG": "two.ini"}
    project.gitmig("init", env=env, check=0)
    assert 'config = "two.ini"' in project.read("pyproject.toml")
    assert 'config = "one.ini"' not in project.read("pyproject.toml")
    project.commit("Set up gitmig")
    project.gitmig("revise", "-m", "First", check=0)
    assert len([*project.path("two/versions").glob("*.py")]) == 1
    other = {"ALEMBIC_CONFIG": "/elsewhere/alembic.ini"}
    assert project.gitmig("status", env=other, check=0).stdout.endswith("in step\n")


def test_absolute_paths(tmp_path: Path) -> None:
    """As in a container, where the repository is always in the same place."""
    project = repository(tmp_path / "project")
    models(project)
    scripts(project, "alembic")
    top = project.top
    project.write(
        "alembic.ini",
        f"[alembic]\nscript_location = {top}/alembic\nprepend_sys_path = {top}\n"
        f"version_locations = {top}/alembic/versions\npath_separator = space\n",
    )
    project.commit("Start")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    round_trip(project, "app/models.py")


def test_no_configuration_at_all(tmp_path: Path) -> None:
    """A package that calls Alembic from code."""
    project = repository(tmp_path / "project")
    models(project, "src/shop/models.py")
    scripts(project, "src/shop/migrations", "shop.models")
    project.write(
        "src/shop/migrations/versions/a1a1_start.py",
        '"""Start"""\n\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = "a1a1"\n'
        "down_revision = None\n\n\ndef upgrade():\n"
        '    op.create_table("user", sa.Column("id", sa.Integer, primary_key=True))\n\n\n'
        'def downgrade():\n    op.drop_table("user")\n',
    )
    project.commit("Start")
    project.gitmig("init", check=0)
    assert project.read("pyproject.toml") == (
        '[[tool.gitmig.environments]]\nname = "shop"\nscript_location = "src/shop/migrations"\n'
        'models = ["src/shop/models.py"]\n'
    )
    project.commit("Set up gitmig")
    project.gitmig("upgrade", check=0)
    project.gitmig("status", check=0)
    project.append("src/shop/models.py", COLUMN)
    assert project.gitmig("check", check=1).stderr.startswith("GM001")
    project.git("add", "--all")
    assert project.try_git("commit", "-m", "x").exit_code == 1
    project.gitmig("revise", "-m", "Second", check=0)
    project.gitmig("rollback", "--yes", check=0)
    assert COLUMN not in project.read("src/shop/models.py")
    assert [one["message"] for one in project.gitmig("log", "--json", check=0).json["revisions"]] == [
        "Second",
        "Start",
    ]


def test_only_its_own_code_can_run_env_py(tmp_path: Path) -> None:
    """There is no revision yet, and no database that gitmig could ask."""
    project = repository(tmp_path / "project")
    models(project)
    scripts(project, "app/migrations")
    given = 'connection = config.attributes["connection"]\n'
    env = project.read("app/migrations/env.py").replace("url = config", f"{given}url = config")
    project.write("app/migrations/env.py", env)
    project.commit("Start")
    settings = '[tool.gitmig]\nmetadata = "app.models:Base.metadata"\ndialect = "sqlite"\n'
    assert "set metadata = " in project.gitmig("init", check=0).stderr
    project.write("pyproject.toml", f'{settings}models = ["app/models.py"]\n')
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    assert project.gitmig("log", check=0).stdout == "no revisions yet\n"
    drafted = project.gitmig("revise", "--draft", "-m", "First", check=0)
    assert "env.py fails on a scratch database: KeyError: 'connection'" in drafted.stderr
    project.commit("First")
    assert project.gitmig("check", check=0).stdout == ""
    project.append("app/models.py", COLUMN)
    project.git("add", "--all")
    blocked = project.try_git("commit", "-m", "Models alone")
    assert (blocked.exit_code, "+ user.email VARCHAR" in blocked.stderr) == (1, True)
    assert project.gitmig("status", check=2).stderr.startswith("Error: KeyError: 'connection'\n")


def test_models_outside_of_its_folder(tmp_path: Path) -> None:
    project = repository(tmp_path / "project")
    models(project, "shared/models.py")
    scripts(project, "back/alembic", "shared.models")
    project.write("back/alembic.ini", "[alembic]\nscript_location = alembic\nprepend_sys_path = .:..\n")
    project.write("back/pyproject.toml", '[project]\nname = "back"\n')
    project.commit("Start")
    project.gitmig("init", check=0)
    assert project.read("back/pyproject.toml") == (
        '[project]\nname = "back"\n\n[tool.gitmig]\nmodels = ["../shared/models.py"]\n'
    )
    project.commit("Set up gitmig")
    round_trip(project, "shared/models.py")


def test_flask_migrate(tmp_path: Path) -> None:
    """As `flask db init` leaves it; nothing is edited, and the hook knows nothing of FLASK_APP."""
    project = flask_shop(tmp_path / "project")
    project.gitmig("init", check=0)
    assert project.read("pyproject.toml") == (
        '[[tool.gitmig.environments]]\nname = "migrations"\nconfig = "migrations/alembic.ini"\n'
        'flask = "shop:create_app"\nmodels = ["shop/models.py"]\n'
    )
    project.commit("Set up gitmig")
    round_trip(project, "shop/models.py", "    email = db.Column(db.String)\n")
    assert project.path("instance/main.db").exists()


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".flaskenv", "# of the shop\nexport FLASK_APP='shop:create_app()'\n"),
        ("wsgi.py", "from shop import create_app\n\napp = create_app()\n"),
    ],
)
def test_flask_finds_its_application(tmp_path: Path, path: str, text: str) -> None:
    project = flask_shop(tmp_path / "project")
    project.write(path, text)
    project.commit("Say where it is")
    project.gitmig("init", check=0)
    assert "flask" not in project.read("pyproject.toml")
    project.commit("Set up gitmig")
    project.gitmig("revise", "-m", "First", check=0)
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")


def test_flask_whose_application_is_named_with_the_settings(tmp_path: Path) -> None:
    """The commit before, which the hook judges too, did not name it."""
    project = flask_shop(tmp_path / "project")
    project.write(".flaskenv", "FLASK_APP=shop:create_app\n")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    project.append("shop/models.py", "    email = db.Column(db.String)\n")
    project.git("add", "--all")
    assert project.try_git("commit", "-m", "Models alone").exit_code == 1
    project.gitmig("revise", "-m", "First", check=0)


AT_START = """
    from flask_migrate import upgrade

    with app.app_context():
        upgrade()
        if db.session.query(models.Item).filter_by(id=1).first() is None:
            db.session.add(models.Item())
            db.session.commit()

    return app
"""


def test_flask_whose_application_migrates_and_asks_its_database_at_its_start(tmp_path: Path) -> None:
    """Who looks changes nothing: the application is made without a database."""
    project = flask_shop(tmp_path / "project")
    factory = project.read("shop/__init__.py")
    project.write("shop/__init__.py", factory.replace("\n    return app\n", AT_START))
    project.commit("Migrate at the start")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    project.gitmig("revise", "-m", "First", "--draft", check=0)
    project.gitmig("status", check=1)
    assert not project.path("instance/main.db").exists()
    project.gitmig("upgrade", "--commit", "-y", check=0)
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")


def test_flask_with_the_migrations_in_its_package(tmp_path: Path) -> None:
    """Flask is run beside the package, and so are the settings."""
    project = flask_shop(tmp_path / "project")
    project.git("mv", "migrations", "shop/migrations")
    project.commit("Inside")
    project.gitmig("init", check=0)
    settings = project.read("pyproject.toml")
    assert 'config = "shop/migrations/alembic.ini"\nflask = "shop:create_app"\n' in settings
    project.commit("Set up gitmig")
    project.gitmig("revise", "-m", "First", check=0)


def test_flask_without_its_application(tmp_path: Path) -> None:
    project = flask_shop(tmp_path / "project")
    project.write("shop/__init__.py", project.read("shop/__init__.py").replace("create_app", "new_app"))
    project.commit("Another name")
    said = project.gitmig("init", check=0)
    assert said.stderr.endswith(
        "Hint: name the application: export FLASK_APP=package:create_app, then gitmig init keeps it\n"
    )
    project.gitmig("init", env={"FLASK_APP": "shop:new_app"}, check=0)
    assert 'flask = "shop:new_app"' in project.read("pyproject.toml")
    project.gitmig("check", check=1)


def test_models_that_moved(tmp_path: Path) -> None:
    """`init` notices when it is run again, and keeps what is still there."""
    project = repository(tmp_path / "project")
    models(project)
    scripts(project, "alembic")
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n")
    project.commit("Start")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    project.write("shop/__init__.py", "")
    project.path("app/models.py").rename(project.path("shop/tables.py"))
    project.write("alembic/env.py", project.read("alembic/env.py").replace("app.models", "shop.tables"))
    assert project.gitmig("init", check=0).stdout.splitlines()[:3] == [
        "alembic   alembic.ini",
        "models    shop/tables.py",
        "wrote     pyproject.toml",
    ]
    assert project.read("pyproject.toml") == '[tool.gitmig]\nmodels = ["shop/tables.py"]\n'


def test_models_by_a_pattern(tmp_path: Path) -> None:
    """A file that matches goes and comes with its revision, whatever lies beside it, or once did."""
    project = repository(tmp_path / "project")
    project.write("app/gone/models.py", "")
    project.commit("Models of former times")
    project.path("app/gone/models.py").unlink()
    models(project, "app/users/models.py")
    project.write("app/__init__.py", "")
    project.write("app/users/views.py", "ONE = 1\n")
    scripts(project, "alembic", "app.users.models")
    found = "for path in sorted(Path('app').glob('*/models.py')):\n"
    found += "    import_module(f'app.{path.parent.name}.models')\n"
    head = "from importlib import import_module\nfrom pathlib import Path\n\n"
    project.write(
        "alembic/env.py", head + project.read("alembic/env.py").replace("config = ", found + "config = ", 1)
    )
    project.write("alembic.ini", "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n")
    project.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app/*/models.py"]\n')
    project.commit("Start")
    project.gitmig("init", check=0)
    project.gitmig("revise", "-m", "First", check=0)
    item = "from app.users.models import Base, Mapped, mapped_column\n\n\nclass Item(Base):\n"
    item += '    __tablename__ = "item"\n\n    id: Mapped[int] = mapped_column(primary_key=True)\n'
    project.write("app/items/__init__.py", "")
    project.write("app/items/models.py", item)
    project.gitmig("revise", "-m", "Items", check=0)
    assert project.git("ls-files", "app/items/models.py") == "app/items/models.py"
    project.write("app/users/views.py", "TWO = 2\n")
    project.gitmig("rollback", check=0)
    assert not project.path("app/items/models.py").exists()
    assert project.read("app/users/views.py") == "TWO = 2\n"
    project.gitmig("upgrade", check=0)
    assert project.read("app/items/models.py") == item


def test_an_application_that_runs_its_revisions_without_an_env(tmp_path: Path) -> None:
    """What needs the revisions alone works; what needs an env.py says so."""
    project = repository(tmp_path / "project")
    project.write("shop/migrations/script.py.mako", "")
    project.write("shop/migrations/__init__.py", "")
    for revision, parent in (("a1", None), ("b2", "a1")):
        text = f"revision = {revision!r}\ndown_revision = {parent!r}\n"
        project.write(f"shop/migrations/2015_{revision}.py", text)
    project.git("add", "--all")
    project.git("commit", "--quiet", "-m", "Start")
    lines = project.gitmig("log", "--json", check=0).json["revisions"]
    assert [line["revision"] for line in lines] == ["b2", "a1"]
    for command in ("init", "status", "upgrade"):
        assert project.gitmig(command, check=2).stderr == (
            "Error: shop/migrations has revisions, and no env.py to run them with\n"
            "Hint: alembic init makes one, with a versions folder: move them there\n"
        )
    project.write("shop/migrations/2016_c3.py", "revision = 'c3'\ndown_revision = 'a1'\n")
    project.git("add", "--all")
    assert project.gitmig("check", "--staged", "--json", check=1).json["findings"][0]["code"] == "GM002"
