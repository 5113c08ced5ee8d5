"""``gitmig init``: a repository is set up, and set up again nothing changes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.story import MODELS, SETTINGS, USERNAME, Project

DATABASE = Path(__file__).resolve().parent.parent.joinpath("app", "database.py").read_text("utf-8")


@pytest.fixture
def bare(tmp_path: Path) -> Project:
    """The article's project with Alembic, and no settings."""
    return Project.create(tmp_path, settings=None)


@pytest.fixture
def without(tmp_path: Path) -> Project:
    """Models in a repository without Alembic and without a commit."""
    project = Project(tmp_path / "fresh")
    project.write("app/__init__.py", "")
    project.write("app/database.py", DATABASE)
    project.write("app/models.py", MODELS)
    project.write(".gitignore", "__pycache__/\n/app.db\n")
    project.git("init", "--quiet", "--template=")
    return project


def again(project: Project, *args: str) -> None:
    """A second time, nothing changes."""
    before, hook = project.snapshot(), project.path(".git/hooks/pre-commit").read_bytes()
    project.gitmig("init", *args, check=0)
    assert project.snapshot() == before
    assert project.path(".git/hooks/pre-commit").read_bytes() == hook


class TestWithAlembic:
    """Settings and hook."""

    def test_settings_and_hook(self, bare: Project) -> None:
        result = bare.gitmig("init", check=0)
        assert result.stdout == (
            "alembic   alembic.ini\n"
            "models    app/models.py\n"
            "wrote     pyproject.toml\n"
            f"hook      {bare.path('.git/hooks/pre-commit')}\n"
        )
        assert bare.read("pyproject.toml") == SETTINGS
        assert bare.git("status", "--porcelain") == "?? pyproject.toml"
        again(bare)
        bare.append("app/models.py", USERNAME)
        bare.git("add", "app/models.py")
        assert bare.try_git("commit", "-m", "x").exit_code == 1

    def test_models_whose_text_env_py_runs(self, tmp_path: Path) -> None:
        project = Project(tmp_path / "project")
        shutil.copytree(Path(__file__).parent / "projects" / "by_exec", project.top)
        project.path("pyproject.toml").unlink()
        project.git("init", "--quiet", "--template=")
        project.commit("Start")
        project.gitmig("init", check=0)
        assert 'models = ["shop/models.py"]' in project.read("pyproject.toml")

    def test_dry_run(self, bare: Project) -> None:
        before = bare.snapshot()
        said = bare.gitmig("init", "--dry-run", check=0).stdout
        assert bare.snapshot() == before
        assert not bare.path(".git/hooks/pre-commit").exists()
        assert "would write     pyproject.toml" in said

    def test_json(self, bare: Project) -> None:
        assert bare.gitmig("init", "--json", check=0).json == {
            "version": 1,
            "configuration": "alembic.ini",
            "models": ["app/models.py"],
            "made": ["pyproject.toml"],
            "hook": {"installed": True, "owner": None, "snippet": None},
            "warnings": [],
        }

    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    def test_the_rest_of_pyproject_stays(self, bare: Project, end: str) -> None:
        text = '# ours\n[project]\nname  =  "shop"   # really\n\n[tool.other]\nx = [1,\n  2]\n'.replace(
            "\n", end
        )
        bare.write("pyproject.toml", text)
        bare.gitmig("init", check=0)
        written = bare.read("pyproject.toml")
        assert written.startswith(text)
        assert written.removeprefix(text).split() == ["[tool.gitmig]", "models", "=", '["app/models.py"]']
        again(bare)

    def test_tables_of_tools_in_several_places(self, bare: Project) -> None:
        text = '[tool.a]\nx = 1\n\n# About the project\n[project]\nname = "shop"\n[tool.b]\ny = 1'
        bare.write("pyproject.toml", text)
        bare.gitmig("init", check=0)
        assert bare.read("pyproject.toml") == text + "\n\n" + SETTINGS
        again(bare)

    def test_many_files_of_one_name(self, bare: Project) -> None:
        names = ("cart", "item", "order", "price", "stock")
        for name in names:
            text = MODELS.replace("User", name.title()).replace('"user"', f'"{name}"')
            bare.write(f"shop/{name}/models.py", text)
        bare.write("shop/none/models.py", "")
        imported = ", ".join(f"shop.{name}.models" for name in names)
        env = bare.read("alembic/env.py")
        bare.write(
            "alembic/env.py", env.replace("import app.models", f"import {imported}\nimport app.models")
        )
        bare.git("add", "shop")
        assert bare.gitmig("init", "--json", check=0).json["models"] == ["shop/**/models.py", "app/models.py"]

    def test_settings_that_are_there_stay(self, bare: Project) -> None:
        bare.write("pyproject.toml", '[tool.gitmig]\nmodels = ["app"]\n')
        said = bare.gitmig("init", check=0).stdout
        assert "models    app\n" in said
        assert bare.read("pyproject.toml") == '[tool.gitmig]\nmodels = ["app"]\n'

    def test_other_settings_are_kept(self, bare: Project) -> None:
        bare.write("pyproject.toml", '[tool.gitmig]\ndialect = "sqlite"\n')
        bare.gitmig("init", check=0)
        assert bare.read("pyproject.toml").split("\n")[:3] == [
            "[tool.gitmig]", 'dialect = "sqlite"', 'models = ["app/models.py"]',
        ]  # fmt: skip

    def test_a_package_of_models(self, bare: Project) -> None:
        bare.path("app/models.py").unlink()
        bare.write("app/models/__init__.py", "from app.models import order, user\n")
        bare.write("app/models/user.py", MODELS)
        bare.write("app/models/order.py", MODELS.replace("User", "Order").replace('"user"', '"order"'))
        assert bare.gitmig("init", "--json", check=0).json["models"] == ["app/models"]

    def test_models_in_two_places(self, bare: Project) -> None:
        bare.write("shop/orders.py", MODELS.replace("User", "Order").replace('"user"', '"order"'))
        env = bare.read("alembic/env.py").replace(
            "import app.models", "import shop.orders\nimport app.models"
        )
        bare.write("alembic/env.py", env)
        assert bare.gitmig("init", "--json", check=0).json["models"] == ["app/models.py", "shop/orders.py"]

    def test_in_a_folder_of_the_repository(self, bare: Project, tmp_path: Path) -> None:
        top = tmp_path / "mono repo ü"
        shutil.copytree(bare.top, top / "back end", ignore=shutil.ignore_patterns(".git"))
        project = Project(top)
        project.git("init", "--quiet", "--template=")
        answer = project.gitmig("init", "--json", check=0).json
        assert answer["configuration"] == "back end/alembic.ini"
        assert answer["made"] == ["back end/pyproject.toml"]
        assert project.read("back end/pyproject.toml") == SETTINGS
        assert project.gitmig("status", cwd=top / "back end" / "app", check=1).stdout.startswith(
            "database  base"
        )

    def test_configuration_in_pyproject(self, bare: Project) -> None:
        """As `alembic init -t pyproject` leaves it."""
        bare.write(
            "pyproject.toml",
            '[project]\nname = "shop"\n\n[tool.alembic]\nscript_location = "%(here)s/alembic"\n',
        )
        ini = [line for line in bare.read("alembic.ini").splitlines() if "script_location" not in line]
        bare.write("alembic.ini", "\n".join(ini) + "\n")
        answer = bare.gitmig("init", "--json", check=0).json
        assert (answer["configuration"], answer["models"]) == ("pyproject.toml", ["app/models.py"])
        bare.gitmig("revise", "-m", "First revision", check=0)
        bare.gitmig("status", check=0)

    def test_before_the_first_commit(self, bare: Project) -> None:
        bare.git("update-ref", "-d", "HEAD")
        bare.gitmig("init", check=0)
        bare.gitmig("revise", "-m", "First revision", check=0)
        bare.gitmig("status", check=0)

    def test_models_that_do_not_import(self, bare: Project) -> None:
        bare.append("app/models.py", "import nowhere\n")
        before = bare.snapshot()
        said = bare.gitmig("init", check=0).stderr
        assert said.startswith(
            "Warning: the models were not found: ModuleNotFoundError: No module named 'nowhere'\n"
        )
        assert said.endswith("; then: gitmig init\n")
        assert bare.snapshot() == before
        assert bare.path(".git/hooks/pre-commit").is_file()
        bare.write("app/models.py", MODELS)
        bare.gitmig("init", check=0)
        assert bare.read("pyproject.toml") == SETTINGS

    def test_the_database_of_the_file_is_not_that_of_env_py(self, bare: Project) -> None:
        bare.write(".gitignore", "__pycache__/\n")
        bare.append("alembic.ini", "sqlalchemy.url = sqlite:///app.db\n")
        assert "does not ignore the database app.db" in bare.gitmig("init", "--dry-run", check=0).stderr
        served = bare.gitmig("init", env={"DATABASE_URL": "postgresql://localhost/shop"}, check=0)
        assert "app.db" not in served.stderr

    def test_outside_of_a_repository(self, tmp_path: Path) -> None:
        project = Project(tmp_path)
        said = project.gitmig("init", check=2)
        assert said.stderr == f"Error: {tmp_path} is not in a git repository\nHint: git init\n"

    @pytest.mark.parametrize("command", ["init", "status", "log"])
    def test_in_a_bare_repository(self, tmp_path: Path, command: str) -> None:
        project = Project(tmp_path)
        project.git("init", "--quiet", "--bare", ".")
        said = project.gitmig(command, check=2)
        assert said.stderr == (
            f"Error: {tmp_path} is a bare repository: it has no files\nHint: git clone {tmp_path}\n"
        )


