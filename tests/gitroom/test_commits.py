from __future__ import annotations

from pathlib import Path

import pytest

from gitmig.errors import CommitFailed
from gitmig.git import commits
from gitmig.git.repository import Repository
from tests.gitroom.conftest import Builder


def hook(build: Builder, name: str, script: str) -> None:
    build.write(f".git/hooks/{name}", f"#!/bin/sh\n{script}\n").chmod(0o755)


def test_commits_the_paths_and_leaves_other_staged_work_staged(
    build: Builder, repository: Repository
) -> None:
    build.commit({"models.py": "1", "other": "1", "gone.py": "1"})
    build.write("other", "staged")
    build.git("add", "other")
    build.write("other", "unstaged")
    build.write("models.py", "2")
    build.write("versions/new *.py", "r")
    build.remove("gone.py")
    made = commits.commit(
        repository,
        "Add a column\n\nBecause.",
        ["models.py", "versions/new *.py", "gone.py"],
        trailers={"Migration-Revision": "ab12"},
    )
    assert made == build.head()
    assert build.git("log", "-1", "--format=%B") == "Add a column\n\nBecause.\n\nMigration-Revision: ab12"
    assert build.git("show", "--format=", "--name-status") == "D\tgone.py\nM\tmodels.py\nA\tversions/new *.py"
    assert build.git("diff", "--cached", "--name-only") == "other"
    assert build.git("show", ":other") == "staged"
    assert (build.top / "other").read_text() == "unstaged"


def test_a_staged_part_is_committed_and_the_rest_survives(build: Builder, repository: Repository) -> None:
    build.commit({"models.py": "1", "other": "1", "dropped.py": "1"})
    build.write("models.py", "2")
    build.write("other", "2")
    build.git("rm", "--quiet", "--cached", "dropped.py")
    build.git("add", "models.py", "other")
    build.write("models.py", "3")
    build.write("versions/a.py", "r")
    commits.commit(repository, "Part", ["versions/a.py"], staged=["models.py", "dropped.py"])
    assert build.git("show", "--format=", "--name-status") == "D\tdropped.py\nM\tmodels.py\nA\tversions/a.py"
    assert build.git("show", "HEAD:models.py") == "2"
    assert (build.top / "models.py").read_text() == "3"
    assert build.git("status", "--porcelain").splitlines() == [" M models.py", "M  other", "?? dropped.py"]


def test_the_first_commit_with_a_staged_part(build: Builder, repository: Repository) -> None:
    build.write("models.py", "1")
    build.git("add", "models.py")
    build.write("models.py", "2")
    build.write("a.py", "r")
    commits.commit(repository, "First", ["a.py"], staged=["models.py"])
    assert build.git("ls-tree", "-r", "--name-only", "HEAD") == "a.py\nmodels.py"
    assert build.git("show", "HEAD:models.py") == "1"


def test_amend(build: Builder, repository: Repository) -> None:
    first = build.commit({"a": "1"})
    build.commit({"a": "2"})
    build.write("a", "3")
    commits.commit(repository, "Again", ["a"], amend=True)
    assert build.git("log", "--format=%s %P") == f"Again {first}\nChange "


def test_hooks_run_and_their_refusal_leaves_everything_staged(build: Builder, repository: Repository) -> None:
    head = build.commit({"a": "1"})
    hook(build, "pre-commit", 'git diff --cached --name-only -- "*.txt" >.git/seen; exit 1')
    build.write("a", "2")
    build.write("new.txt", "n")
    with pytest.raises(CommitFailed) as caught:
        commits.commit(repository, "Change", ["a", "new.txt"])
    assert caught.value.hint == "git commit"
    assert build.head() == head
    assert (build.top / ".git/seen").read_text() == "new.txt\n"
    assert build.git("diff", "--cached", "--name-only") == "a\nnew.txt"


def test_git_commits_with_the_users_environment(
    build: Builder, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("MINE", "kept")
    hook(build, "pre-commit", 'echo "$LC_ALL $MINE $OURS $GIT_LITERAL_PATHSPECS." >../seen')
    build.write("a", "1")
    commits.commit(repository, "First", ["a"], env={"OURS": "too"})
    assert (tmp_path / "seen").read_text() == "C kept too .\n"


def test_output_of_hooks_stays_off_stdout(
    build: Builder, repository: Repository, capfd: pytest.CaptureFixture[str]
) -> None:
    hook(build, "pre-commit", "echo hello")
    build.write("a", "1")
    commits.commit(repository, "First", ["a"])
    assert capfd.readouterr() == ("", "hello\n")


def test_staging_leaves_unknown_paths_alone(build: Builder, repository: Repository) -> None:
    build.commit({"a": "1", "b": "1"})
    build.remove("a")
    build.write("b", "2")
    commits.stage(repository, ["a", "b", "never-there"])
    assert build.git("diff", "--cached", "--name-status") == "D\ta\nM\tb"
    commits.stage(repository, [])
