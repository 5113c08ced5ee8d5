"""``rebase --check`` and GM009 of ``check --base``: do the revisions of two branches commute?"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.articles import EMAIL, article, findings, plain
from tests.branching import COLUMN, MODELS, Branches, branches, parents, revised
from tests.story import Project

SAME = 'email: Mapped[str] = mapped_column(String, server_default="")\n'


def told_of(project: Project, *args: str) -> tuple[int, list[str]]:
    """The exit code, and the codes of the findings."""
    answer = project.gitmig("rebase", "--check", *args, "--json")
    return answer.exit_code, list(findings(answer.json))


def clashing(folder: Path) -> Branches:
    """Both sides add ``user.email``, in different ways; git merges the two files with a conflict."""
    found = article(folder)
    project = found.project
    project.git("switch", "--quiet", "-c", "topic")
    project.append(MODELS, EMAIL)
    ours = revised(project, "Add an e-mail address")
    project.gitmig("switch", "main", "--yes", check=0)
    project.append(MODELS, f"    {SAME}")
    theirs = revised(project, "Add e-mail")
    project.gitmig("switch", "topic", "--yes", check=0)
    return Branches(project=project, fork=found.second, theirs=theirs, ours=ours)


def test_they_commute(tmp_path: Path) -> None:
    found = branches(tmp_path)
    project, before = found.project, found.project.snapshot()
    result = project.gitmig("rebase", "--check", "--onto", "main", check=0)
    assert (result.stdout, result.stderr) == (
        f"{found.ours} and {found.theirs} commute: their facets have nothing to do with each other\n",
        "",
    )
    assert project.gitmig("rebase", "--check", "main", "--onto", "topic", "--json", check=0).json == {
        "version": 1,
        "ours": [found.theirs],
        "theirs": [found.ours],
        "onto": [found.ours],
        "commute": True,
        "by": "facets",
        "reason": None,
        "differences": [],
        "findings": [],
    }
    assert project.snapshot() == before
    # Another clone has nothing in its cache: the models of the commits tell the same.
    project.git("clone", "--quiet", ".", "../clone")
    clone = project.beside(project.top.parent / "clone")
    clone.git("branch", "--quiet", "main", "origin/main")
    assert clone.gitmig("rebase", "--check", "--onto", "main", check=0).stdout == result.stdout


def test_both_change_the_same(tmp_path: Path) -> None:
    found = clashing(tmp_path)
    project, path = found.project, found.path(found.ours)
    result = project.gitmig("rebase", "--check", "--onto", "main", check=1)
    said = f"""\
GM009 {found.ours} and {found.theirs} do not commute
  ours:   + user.email VARCHAR
  theirs: + user.email VARCHAR DEFAULT '' NOT NULL
  Hint: write {path} for what {found.theirs} leaves, then: gitmig rebase {found.ours}
"""
    assert result.stderr == said
    assert said in project.gitmig("check", "--base", "main", check=1).stderr
    answer = project.gitmig("check", "--base", "main", "--json", check=1).json
    (finding,) = [one for one in answer["findings"] if one["code"] == "GM009"]
    assert (finding["severity"], finding["path"]) == ("error", path)
    assert project.gitmig("check", "topic", "--base", "main", "--format", "github", check=1).stdout.count(
        f"::error file={path},line="
    )


@pytest.mark.parametrize(
    ("theirs", "commute", "said"),
    [
        ("op.execute('INSERT INTO \"user\" (id, username) VALUES (7, NULL)')", True, None),
        ("op.execute('UPDATE \"user\" SET username = 1')", False, "  ~ rows of user\n"),
        ("op.execute('UPDATE nowhere SET a = 1')", None, "no such table: nowhere"),
    ],
)
def test_what_has_to_be_tried(tmp_path: Path, theirs: str, commute: bool | None, said: str | None) -> None:
    """Data migrations: both orders are run on scratch databases with rows in them."""
    found = article(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "-c", "topic")
    up = "op.execute('UPDATE \"user\" SET username = username || 2')"
    plain(project, "c3c3", found.second, up=up, down="pass", message="Ours")
    project.commit("Ours")
    project.git("switch", "--quiet", "main")
    plain(project, "d4d4", found.second, up=theirs, down="pass", message="Theirs")
    project.commit("Theirs")
    answer = project.gitmig("rebase", "--check", "topic", "--onto", "main")
    if commute:
        assert answer.stdout == (
            "c3c3 and d4d4 commute: "
            "both orders led to the same schema and the same rows on a scratch database\n"
        )
    elif commute is None:
        assert "GM007 warning: it is not known whether c3c3 and d4d4 commute: " in answer.stderr
        assert said is not None
        assert said in answer.stderr
    else:
        assert f"GM009 c3c3 and d4d4 do not commute\n{said}" in answer.stderr
    assert answer.exit_code == (1 if commute is False else 0)


def test_what_a_merge_would_make_unreadable(tmp_path: Path) -> None:
    """Both sides rewrote one revision: the file with git's marks in it says nothing of who follows whom."""
    found = branches(tmp_path)
    project = found.project
    path = found.path(found.ours)
    project.git("switch", "--quiet", "main")
    project.git("cherry-pick", "topic")
    project.gitmig("rebase", "--files-only", check=0)
    project.git("switch", "--quiet", "topic")
    project.write(path, project.read(path).replace(found.fork, "d4d4"))
    project.commit("On something else")
    result = project.gitmig("rebase", "--check", "--onto", "main", check=1)
    assert result.stderr == f"Error: merging conflicts in {path}\nHint: git merge, and resolve it\n"
    result = project.gitmig("check", "--base", "main", "--json", check=1)
    (finding,) = (one for one in result.json["findings"] if "main" in one["message"])
    assert (finding["code"], finding["message"]) == ("GM006", f"merging main conflicts in {path}")
    assert finding["hint"] == "git merge main, and resolve it"