class TestPassword:
    """A tracked alembic.ini that holds one."""

    @pytest.mark.parametrize(
        ("url", "warned"),
        [
            ("postgresql://ada:s3cret@localhost/shop", True),
            ("postgresql://localhost/shop?password=s3cret", True),
            ("driver://user:pass@localhost/dbname", False),
            ("postgresql://ada@localhost/shop", False),
            ("postgresql://ada:%(DB_PASSWORD)s@localhost/shop", False),
        ],
    )
    @pytest.mark.parametrize("tracked", [True, False])
    def test_warning(self, bare: Project, url: str, warned: bool, tracked: bool) -> None:
        bare.write(
            "alembic.ini",
            bare.read("alembic.ini").replace("[alembic]\n", f"[alembic]\nsqlalchemy.url = {url}\n"),
        )
        if not tracked:
            bare.git("rm", "--quiet", "--cached", "alembic.ini")
        said = bare.gitmig("init", check=0)
        assert ("Warning: alembic.ini is tracked and holds a password" in said.stderr) is (warned and tracked)
        assert "s3cret" not in said.stdout + said.stderr


class TestManagers:
    """Where somebody else owns the hooks, what to add is printed."""

    def test_framework(self, bare: Project) -> None:
        bare.write(".pre-commit-config.yaml", "repos: []\n")
        said = bare.gitmig("init", check=0).stdout
        assert (
            "\nhook      pre-commit owns the hooks here; add this to .pre-commit-config.yaml:\n  - repo: "
            in said
        )
        assert not bare.path(".git/hooks/pre-commit").exists()
        assert bare.read(".pre-commit-config.yaml") == "repos: []\n"
        answer = bare.gitmig("init", "--json", check=0).json
        assert (answer["hook"]["owner"], answer["hook"]["installed"]) == ("pre-commit", False)
        assert len(answer["hook"]["snippet"].splitlines()) == 4

    def test_a_hook_that_is_there_still_runs(self, bare: Project) -> None:
        hook = bare.path(".git/hooks/pre-commit")
        hook.parent.mkdir()
        hook.write_text("#!/bin/sh\necho theirs >&2\nexit 0\n")
        hook.chmod(0o755)
        bare.gitmig("init", check=0)
        bare.append("app/models.py", USERNAME)
        said = bare.try_git("commit", "-qam", "x")
        assert (said.exit_code, said.stderr[:12]) == (1, "theirs\nGM001")


