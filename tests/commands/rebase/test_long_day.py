"""``rebase`` on a long day of two developers: stops, picks, clones, bots and branches of branches."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.articles import USER, article, plain
from tests.branching import COLUMN, MODELS, Branches, branches, order, parents, revised
from tests.commands.rebase.test_rebase import conflicting, resolved
from tests.story import Project


def in_step(project: Project) -> None:
    """One head, and everything at it."""
    answer = project.gitmig("status", "--json", check=0).json
    assert (answer["in_step"], answer["findings"]) == (True, [])
    (head,) = [one for one in project.gitmig("log", "--json").json["revisions"] if one["head"]]
    assert project.heads() == (head["revision"],)


def test_git_stops_at_the_first_of_several_commits(tmp_path: Path) -> None:
    """The record of the second one knows nothing of what is below it now, and nobody is held up by that."""
    found = conflicting(tmp_path)
    project = found.project
    project.append(MODELS, COLUMN.format("fax"))
    fax = revised(project, "Add a fax number")
    database.execute(project.url, "insert into \"user\" (email, fax) values ('ada@x', '1')")
    assert project.try_git("rebase", "main").exit_code == 1
    project.gitmig("rebase", "--yes", check=0)
    project.write(MODELS, resolved(project.read(MODELS)))
    project.git("add", MODELS)
    project.git("-c", "core.editor=true", "rebase", "--continue")
    project.gitmig("sync", "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    assert parents(project)[fax] == (found.ours,)
    for options in ((), ("--each-commit",)):
        assert project.gitmig("check", "--base", "main", *options, check=0).stderr == ""
    in_step(project)
    assert database.query(project.url, 'select email, fax from "user"') == (("ada@x", "1"),)
    # What no revision brings is found as before.
    project.append(MODELS, COLUMN.format("zip"))
    project.git("commit", "--quiet", "--all", "-m", "Without a revision")
    assert "+ user.zip VARCHAR\n" in project.gitmig("check", "--base", "main", check=1).stderr


@pytest.mark.parametrize("way", [("cherry-pick", "main"), ("merge", "--squash", "main")])
def test_what_came_from_main_otherwise_than_by_a_merge_stays(tmp_path: Path, way: tuple[str, ...]) -> None:
    found = branches(tmp_path)
    project = found.project
    project.git(*way)
    if "--squash" in way:
        project.git("commit", "--quiet", "-m", "All of main")
    project.gitmig("rebase", "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    in_step(project)


def test_the_middle_of_a_cherry_pick_is_left_alone(tmp_path: Path) -> None:
    found = conflicting(tmp_path)
    project = found.project
    assert project.try_git("cherry-pick", "main").exit_code == 1
    before = project.snapshot()
    for command in ("rebase", "merge"):
        said = project.gitmig(command, "--yes", check=1).stderr
        assert said.startswith("Error: a cherry-pick is in progress\nHint: git cherry-pick --continue")
    assert project.snapshot() == before


def test_a_later_one_of_a_line_takes_the_earlier_along(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    project.append(MODELS, COLUMN.format("fax"))
    fax = revised(project, "Add a fax number")
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", fax, "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    in_step(project)


@pytest.mark.nightly
def test_permanent_branches_are_no_two_heads(tmp_path: Path) -> None:
    found = article(tmp_path)
    project = found.project
    path = plain(project, "e5e5", None, up="pass", down="pass", message="Another root")
    parent = "down_revision = None\n"
    project.write(path, project.read(path).replace(parent, f"{parent}branch_labels = ('jobs',)\n"))
    project.commit("Another root")
    heads = ", ".join(sorted((found.second, "e5e5")))
    said = project.gitmig("rebase", check=0).stdout
    assert said == f"nothing to rebase: {heads} are the heads of permanent branches\n"


@pytest.mark.nightly
def test_the_other_branch_is_named_in_the_merge(tmp_path: Path) -> None:
    project = branches(tmp_path).project
    project.gitmig("rebase", "--onto", "main", "--yes", check=0)
    project.git("commit", "--quiet", "--no-edit")
    assert project.git("log", "-1", "--format=%s") == "Merge branch 'main' into topic"


def test_a_shallow_clone(tmp_path: Path) -> None:
    found = branches(tmp_path)
    cloned = (
        "clone",
        "--quiet",
        "--depth",
        "1",
        "--no-single-branch",
        found.project.top.as_uri(),
        "../clone",
    )
    found.project.git(*cloned)
    clone = found.project.beside(found.project.top.parent / "clone")
    for options in ((), ("--check",), ("--fix",)):
        said = clone.gitmig("rebase", *options, "--onto", "origin/main", check=1).stderr
        assert said == (
            "Error: origin/main and HEAD have no common commit here\nHint: git fetch --unshallow\n"
        )


@pytest.mark.nightly
def test_a_bot_on_either_side_of_the_merge(tmp_path: Path) -> None:
    """Detached, in a clone that does not know the default branch of its remote, as a CI's checkout is."""
    found = branches(tmp_path)
    bot = cloned(found)
    for here, there in (("origin/topic", "origin/main"), ("origin/main", "origin/topic")):
        bot.git("switch", "--quiet", "--detach", here)
        bot.git("merge", "--quiet", "--no-ff", "--no-edit", there)
        before = bot.snapshot()
        bot.gitmig("rebase", "--fix", "--dry-run", "--onto", "origin/main", check=0)
        assert bot.snapshot() == before
        bot.gitmig("rebase", "--fix", "--onto", "origin/main", check=0)
        assert parents(bot)[found.ours] == (found.theirs,)
        assert bot.gitmig("check", "--base", "origin/main", check=0).stderr == ""
        assert not bot.path("app.db").exists()


