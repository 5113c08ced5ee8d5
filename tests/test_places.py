"""Where gitmig can be started from, and repositories in unusual states that are right all the same."""

from __future__ import annotations

from pathlib import Path

from tests.bad import FIRST, SECOND, revision, with_two_revisions
from tests.story import MODELS, SETTINGS, USERNAME, Project


def story(project: Project, cwd: Path | None = None, *options: str) -> None:
    """Look, go down, and come up again; ``project`` is at the second revision."""
    status = project.gitmig("status", *options, "--json", cwd=cwd, check=0).json
    assert (status["in_step"], status["database"]["heads"]) == (True, [SECOND])
    assert status["models"]["paths"] == ["app/models.py"]
    log = project.gitmig("log", *options, "--json", cwd=cwd, check=0).json
    assert [line["revision"] for line in log["revisions"]] == [SECOND, FIRST]
    assert log["findings"] == []
    project.gitmig("rollback", "--yes", *options, cwd=cwd, check=0)
    assert project.read("app/models.py") == MODELS
    assert project.heads() == (FIRST,)
    project.gitmig("upgrade", *options, cwd=cwd, check=0)
    assert project.heads() == (SECOND,)
    assert project.read("app/models.py") == MODELS + USERNAME
    assert project.git("status", "--porcelain") == ""


