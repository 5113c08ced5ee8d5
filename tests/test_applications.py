"""Scripts that import the application: each sees that of its own side of a move."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.articles import article, plain
from tests.story import Project

_ADD = "from app.naming import COLUMN; op.add_column('user', sa.Column(COLUMN, sa.String))"
_DROP = "import app.naming as names; op.drop_column('user', names.COLUMN)"


def with_a_name(project: Project, branch: str, revision: str, parent: str) -> None:
    """A branch whose revision takes the name of its column from the application."""
    project.git("switch", "--quiet", "--create", branch, "main")
    project.write("app/naming.py", f"from app.words import WORD\n\nCOLUMN = f'{{WORD}}_{branch}'\n")
    project.write("app/words.py", f"WORD = '{branch}'\n")
    path = plain(project, revision, parent, up=_ADD, down=_DROP, message=branch)
    if branch == "two":
        text = project.read(path).replace(
            "\nrevision =", "\nfrom app.naming import COLUMN as AT_THE_TOP\n\nrevision ="
        )
        project.write(path, text.replace("COLUMN; op", "COLUMN; assert COLUMN == AT_THE_TOP; op"))
    project.commit(branch)


def test_each_script_sees_the_application_of_its_own_side(tmp_path: Path) -> None:
    told = article(tmp_path)
    project = told.project
    with_a_name(project, "one", "c3c3", told.second)
    project.gitmig("upgrade", check=0)
    with_a_name(project, "two", "d4d4", told.second)
    project.git("switch", "--quiet", "one")
    columns = ("id", "username")
    assert project.columns("user") == (*columns, "one_one")
    # Up: the branch that is gone to. Down: what is checked out.
    project.gitmig("switch", "two", check=0)
    assert project.columns("user") == (*columns, "two_two")
    # Down: what was applied from another checkout, found by its commit, and by the record's.
    project.git("switch", "--quiet", "one")
    assert project.gitmig("sync", "--json", check=0).json["warnings"] == []
    assert project.columns("user") == (*columns, "one_one")
    project.gitmig("sync", "two", check=0)
    assert (project.columns("user"), project.git("status", "--porcelain")) == ((*columns, "two_two"), "")
    # It is pinned with the script: no branch has to have it.
    forget_branch(project, "two")
    assert project.gitmig("sync", "--json", check=0).json["warnings"] == []
    assert project.columns("user") == (*columns, "one_one")


def test_a_pin_of_an_older_version_has_the_folders_of_the_scripts_alone(tmp_path: Path) -> None:
    told = article(tmp_path)
    project = told.project
    with_a_name(project, "one", "c3c3", told.second)
    project.gitmig("upgrade", check=0)
    ref = project.git("for-each-ref", "--format=%(refname)", "refs/gitmig/applied/")
    files = project.git("rev-parse", f"{ref}:c3c3/files")
    folder = project.git("ls-tree", files, "alembic")
    entries = project.git("ls-tree", f"{ref}:")
    script = project.git("ls-tree", f"{ref}:c3c3", "script")
    partial = tree(project, folder)
    revision = tree(project, f"040000 tree {partial}\tfiles\n{script}")
    kept = [line for line in entries.splitlines() if not line.endswith("\tc3c3")]
    whole = tree(project, "\n".join([*kept, f"040000 tree {revision}\tc3c3"]))
    project.git("update-ref", ref, project.git("commit-tree", "-m", "Applied", whole))
    project.git("switch", "--quiet", "main")
    # The branch still has the application.
    answer = project.gitmig("sync", "--dry-run", "--json", check=0).json
    assert answer["warnings"] == []
    forget_branch(project, "one")
    answer = project.gitmig("sync", "--dry-run", "--json", check=0).json
    assert answer["warnings"] == [
        "c3c3 runs without the application: the commit that it was applied from is gone"
    ]


def tree(project: Project, entries: str) -> str:
    done = subprocess.run(
        ["git", "mktree"], cwd=project.top, input=f"{entries}\n", capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def forget_branch(project: Project, name: str) -> None:
    project.git("branch", "--quiet", "-D", name)
    project.git("reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all")
    project.git("gc", "--quiet", "--prune=now")