def cloned(found: Branches) -> Project:
    project = found.project
    project.git("clone", "--quiet", "--bare", ".", "../origin.git")
    project.git("clone", "--quiet", "../origin.git", "../bot")
    bot = project.beside(project.top.parent / "bot")
    bot.git("remote", "set-head", "origin", "--delete")
    return bot


@pytest.mark.nightly
def test_three_branches_in_one(tmp_path: Path) -> None:
    """main stays, whatever was merged last."""
    found = branches(tmp_path)
    project = found.project
    project.gitmig("switch", "--detach", "main~1", "--yes", check=0)
    project.git("switch", "--quiet", "--create", "third")
    text = project.read(MODELS)
    project.write(
        MODELS, text.replace("(primary_key=True)\n", f"(primary_key=True)\n{COLUMN.format('pet')}", 1)
    )
    pets = revised(project, "Add a pet")
    project.gitmig("switch", "topic", "--yes", check=0)
    for branch in ("main", "third"):
        project.git("merge", "--quiet", "--no-edit", branch)
    project.gitmig("rebase", "--yes", check=0)
    found_parents = parents(project)
    assert found_parents[found.theirs] == (found.fork,)
    assert {found_parents[found.ours], found_parents[pets]} <= {(found.theirs,), (found.ours,), (pets,)}
    in_step(project)


