"""``init --head-file``: git stops the merge that would make two heads, and ``rebase`` resolves it."""

from __future__ import annotations

from pathlib import Path

from tests.articles import Article, article, findings, plain
from tests.branching import MODELS, Branches, order, parents, revised
from tests.story import Project

HEADS = "alembic/versions/heads.txt"


def with_heads(folder: Path) -> Article:
    """The article's project with a head file, committed."""
    found = article(folder)
    project = found.project
    result = project.gitmig("init", "--head-file", check=0)
    assert f"wrote     {HEADS}\n" in result.stdout
    assert project.read(HEADS) == f"{found.second} Add username for user\n"
    assert HEADS not in project.gitmig("init", "--head-file", check=0).stdout
    project.commit("Keep the head in a file")
    return found


def two(folder: Path) -> Branches:
    """Two branches that both add a revision."""
    found = with_heads(folder)
    project = found.project
    project.git("switch", "--quiet", "-c", "topic")
    project.append(MODELS, "    email: Mapped[str | None] = mapped_column(String)\n")
    ours = revised(project, "Add an e-mail address")
    assert project.read(HEADS) == f"{ours} Add an e-mail address\n"
    assert project.git("status", "--porcelain") == ""
    project.gitmig("switch", "main", "--yes", check=0)
    order(project)
    theirs = revised(project, "Add orders")
    project.gitmig("switch", "topic", "--yes", check=0)
    return Branches(project=project, fork=found.second, theirs=theirs, ours=ours)


def test_a_conflict_instead_of_two_heads(tmp_path: Path) -> None:
    found = two(tmp_path)
    project = found.project
    project.hook()
    merged = project.try_git("merge", "main")
    assert (merged.exit_code, project.git("diff", "--name-only", "--diff-filter=U")) == (1, HEADS)
    assert project.gitmig("status", "--json", check=1).json["hint"] == "gitmig rebase"
    assert project.gitmig("rebase", "--yes", check=0).stderr.endswith("Hint: git merge --continue\n")
    assert project.read(HEADS) == f"{found.ours} Add an e-mail address\n"
    project.git("commit", "--quiet", "--no-edit")
    assert parents(project)[found.ours] == (found.theirs,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.git("status", "--porcelain") == ""


def test_before_the_merge(tmp_path: Path) -> None:
    """The conflict of the head file alone keeps nobody, bots included, from beginning the merge."""
    found = two(tmp_path)
    project = found.project
    for options in (("--fix",), ("--yes",)):
        before = project.snapshot()
        project.gitmig("rebase", *options, "--onto", "main", "--dry-run", check=0)
        assert project.snapshot() == before
        result = project.gitmig("rebase", *options, "--onto", "main", check=0)
        assert "Hint: git merge --continue" in result.stderr
        project.git("commit", "--quiet", "--no-edit")
        assert parents(project)[found.ours] == (found.theirs,)
        assert project.gitmig("check", "--base", "main", check=0).stderr == ""
        if options == ("--fix",):
            project.git("reset", "--quiet", "--hard", "HEAD~1")
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_in_the_middle_of_a_rebase(tmp_path: Path) -> None:
    found = two(tmp_path)
    project = found.project
    project.hook()
    assert project.try_git("rebase", "main").exit_code == 1
    project.gitmig("rebase", "--yes", check=0)
    project.git("-c", "core.editor=true", "rebase", "--continue")
    project.gitmig("sync", "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_the_hook_only_checks_it(tmp_path: Path) -> None:
    """A revision by plain Alembic leaves it behind."""
    found = with_heads(tmp_path)
    project = found.project
    plain(project, "c3c3", found.second, up="pass", down="pass", message="By hand")
    project.git("add", "--all")
    answer = project.gitmig("check", "--staged", "--json", check=1).json
    (finding,) = answer["findings"]
    assert (finding["code"], finding["path"], finding["message"], finding["hint"]) == (
        "GM002",
        HEADS,
        f"{HEADS} names {found.second}, and the head is c3c3",
        f"gitmig init --head-file && git add {HEADS}",
    )
    assert project.git("diff", "--name-only") == ""
    project.gitmig("init", "--head-file", check=0)
    project.git("add", HEADS)
    project.gitmig("check", "--staged", check=0)


def test_merge_squash_and_rollback_keep_it(tmp_path: Path) -> None:
    found = two(tmp_path)
    project = found.project
    project.hook()
    project.git("merge", "--quiet", "--no-commit", "-s", "ours", "main")
    listed = project.git("ls-tree", "-r", "--name-only", "main", "alembic/versions").splitlines()
    (theirs,) = [path for path in listed if found.theirs in path]
    project.git("checkout", "--quiet", "main", "--", theirs, MODELS)
    text = project.read(MODELS)
    project.write(MODELS, text + "    email: Mapped[str | None] = mapped_column(String)\n")
    project.git("add", "--all")
    answer = project.gitmig("merge", "-m", "Both", "--yes", "--json", check=0).json
    assert project.read(HEADS) == f"{answer['revision']} Both\n"
    project.git("commit", "--quiet", "--no-edit")
    project.gitmig("rollback", found.ours, "--database-only", "--yes")
    project.gitmig("sync", "--yes", check=0)
    project.append(MODELS, "    zip: Mapped[str | None] = mapped_column(String)\n")
    last = revised(project, "Add a zip code")
    assert project.read(HEADS) == f"{last} Add a zip code\n"
    project.append(MODELS, "    town: Mapped[str | None] = mapped_column(String)\n")
    town = revised(project, "Add a town")
    project.gitmig("squash", f"{answer['revision']}..{town}", "-m", "Where", "--yes", check=0)
    assert project.read(HEADS) == f"{town} Where\n"
    project.gitmig("rollback", "--commit", "--yes", check=0)
    assert project.read(HEADS) == f"{answer['revision']} Both\n"
    assert findings(project.gitmig("check", "--json", check=0).json) == []
    assert project.git("status", "--porcelain") == ""


def test_without_one_nothing_is_written(tmp_path: Path) -> None:
    project: Project = article(tmp_path).project
    project.append(MODELS, "    email: Mapped[str | None] = mapped_column(String)\n")
    revised(project, "Add an e-mail address")
    assert not project.path(HEADS).exists()
