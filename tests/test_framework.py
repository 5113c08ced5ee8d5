"""The pre-commit framework itself: it runs our hook, and its other hooks run when we commit."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from gitmig.hooks.managers import framework_lines
from tests.framework import CHECKOUT, WHITESPACE, Framework, configuration, framework, installing, on_path
from tests.story import USERNAME, Project, Result

FORMAT = """\
  - repo: local
    hooks: [{id: ruff-format, name: ruff format, entry: ruff format, language: system, types: [python]}]
"""
ALEMBIC = """\
  - repo: local
    hooks: [{id: alembic, name: alembic check, entry: alembic check, language: system,
             always_run: true, pass_filenames: false}]
"""
WRITING = """\
  - repo: local
    hooks: [{id: writing, name: write to the database, entry: python write.py, language: system,
             always_run: true, pass_filenames: false}]
"""
FAILING = """\
  - repo: local
    hooks: [{id: never, name: never, entry: 'false', language: system, always_run: true}]
"""
# Fails when anybody else is writing, and leaves everything as it was.
WRITE = """\
import sqlite3

connection = sqlite3.connect("app.db", timeout=1, isolation_level=None)
connection.execute("begin immediate")
connection.execute("update alembic_version set version_num = version_num")
connection.execute("commit")
"""
UNFORMATTED = "    username: Mapped[str | None] = mapped_column(String( ), index = True)   \n"


@pytest.fixture
def shared(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Framework:
    folder = tmp_path_factory.getbasetemp()
    # pytest-xdist gives each of its processes a folder of its own below the run's.
    made = framework((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "framework")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(made.home))
    return made


@pytest.fixture
def guarded(project: Project, shared: Framework) -> Project:
    """A project with the hook from a repository. Its models import only in the project's own ``.venv``."""
    project.path(".venv").symlink_to(shared.project_python)
    project.write("app/models.py", "import only_in_project  # noqa: F401\n" + project.read("app/models.py"))
    project.append(".gitignore", "/.venv\n")
    project.write(".pre-commit-config.yaml", configuration(shared.gitmig))
    project.commit("Use the pre-commit framework")
    run(project, "pre-commit", "install", check=0)
    project.gitmig("revise", "-m", "First revision", check=0)
    return project


def test_a_change_of_the_models_is_blocked_until_it_has_a_revision(guarded: Project) -> None:
    guarded.append("app/models.py", USERNAME)
    before = guarded.git("rev-parse", "HEAD")
    blocked = git(guarded, "commit", "-a", "-m", "Add username")
    assert blocked.exit_code == 1
    for line in ("GM001", "+ user.username VARCHAR", "+ index ix_user_username", "gitmig revise -m"):
        assert line in blocked.stderr
    assert guarded.git("rev-parse", "HEAD") == before

    revised = guarded.gitmig("revise", "-m", "Add username for user", check=0)
    assert "gitmig...." in revised.stderr
    assert "Passed" in revised.stderr
    assert guarded.git("log", "--format=%s", "-1") == "Add username for user"
    assert ties(guarded) == ["verified", "verified"]


def test_a_commit_of_models_and_revision_together_passes(guarded: Project) -> None:
    guarded.append("app/models.py", USERNAME)
    guarded.gitmig("revise", "--no-commit", "-m", "Add username for user", check=0)
    passed = git(guarded, "commit", "-m", "Users have names")
    assert passed.exit_code == 0, passed.stderr
    assert "Passed" in passed.stderr
    assert ties(guarded) == ["verified", "verified"]


def test_a_commit_that_has_nothing_to_do_with_it_needs_no_environment(guarded: Project) -> None:
    guarded.path(".venv").unlink()
    guarded.write("README.txt", "What this is.\n")
    guarded.git("add", "README.txt")
    passed = git(guarded, "commit", "-m", "Say what this is")
    assert passed.exit_code == 0, passed.stderr
    assert "Passed" in passed.stderr


def test_try_repo_shows_what_the_hook_would_say(guarded: Project, shared: Framework) -> None:
    guarded.append("app/models.py", USERNAME)
    guarded.git("add", "app/models.py")
    # It makes an environment of its own. What gitmig needs counts as installed where Python finds it.
    (site,) = shared.home.glob("repo*/py_env*/lib/python*/site-packages")
    env = {**installing(), "PYTHONPATH": str(site)}
    tried = run(guarded, "pre-commit", "try-repo", str(shared.repository), "gitmig", env=env, check=1)
    assert "+ user.username VARCHAR" in tried.stdout