@pytest.mark.nightly
def test_a_protected_database(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    project.git("merge", "--quiet", "--no-edit", "main")
    project.git("config", "gitmig.protected", "app.db")
    before = project.snapshot()
    assert "Hint: gitmig rebase --yes --database app.db" in project.gitmig("rebase", "--yes", check=1).stderr
    assert project.snapshot() == before
    project.gitmig("rebase", "--files-only", "--yes", check=0)
    project.gitmig("rebase", "--database-only", "--yes", "--database", "app.db", check=0)
    in_step(project)


@pytest.mark.nightly
def test_what_is_not_committed_stays_so(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    project.git("merge", "--quiet", "--no-edit", "main")
    project.write("notes.txt", "staged\n")
    project.git("add", "notes.txt")
    project.append(MODELS, COLUMN.format("wip"))
    project.gitmig("rebase", "--yes", check=0)
    assert project.git("status", "--porcelain").splitlines() == [" M app/models.py", "A  notes.txt"]
    assert project.git("show", "--format=", "--name-only").splitlines() == [found.path(found.ours)]
    assert COLUMN.format("wip") in project.read(MODELS)


@pytest.mark.nightly
def test_main_moves_on_twice(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project = found.project
    database.execute(project.url, "insert into \"user\" (email) values ('ada@x')")
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "--yes", check=0)
    project.append(MODELS, COLUMN.format("fax"))
    fax = revised(project, "Add a fax number")
    project.gitmig("switch", "main", "--yes", check=0)
    project.write(
        MODELS, project.read(MODELS).replace("\n\nclass User", f"{COLUMN.format('note')}\n\nclass User")
    )
    note = revised(project, "Add a note to orders")
    project.gitmig("switch", "topic", "--yes", check=0)
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "--yes", check=0)
    assert (parents(project)[found.ours], parents(project)[fax]) == ((note,), (found.ours,))
    in_step(project)
    assert project.gitmig("check", "--base", "main", check=0).stderr == ""
    assert database.query(project.url, 'select email from "user"') == (("ada@x",),)


def test_a_merge_revision_among_ours(tmp_path: Path) -> None:
    """Two lines of ours and what joins them go on top together."""
    found = branches(tmp_path)
    project = found.project
    add, drop = "op.add_column('user', sa.Column('fax', sa.String))", "op.drop_column('user', 'fax')"
    plain(project, "c3c3", found.fork, up=add, down=drop, message="Fax")
    project.append(MODELS, COLUMN.format("fax"))
    project.commit("Add a fax number")
    joined = project.gitmig("merge", "--yes", "--json", check=0).json["revision"]
    database.execute(project.url, "insert into \"user\" (email, fax) values ('ada@x', '1')")
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "--yes", check=0)
    found_parents = parents(project)
    assert found_parents[found.ours] == found_parents["c3c3"] == (found.theirs,)
    assert set(found_parents[joined]) == {found.ours, "c3c3"}
    in_step(project)
    assert database.query(project.url, 'select email, fax from "user"') == (("ada@x", "1"),)


def test_a_squash_keeps_its_number(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    add, drop = "op.add_column('user', sa.Column('{}', sa.String))", "op.drop_column('user', '{}')"
    plain(project, "0001", None, up=USER[0], down=USER[1], message="First")
    project.commit("First")
    project.git("switch", "--quiet", "-c", "topic")
    for number, parent, name in (("0002", "0001", "fax"), ("0003", "0002", "zip")):
        project.append(MODELS, COLUMN.format(name))
        plain(project, number, parent, up=add.format(name), down=drop.format(name), message=name)
    project.commit("Ours")
    project.gitmig("upgrade", "--yes", check=0)
    project.gitmig("squash", "0001..head", "--yes", check=0)
    project.git("switch", "--quiet", "main")
    for number, parent in (("0002", "0001"), ("0004", "0002")):
        path = plain(project, number, parent, up="pass", down="pass", message="Theirs")
        project.path(path).rename(project.path(path.replace("plain", "theirs")))
    project.commit("Theirs")
    project.git("switch", "--quiet", "topic")
    project.git("merge", "--quiet", "--no-edit", "main")
    before = project.snapshot()
    said = project.gitmig("rebase", "--yes", check=1).stderr
    assert said.startswith(
        "Error: 0003 is a squash, and would need another number\nHint: git revert its commit"
    )
    assert project.snapshot() == before


def test_labels_and_dependencies(tmp_path: Path) -> None:
    found = article(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "-c", "topic")
    for revision, parent, more in (
        ("c3c3", found.second, 'branch_labels = ("feat",)'),
        ("d4d4", "c3c3", f'depends_on = ("{found.first}",)'),
    ):
        path = plain(project, revision, parent, up="pass", down="pass", message=revision)
        line = f"down_revision = {parent!r}\n"
        project.write(path, project.read(path).replace(line, f"{line}{more}\n"))
    project.commit("Ours")
    project.gitmig("upgrade", "--yes", check=0)
    project.gitmig("switch", "main", "--yes", check=0)
    order(project)
    theirs = revised(project, "Add orders")
    project.gitmig("switch", "topic", "--yes", check=0)
    project.git("merge", "--quiet", "--no-edit", "main")
    project.gitmig("rebase", "feat@head", "--yes", check=0)
    assert parents(project)["c3c3"] == (theirs,)
    assert 'branch_labels = ("feat",)\n' in project.read("alembic/versions/c3c3_plain.py")
    assert f'depends_on = ("{found.first}",)\n' in project.read("alembic/versions/d4d4_plain.py")
    assert project.heads() == ("d4d4",)
    project.alembic("upgrade", "head")