def test_from_a_subdirectory(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    story(project, project.path("alembic/versions"))
    assert project.gitmig("check", "--json", cwd=project.path("app"), check=0).json["findings"] == []


def test_with_dash_c(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    story(project, Path("/"), "-C", str(project.top))


def test_with_a_relative_dash_c_and_a_configuration(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    story(project, tmp_path, "-C", "project/app", "--config", "../alembic.ini")


def test_a_path_of_any_letters(tmp_path: Path) -> None:
    story(with_two_revisions(tmp_path, "it's Käse und 日本; $HOME #1 &"))


def test_models_and_revisions_of_any_letters(tmp_path: Path) -> None:
    project = Project.create(
        tmp_path, name="Käse und 日本", settings='[tool.gitmig]\nmodels = ["app/meine modelle/"]\n'
    )
    project.write("app/models.py", 'from app._load import load\n\nload("app/meine modelle/käse.py")\n')
    project.write(
        "app/_load.py",
        "import runpy\nfrom pathlib import Path\n\n\n"
        "def load(path: str) -> None:\n    runpy.run_path(str(Path(__file__).parent.parent / path))\n",
    )
    project.write("app/meine modelle/käse.py", MODELS)
    project.commit("Move the models")
    revision(project, FIRST, "Première révision")
    project.write("app/meine modelle/käse.py", MODELS + USERNAME)
    revision(project, SECOND, "日本: add username")
    project.gitmig("rollback", "--yes", check=0)
    assert project.read("app/meine modelle/käse.py") == MODELS
    log = project.gitmig("log", "--json", check=0).json
    assert [line["message"] for line in log["revisions"]] == ["日本: add username", "Première révision"]
    assert "日本: add username" in project.gitmig("log", env={"LC_ALL": "POSIX"}, check=0).stdout
    ascii = project.gitmig("log", env={"PYTHONIOENCODING": "ascii"}, check=0).stdout
    assert "\\u65e5\\u672c: add username" in ascii
    assert "Premi\\xe8re" in ascii


def test_a_linked_work_tree(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.git("worktree", "add", "--quiet", "../linked")
    linked = project.beside(tmp_path / "linked", project.url)
    story(linked)
    assert project.git("status", "--porcelain") == ""
    assert project.read("app/models.py") == MODELS + USERNAME


def test_a_linked_work_tree_has_a_database_of_its_own(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.git("worktree", "add", "--quiet", "../linked")
    linked = project.beside(tmp_path / "linked")
    assert linked.gitmig("status", "--json", check=1).json["hint"] == "gitmig upgrade"
    linked.gitmig("upgrade", check=0)
    assert (linked.heads(), project.heads()) == ((SECOND,), (SECOND,))


def test_a_detached_head(tmp_path: Path) -> None:
    project = with_two_revisions(tmp_path)
    project.git("switch", "--quiet", "--detach")
    assert project.gitmig("status", "--json").json["checkout"]["branch"] is None
    assert "[detached " in project.gitmig("status").stdout
    story(project)


def test_in_a_folder_below_the_top_level(tmp_path: Path) -> None:
    """The back end of a larger repository: its paths are the repository's everywhere."""
    inner = with_two_revisions(tmp_path, "inner")
    project = Project(tmp_path / "outer", inner.url)
    project.top.mkdir()
    project.git("init", "--quiet")
    inner.path(".git").rename(tmp_path / "history")
    inner.top.rename(project.path("backend"))
    project = Project(project.top, f"sqlite:///{project.path('backend/app.db')}")
    project.commit("Take the back end in")
    answer = project.gitmig("status", "--json", check=0).json
    assert answer["models"]["paths"] == ["backend/app/models.py"]
    for folder in (project.top, project.path("backend/app")):
        lines = project.gitmig("log", "--json", cwd=folder, check=0).json["revisions"]
        assert [line["revision"] for line in lines] == [SECOND, FIRST]


def test_before_the_first_commit(tmp_path: Path) -> None:
    project = unborn(tmp_path)
    status = project.gitmig("status", "--json", check=1).json
    assert status["checkout"] == {"commit": None, "branch": "main", "heads": []}
    assert [item["code"] for item in status["findings"]] == ["GM001"]
    assert project.gitmig("log", check=0).stdout == "no revisions yet\n"
    for arguments in ((), ("--staged",)):
        (finding,) = project.gitmig("check", *arguments, "--json", check=1).json["findings"]
        assert finding["code"] == "GM001"
    project.alembic("revision", "--autogenerate", "-m", "First revision", "--rev-id", FIRST)
    assert project.gitmig("status", "--json", check=1).json["hint"] == "gitmig upgrade"
    # Without a record, it is tried on a scratch database.
    assert project.gitmig("check", "--json", check=0).json["findings"] == []
    project.gitmig("upgrade", check=0)
    assert project.gitmig("status", "--json", check=1).json["hint"] == "gitmig upgrade --commit"
    project.gitmig("rollback", check=0)
    assert project.heads() == ()
    assert project.try_git("rev-parse", "--verify", "HEAD").exit_code != 0


def test_the_first_commit_is_made_by_gitmig(tmp_path: Path) -> None:
    project = unborn(tmp_path)
    project.alembic("revision", "--autogenerate", "-m", "First revision", "--rev-id", FIRST)
    project.gitmig("upgrade", "--commit", check=0)
    assert project.git("log", "--format=%s") == "First revision"
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    (line,) = project.gitmig("log", "--json", check=0).json["revisions"]
    assert line["introduced"] == project.git("rev-parse", "HEAD")


def test_the_commit_that_brings_alembic_in(tmp_path: Path) -> None:
    """Its parent has no configuration to be asked with; where the models are the same, so is the schema."""
    project = Project.create(tmp_path)
    project.git("rm", "-r", "--quiet", "--cached", "alembic.ini", "alembic")
    project.git("commit", "--quiet", "-m", "Before Alembic")
    project.git("add", "--all")
    assert project.gitmig("check", "--staged", "--json", check=0).json["findings"] == []
    project.append("app/models.py", USERNAME)
    project.git("add", "--all")
    (finding,) = project.gitmig("check", "--staged", "--json", check=1).json["findings"]
    assert (finding["code"], finding["path"]) == ("GM001", "app/models.py")


def unborn(tmp_path: Path) -> Project:
    """The article's project, everything staged and nothing committed."""
    project = Project.create(tmp_path)
    project.git("update-ref", "-d", "HEAD")
    return project


def test_an_environment_in_pyproject_toml(tmp_path: Path) -> None:
    """As ``alembic init --template pyproject`` makes it: what is code lies there, what is not in the ini."""
    project = Project(tmp_path / "modern")
    project.top.mkdir()
    project.git("init", "--quiet")
    source = Project.create(tmp_path)
    for path in ("app/__init__.py", "app/database.py", "app/models.py", ".gitignore"):
        project.write(path, source.read(path))
    project.alembic("init", "--template", "pyproject", "migrations")
    assert "script_location" not in project.read("alembic.ini").replace("#", "")
    project.append("pyproject.toml", f"\n{SETTINGS}")
    project.write("migrations/env.py", source.read("alembic/env.py"))
    project.commit("Start")
    revision(project, FIRST, "First revision")
    project.append("app/models.py", USERNAME)
    revision(project, SECOND, "Add username for user")
    assert project.git("ls-files", "migrations/versions").count("\n") == 1
    story(project)
    project.path("alembic.ini").rename(tmp_path / "alembic.ini")
    assert project.gitmig("log", check=0).stdout.startswith(f"●  {SECOND}")