def test_what_a_merge_would_delete(tmp_path: Path) -> None:
    """The merge of ours was taken back on main: what follows it would lose its parent."""
    found = branches(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "main")
    project.git("merge", "--quiet", "--no-edit", "topic")
    project.git("revert", "--no-edit", "-m", "1", "HEAD")
    project.git("switch", "--quiet", "topic")
    project.append(MODELS, COLUMN.format("fax"))
    fax = revised(project, "Add a fax number")
    missing = f"GM005: {fax} follows {found.ours}, which no file has"
    assert missing in project.gitmig("rebase", "--check", "--onto", "main", check=1).stderr
    project.try_git("merge", "--no-edit", "main")
    assert missing in project.gitmig("rebase", "--yes", check=1).stderr


def test_a_folder_of_revisions_that_moved(tmp_path: Path) -> None:
    """main has its revisions elsewhere: they are read there."""
    found = branches(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "main")
    project.git("mv", "alembic", "migrations")
    project.write("alembic.ini", project.read("alembic.ini").replace("/alembic", "/migrations"))
    project.commit("Move the folder")
    project.git("switch", "--quiet", "topic")
    for command in (("rebase", "--check", "--onto", "main"), ("check", "--base", "main")):
        result = project.gitmig(*command)
        assert re.search(f"{found.ours}.*{found.theirs}", result.stdout + result.stderr), result
    # A commit's models are those of its own configuration, wherever the checkout has its own.
    assert project.gitmig("check", "main", check=0).stderr == ""
    project.try_git("merge", "--no-edit", "main")
    assert project.gitmig("check", "HEAD", check=0).stderr == ""
    project.git("add", "migrations")
    project.gitmig("rebase", "--yes", check=0)
    assert parents(project)[found.ours] == (found.theirs,)
    project.git("commit", "--quiet", "--no-edit")
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.git("status", "--porcelain") == ""


def test_the_other_side_has_two_heads(tmp_path: Path) -> None:
    """Whether ours commute with both can be told all the same; which it is to follow, nobody has said."""
    found = branches(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "main")
    up = "op.execute('UPDATE \"user\" SET username = 1')"
    plain(project, "d4d4", found.fork, up=up, down="pass", message="Other")
    project.commit("A second head")
    project.git("switch", "--quiet", "topic")
    heads = sorted((found.theirs, "d4d4"))
    result = project.gitmig("rebase", "--check", "--onto", "main", "--json", check=0)
    assert (result.json["onto"], result.json["commute"], result.json["by"]) == (heads, True, "scratch")
    commute = project.gitmig("rebase", "--check", "main", "--onto", "topic", "--json").json
    assert (commute["ours"], commute["onto"]) == (result.json["theirs"], [found.ours])
    said = project.gitmig("check", "--base", "main", check=1).stderr
    assert f"which is no longer its head ({', '.join(heads)} are)\n" in said
    assert "not known" not in said
    refused = project.gitmig("rebase", "--onto", "main", "--yes", check=1).stderr
    assert refused == (
        f"Error: what stays has 2 heads: {', '.join(heads)}\n"
        f"Hint: git merge main, then: gitmig rebase {heads[1]} {found.ours}\n"
    )
    project.git("merge", "--quiet", "--no-edit", "main")
    assert project.gitmig("rebase", "--check", "--json", check=0).json["onto"] == heads


def test_one_line(tmp_path: Path) -> None:
    project = article(tmp_path).project
    assert project.gitmig("rebase", "--check", check=0).stdout == (
        "nothing to rebase: there is one line of revisions\n"
    )
    assert project.gitmig("rebase", "--check", "--json", check=0).json["ours"] == []


def test_arguments(tmp_path: Path) -> None:
    project = article(tmp_path).project
    said = project.gitmig("rebase", "--check", "main", check=2).stderr
    assert said == (
        "Error: --check takes two refs: one as its argument, the other with --onto\n"
        "Hint: gitmig rebase --check feature --onto main\n"
    )
    assert project.gitmig("rebase", "--check", "--fix", check=2).stderr.startswith(
        "Error: --check changes nothing\n"
    )
    assert project.gitmig("rebase", "--check", "--onto", "nowhere", check=2).stderr.startswith(
        "Error: there is no commit 'nowhere'\n"
    )