@pytest.mark.parametrize("program", ["pre-commit", "prek"])
def test_what_init_says_to_add_is_four_lines_that_work(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    on_path(tmp_path / "bin", monkeypatch)
    for name in ("PRE_COMMIT_HOME", "PREK_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    project.write(".pre-commit-config.yaml", configuration(WHITESPACE))
    said = project.gitmig("init", check=0).stdout
    _, lines = said.split("hook      pre-commit owns the hooks here; add this to .pre-commit-config.yaml:\n")
    assert len(lines.splitlines()) == 4

    project.append(".pre-commit-config.yaml", lines)
    hook = yaml.safe_load(project.read(".pre-commit-config.yaml"))["repos"][1]["hooks"][0]
    published = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text("utf-8"))[0]
    same = ("id", "entry", "always_run", "pass_filenames", "require_serial")
    assert {key: hook[key] for key in same} == {key: published[key] for key in same}
    assert hook["language"] == "system"
    run(project, program, "validate-config", check=0)

    status = project.gitmig("hook", "status", check=0)
    assert status.stderr.splitlines() == [
        "gitmig is in .pre-commit-config.yaml; run this once in each clone:",
        "for advice after a checkout too, add this to .pre-commit-config.yaml, "
        "then run pre-commit install -t post-checkout -t post-merge -t post-rewrite:",
    ]
    assert status.stdout.splitlines()[0] == "pre-commit install"
    run(project, program, "install", check=0)
    status = project.gitmig("hook", "status", check=0)
    assert status.stdout.splitlines()[0] == "the hook is installed (pre-commit)"
    assert f"then run {program} install -t post-checkout" in status.stderr
    assert "hook      pre-commit\n" in project.gitmig("init", check=0).stdout

    project.commit("Add the hook")
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append("app/models.py", USERNAME)
    blocked = project.try_git("commit", "-a", "-m", "Add username")
    assert blocked.exit_code == 1
    assert "+ user.username VARCHAR" in blocked.stderr

    # What is past the hook is found by the runs of a CI.
    project.git("commit", "--quiet", "--no-verify", "-am", "Past the hook")
    for words in (("--all-files",), ("--from-ref", "HEAD~1", "--to-ref", "HEAD")):
        found = run(project, program, "run", "gitmig", *words, check=1)
        assert "GM001 the models change" in found.stdout
    assert run(project, program, "run", "gitmig", "--from-ref", "HEAD~2", "--to-ref", "HEAD~1").exit_code == 0


def test_installed_from_git_it_is_taken_from_there(shared: Framework) -> None:
    origin = {
        "url": shared.repository.as_uri(),
        "vcs_info": {"vcs": "git", "requested_revision": "main", "commit_id": shared.revision},
    }
    lines = framework_lines("", json.dumps(origin))
    assert len(lines.splitlines()) == 4
    assert yaml.safe_load(configuration(lines)) == {
        "repos": [
            {"repo": shared.repository.as_uri(), "rev": shared.revision, "hooks": [{"id": "gitmig"}]},
        ]
    }


@pytest.mark.parametrize("origin", [None, '{"url": "file:///src/gitmig", "dir_info": {"editable": true}}'])
@pytest.mark.parametrize("indentation", ["", "  ", "    "])
def test_the_lines_fit_the_configuration_that_is_there(indentation: str, origin: str | None) -> None:
    there = f"repos:\n{indentation}-   repo: meta\n{indentation}    hooks: [{{id: identity}}]\n"
    lines = framework_lines(there, origin)
    assert [repo["repo"] for repo in yaml.safe_load(there + lines)["repos"]] == ["meta", "local"]


def test_hooks_that_reformat_that_check_and_that_write(hooked: Project, shared: Framework) -> None:
    use(hooked, shared.gitmig, FORMAT, WHITESPACE, ALEMBIC, WRITING)
    hooked.gitmig("revise", "-m", "First revision", check=0)
    assert hooked.git("log", "-1", "--format=%s") == "First revision"
    hooked.append("app/models.py", UNFORMATTED)
    before = staged_work(hooked)

    revised = hooked.gitmig("revise", "-m", "Add username for user", check=0)

    assert "files were modified by this hook" in revised.stderr
    path = hooked.git("log", "-1", "--format=", "--name-only", "--diff-filter=A")
    assert committed(hooked) == [path, "app/models.py"]
    assert "mapped_column(String(), index=True)\n" in hooked.git("show", "HEAD:app/models.py") + "\n"
    assert_settled(hooked, path)
    assert staged(hooked) == before


def test_the_first_revision_is_reformatted_too(hooked: Project, shared: Framework) -> None:
    """Alembic leaves a space at the end of the first revision's ``Revises:``."""
    use(hooked, shared.gitmig, WHITESPACE)
    revised = hooked.gitmig("revise", "-m", "First revision", check=0)
    assert "files were modified by this hook" in revised.stderr
    (path,) = committed(hooked)
    assert "Revises:\n" in hooked.git("show", f"HEAD:{path}")
    assert_settled(hooked, path)


@pytest.mark.parametrize("way", [["revise", "--amend"], ["upgrade", "--commit"]], ids=lambda way: way[0])
def test_other_commits_of_a_revision_are_reformatted_too(
    hooked: Project, shared: Framework, way: list[str]
) -> None:
    use(hooked, shared.gitmig, FORMAT, WHITESPACE)
    hooked.gitmig("revise", "-m", "First revision", check=0)
    hooked.append("app/models.py", UNFORMATTED)
    hooked.gitmig("revise", *([] if way[0] == "revise" else ["--draft"]), "-m", "Add username", check=0)
    if way[0] == "revise":
        hooked.append("app/models.py", "    email: Mapped[str|None] = mapped_column()\n")
    before = staged_work(hooked)

    done = hooked.gitmig(*way, check=0)

    assert "files were modified by this hook" in done.stderr
    assert hooked.git("log", "-2", "--format=%s").splitlines() == ["Add username", "First revision"]
    path = hooked.git("log", "-1", "--format=", "--name-only", "--diff-filter=A")
    assert committed(hooked) == [path, "app/models.py"]
    assert_settled(hooked, path)
    assert staged(hooked) == before


def test_with_a_hook_that_always_fails_the_revision_stays_for_git_commit(hooked: Project) -> None:
    path = refused(hooked)
    use(hooked)
    hooked.git("commit", "--quiet", "-m", "Users have names")
    assert committed(hooked) == [path, "app/models.py"]
    assert_settled(hooked, path)


def test_with_a_hook_that_always_fails_the_revision_stays_for_upgrade(
    hooked: Project, shared: Framework
) -> None:
    path = refused(hooked, FORMAT)
    use(hooked, shared.gitmig, FORMAT)
    hooked.gitmig("upgrade", "--commit", check=0)
    assert hooked.git("log", "-1", "--format=%s") == "Add username for user"
    assert committed(hooked) == [path, "app/models.py"]
    assert_settled(hooked, path)


@pytest.fixture
def hooked(project: Project, shared: Framework, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that uses the framework, so far without hooks."""
    on_path(tmp_path / "bin", monkeypatch)
    project.write("write.py", WRITE)
    project.write("notes.txt", "one\n")
    project.commit("Use the pre-commit framework")
    use(project)
    run(project, "pre-commit", "install", check=0)
    return project


def refused(project: Project, *hooks: str) -> str:
    """Revise under a hook that always fails; the path of the revision, which is applied and staged."""
    project.gitmig("revise", "-m", "First revision", check=0)
    project.append("app/models.py", UNFORMATTED)
    use(project, *hooks, FAILING)
    before = project.git("rev-parse", "HEAD")

    result = project.gitmig("revise", "-m", "Add username for user", check=1)

    assert "the revision is applied, not committed, and its files are in place and staged" in result.stderr
    assert "Hint: correct that, then: git commit  (or: gitmig upgrade --commit)\n" in result.stderr
    assert project.git("rev-parse", "HEAD") == before
    assert project.columns("user") == ("id", "username")
    models, path = sorted(project.git("diff", "--cached", "--name-only").splitlines(), reverse=True)[:2]
    assert models == "app/models.py"
    assert project.git("diff", "--name-only") == ""
    return path


def use(project: Project, *hooks: str) -> None:
    """Have the framework run these hooks. Its configuration is nobody's staged work."""
    exclude = project.path(".git/info/exclude")
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text("/.pre-commit-config.yaml\n", "utf-8")
    project.write(".pre-commit-config.yaml", configuration(*hooks) if hooks else "repos: []\n")


def staged_work(project: Project) -> str:
    """Stage an edit and a new file, and edit both on; what is staged."""
    for path in ("notes.txt", "new.txt"):
        project.write(path, "staged   \n")
        project.git("add", path)
        project.append(path, "and not staged   \n")
    return staged(project)


def staged(project: Project) -> str:
    assert project.read("notes.txt") == project.read("new.txt") == "staged   \nand not staged   \n"
    return project.git("diff", "--cached", "--raw", "HEAD")


def committed(project: Project) -> list[str]:
    return project.git("show", "--format=", "--name-only", "HEAD").splitlines()


def assert_settled(project: Project, path: str) -> None:
    """Everything is in step, each tie is known, and the record in the revision is right."""
    assert project.gitmig("status", "--json", check=0).json["in_step"] is True
    # A clone knows the record and nothing else.
    clone = project.beside(project.top.with_name("clone"))
    project.git("clone", "--quiet", str(project.top), str(clone.top))
    assert set(ties(clone)) == {"verified"}
    assert project.git("diff", "--name-only", "HEAD", "--", "app", "alembic") == ""
    text = project.read(path)
    assert re.search(r"^Models: [0-9a-f]{16}$", text, re.MULTILINE)
    assert re.search(
        r"^Schema: sqlite [0-9a-f]{16} change [0-9a-f]{16} sqlalchemy \d+\.\d+$", text, re.MULTILINE
    )


def ties(project: Project) -> list[str]:
    return [revision["tie"] for revision in project.gitmig("log", "--json", check=0).json["revisions"]]


def git(project: Project, *args: str) -> Result:
    """git as in a shell: gitmig is not to be imported from this checkout by the hook's environment."""
    return project.try_git(*args, env={"PYTHONPATH": None})


def run(
    project: Project, *command: str, env: Mapping[str, str] | None = None, check: int | None = None
) -> Result:
    done = subprocess.run(
        command,
        cwd=project.top,
        env=project.environment({"PYTHONPATH": None, **(env or {})}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert check in (None, done.returncode), done.stdout + done.stderr
    return Result(exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr)