class TestWithoutAlembic:
    """The environment is made too."""

    def test_everything(self, without: Project) -> None:
        dry = without.gitmig("init", "--dry-run", check=0)
        assert dry.stdout == "alembic   alembic.ini\nwould write     alembic.ini\nwould write     alembic/\n"
        assert not without.path("alembic.ini").exists()
        answer = without.gitmig("init", "--json", check=0).json
        assert answer["models"] == ["app/models.py"]
        assert {"alembic.ini", "alembic/env.py", "alembic/script.py.mako", "pyproject.toml"} <= set(
            answer["made"]
        )
        assert not without.path("alembic/__init__.py").exists()
        assert str(without.top) not in without.read("alembic.ini")
        assert without.read("pyproject.toml") == SETTINGS
        again(without)
        without.gitmig("revise", "-m", "First revision", check=0)
        assert without.columns("user") == ("id",)
        assert without.gitmig("status", check=0).stdout.startswith("database  ")
        without.append("app/models.py", USERNAME)
        without.gitmig("revise", "-m", "Add username for user", check=0)
        without.gitmig("rollback", check=0)
        assert without.read("app/models.py") == MODELS

    @pytest.mark.parametrize("package", [True, False])
    def test_in_a_part_of_the_project(self, without: Project, package: bool) -> None:
        """It goes to the folder that the code is imported from."""
        if not package:
            without.path("app/__init__.py").unlink()
            without.write("requirements.txt", "alembic\n")
        without.gitmig("init", cwd=without.path("app"), check=0)
        assert without.read("pyproject.toml") == SETTINGS
        assert without.path("alembic/env.py").is_file()
        without.gitmig("revise", "-m", "First revision", check=0)
        assert without.columns("user") == ("id",)

    def test_plain_alembic_takes_it(self, without: Project) -> None:
        without.gitmig("init", check=0)
        without.alembic("revision", "--autogenerate", "-m", "First", "--rev-id", "a1a1")
        without.alembic("upgrade", "head")
        without.alembic("check")
        assert without.heads() == ("a1a1",)
        offline = subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head", "--sql"],
            cwd=without.top, env=without.environment(), capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert "CREATE TABLE user" in offline.stdout

    def test_the_projects_own_engine_is_used(self, without: Project, postgres_url: str) -> None:
        without.gitmig("init", check=0)
        served = without.beside(without.top, postgres_url)
        served.gitmig("revise", "-m", "First revision", check=0)
        assert served.columns("user") == ("id",)
        assert not without.path("app.db").exists()

    def test_no_engine(self, without: Project, tmp_path: Path) -> None:
        """The database is that of alembic.ini, or of DATABASE_URL."""
        without.write(
            "app/database.py", "from sqlalchemy.orm import declarative_base\n\nBase = declarative_base()\n"
        )
        without.gitmig("init", check=0)
        assert "\nsqlalchemy.url = sqlite:///app.db\n" in without.read("alembic.ini")
        assert "[sqlite:///app.db]" in without.gitmig("status", check=1).stdout
        url = f"sqlite:///{tmp_path / 'other.db'}"
        assert f"[{url}]" in without.gitmig("status", env={"DATABASE_URL": url}, check=1).stdout

    def test_src_layout_and_several_modules(self, without: Project) -> None:
        for path in ("app/__init__.py", "app/database.py", "app/models.py"):
            without.write(f"src/{path}", without.read(path))
        shutil.rmtree(without.path("app"))
        without.write("src/app/orders.py", MODELS.replace("User", "Order").replace('"user"', '"order"'))
        without.write("tests/test_models.py", "class Base(DeclarativeBase): ...\n")
        answer = without.gitmig("init", "--json", check=0).json
        assert answer["models"] == ["src/app"]
        without.gitmig("revise", "-m", "First revision", check=0)
        assert without.columns("order") == ("id",)

    def test_models_and_base_in_one_file(self, without: Project) -> None:
        without.path("app/database.py").unlink()
        without.write("app/models.py", DATABASE + MODELS.replace("from app.database import Base\n", ""))
        without.gitmig("init", check=0)
        without.gitmig("revise", "-m", "First revision", check=0)
        assert without.columns("user") == ("id",)

    @pytest.mark.parametrize("count", [0, 2])
    def test_no_single_base(self, without: Project, count: int) -> None:
        without.write("app/models.py", "")
        without.write("app/database.py", "from sqlalchemy.orm import declarative_base as d\n")
        for number in range(count):
            without.write(f"app/base{number}.py", "Base = declarative_base()\n")
        before = without.snapshot()
        said = without.gitmig("init", check=2)
        assert said.stderr.startswith(
            "Error: no Alembic configuration, and no single declarative base to make one for"
        )
        assert without.snapshot() == before

    def test_what_is_there_is_left_alone(self, without: Project) -> None:
        without.write("alembic/env.py", "mine = 1\n")
        before = without.snapshot()
        said = without.gitmig("init", check=2)
        assert "is there, and no alembic.ini that names it" in said.stderr
        assert without.snapshot() == before

    def test_an_environment_elsewhere_is_not_joined_by_a_second(self, without: Project) -> None:
        without.write("deep/down/below/alembic.ini", "[alembic]\nscript_location = migrations\n")
        before = without.snapshot()
        said = without.gitmig("init", check=2)
        assert said.stderr == (
            "Error: deep/down/below/alembic.ini leads to deep/down/below/migrations, which has no env.py\n"
            "Hint: correct script_location in deep/down/below/alembic.ini, "
            "or name another file with --config\n"
        )
        assert without.snapshot() == before

    def test_a_section_that_is_not_there(self, bare: Project) -> None:
        before = bare.snapshot()
        said = bare.gitmig("init", "--name", "other", check=2)
        assert said.stderr.startswith("Error: alembic.ini has no section [other]\n")
        assert bare.snapshot() == before
