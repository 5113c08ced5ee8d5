"""Permanent branches: labelled branches and bases that are never merged, each with a head of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.articles import findings
from tests.branching import parents
from tests.story import Project
from tests.test_merges import TWO, column, files, revise, ties

FOLDERS = "version_locations = %(here)s/alembic/core:%(here)s/alembic/plugin\n"


class Lines:
    """Two labelled bases in a folder each; the models' tables are made on core, with the price on plugin."""

    def __init__(self, folder: Path) -> None:
        self.project = project = Project.create(folder)
        ini = project.read("alembic.ini").replace("prepend_sys_path", FOLDERS + "prepend_sys_path", 1)
        project.write("alembic.ini", ini)
        project.git("rm", "--quiet", "alembic/versions/.gitkeep")
        for line in ("core", "plugin"):
            folders = ("--version-path", f"alembic/{line}")
            project.alembic("revision", "-m", line, "--head", "base", "--branch-label", line, *folders)
        project.write("app/models.py", TWO)
        project.commit("Two lines")
        project.hook()
        self.tables = self.revise("core", "Tables")
        column(project, "Item", "price = Column(Integer)")
        self.price = self.revise("plugin", "Price")
        column(project, "User", "email = Column(String)")
        self.email = self.revise("core", "E-mail")

    def revise(self, line: str, message: str) -> str:
        answer = self.project.gitmig("revise", "-m", message, "--head", f"{line}@head", "--json", check=0)
        revision: str = answer.json["revision"]
        return revision

    @property
    def heads(self) -> list[str]:
        return sorted((self.price, self.email))


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    return Lines(tmp_path)


def test_each_line_goes_on_in_its_folder(lines: Lines) -> None:
    assert [path.split("/")[1] for path in files(lines.project, f"alembic/*/{lines.price}*")] == ["plugin"]
    assert [path.split("/")[1] for path in files(lines.project, f"alembic/*/{lines.email}*")] == ["core"]
    assert sorted(lines.project.heads()) == lines.heads


def test_nothing_is_amiss(lines: Lines) -> None:
    assert lines.project.gitmig("check", check=0).stdout == ""
    assert lines.project.gitmig("status", check=0).stdout.endswith("in step\n")
    assert lines.project.gitmig("log", "--json", check=0).json["findings"] == []


def test_revise_asks_which_line(lines: Lines) -> None:
    column(lines.project, "User", "name = Column(String)")
    refused = lines.project.gitmig("revise", "-m", "Name", check=1)
    assert refused.stderr == (
        f"Error: there are 2 heads: {', '.join(lines.heads)}\n"
        f"Hint: name the one to go on from: gitmig revise --head {lines.heads[0]}\n"
    )
    refused = lines.project.gitmig("revise", "-m", "Name", "--head", lines.tables, check=1)
    assert refused.stderr.startswith(
        f"Error: {lines.tables} is not a head: a revision on it would make a second one\n"
    )


def test_a_draft_holds_what_neither_line_has(lines: Lines) -> None:
    column(lines.project, "User", "name = Column(String)")
    preview = lines.project.gitmig("revise", "-m", "Name", "--head", "core@head", "--dry-run", check=0)
    assert "'name'" in preview.stdout
    assert "price" not in preview.stdout


def test_ties_of_each_line(lines: Lines) -> None:
    found = ties(lines.project)
    assert {found[revision][0] for revision in (lines.tables, lines.price, lines.email)} == {"verified"}
    assert found[lines.email][1] == lines.project.git("rev-parse", "HEAD")
    assert found[lines.price][1] == lines.project.git("rev-parse", "HEAD~1")


def test_one_line_goes_down_and_up_again(lines: Lines) -> None:
    project = lines.project
    whole = project.read("app/models.py")
    project.gitmig("rollback", "core@-1", check=0)
    assert sorted(project.heads()) == sorted((lines.tables, lines.price))
    assert project.read("app/models.py") == project.git("show", "HEAD~1:app/models.py") + "\n"
    status = project.gitmig("status", "--json", check=1).json
    assert status["hint"] == "gitmig upgrade"
    project.gitmig("upgrade", "core@+1", check=0)
    assert (sorted(project.heads()), project.read("app/models.py")) == (lines.heads, whole)


def test_each_line_is_spoken_of(lines: Lines) -> None:
    project = lines.project
    said = project.gitmig("status", check=0).stdout.partition("  (")[0].removeprefix("database  ")
    assert set(said.split(", ")) == {f"{lines.email} (core) E-mail", f"{lines.price} (plugin) Price"}
    titles = [line.partition("  (")[2] for line in project.gitmig("log", check=0).stdout.splitlines()]
    assert {"database, checkout) (plugin) Price", "plugin) plugin"} <= set(titles)
    listed = project.gitmig("log", "--json", check=0).json["revisions"]
    # Which line comes first depends on ids that are drawn by lot.
    assert sorted(one["labels"] for one in listed) == [["core"], ["core"], ["core"], ["plugin"], ["plugin"]]
    project.gitmig("rollback", "core@-2", "-y", "--database-only", check=0)
    answer = project.gitmig("status", "--json", check=1).json
    assert answer["labels"][lines.email] == ["core"]
    assert answer["findings"][0]["message"] == "the database is 2 revisions behind the checkout (core 2)"


def test_without_a_target_every_line_goes_up(lines: Lines) -> None:
    project = lines.project
    project.gitmig("rollback", "core@-1", check=0)
    project.gitmig("rollback", "plugin@-1", "--database-only", "-y", check=0)
    project.gitmig("upgrade", check=0)
    assert sorted(project.heads()) == lines.heads


def test_a_second_head_on_a_line_is_found(lines: Lines) -> None:
    project = lines.project
    project.alembic(
        "revision", "-m", "Aside", "--head", lines.tables, "--splice", "--version-path", "alembic/core"
    )
    answer = project.gitmig("check", "--json", check=1).json
    assert findings(answer) == ["GM002"]
    (finding,) = answer["findings"]
    assert lines.email in finding["message"]
    assert lines.price not in finding["message"]
    assert finding["hint"] == "gitmig rebase"


TABLE = "class {name}(Base):\n    __tablename__ = '{name}'\n    id = Column(Integer, primary_key=True)\n"


@pytest.mark.parametrize("plugin", ["both", "ours", "theirs"])
def test_two_branches_of_git_on_permanent_branches(lines: Lines, plugin: str) -> None:
    """Each line is put in order by itself, and what lies beside it is nobody's conflict."""
    project = lines.project
    project.git("switch", "--quiet", "-c", "topic")
    column(project, "User", "ours = Column(String)")
    ours = {lines.revise("core", "Ours"): lines.email}
    if plugin != "theirs":
        column(project, "Item", "ours = Column(String)")
        ours[lines.revise("plugin", "Ours")] = lines.price
    project.gitmig("switch", "main", "--yes", check=0)
    models = project.read("app/models.py")
    base, classes = models.index("class"), models.count("class")
    project.write("app/models.py", f"{models[:base]}{TABLE.format(name='One')}\n\n{models[base:]}")
    theirs = {"core": lines.revise("core", "Theirs")}
    if plugin != "ours":
        models = project.read("app/models.py")
        project.write("app/models.py", f"{models[:base]}{TABLE.format(name='Two')}\n\n{models[base:]}")
        theirs["plugin"] = lines.revise("plugin", "Theirs")
    project.gitmig("switch", "topic", "--yes", check=0)
    checked = project.gitmig("rebase", "--check", "--onto", "main", "--json", check=0).json
    crowded = ["core", "plugin"] if plugin == "both" else ["core"]
    assert sorted(checked["theirs"]) == sorted(theirs[line] for line in crowded)
    assert (len(checked["ours"]), checked["commute"], checked["by"]) == (len(crowded), True, "facets")
    said = project.gitmig("check", "--base", "main", check=1).stderr
    assert f"follows {lines.email}, which is no longer its head ({theirs['core']} is)\n" in said
    project.git("merge", "--quiet", "--no-edit", "main")
    assert project.read("app/models.py").count("class") == classes + len(theirs)
    (finding, *others) = project.gitmig("check", "--json", check=1).json["findings"]
    assert (finding["code"], finding["hint"], len(others)) == ("GM002", "gitmig rebase", len(crowded) - 1)
    project.gitmig("rebase", "--yes", check=0)
    now = parents(project)
    for revision, parent in ours.items():
        line = "core" if parent == lines.email else "plugin"
        assert now[revision] == ((theirs[line] if line in crowded else parent),)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.gitmig("check", check=0).stderr == ""


def test_two_heads_on_each_of_two_permanent_branches_are_joined(lines: Lines) -> None:
    """What the other branch has besides is nothing that the merge has still to do."""
    project = lines.project
    project.git("switch", "--quiet", "-c", "topic")
    made = {}
    for name in ("Ours", "Theirs"):
        if name == "Theirs":
            project.gitmig("switch", "main", "--yes", check=0)
        for line in ("core", "plugin"):
            models = project.read("app/models.py")
            base = models.index("class") if name == "Theirs" else len(models)
            table = TABLE.format(name=f"{line}{name}")
            project.write("app/models.py", f"{models[:base]}\n\n{table}\n\n{models[base:]}")
            made[line, name] = lines.revise(line, name)
    project.git("merge", "--quiet", "--no-edit", "topic")
    for line in ("core", "plugin"):
        heads = {made[line, "Ours"], made[line, "Theirs"]}
        answer = project.gitmig("merge", *sorted(heads), "--yes", "--json", check=0).json
        assert (answer["commit"] is not None, answer["warnings"]) == (True, [])
        assert answer["path"].startswith(f"alembic/{line}/")
        assert set(parents(project)[answer["revision"]]) == heads
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.gitmig("check", check=0).stderr == ""


def test_a_backport_goes_on_in_its_line(lines: Lines) -> None:
    project = lines.project
    project.git("branch", "--quiet", "release")
    column(project, "Item", "size = Column(Integer)")
    size = lines.revise("plugin", "Size")
    column(project, "User", "phone = Column(String)")
    lines.revise("core", "Phone")
    project.gitmig("switch", "release", "--yes", check=0)
    column(project, "Item", "size = Column(Integer)")
    answer = project.gitmig("backport", size, "--yes", "--json", check=0).json
    assert [each for each in answer["warnings"] if "prove" in each] == []
    copy = answer["revision"]
    assert parents(project)[copy] == (lines.price,)
    assert answer["path"].startswith("alembic/plugin/")
    assert sorted(project.heads()) == sorted((lines.email, copy))
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.gitmig("check", check=0).stderr == ""


def test_a_commit_that_adds_no_head_passes_where_there_were_two(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    project.write("app/models.py", TWO)
    project.commit("Two tables")
    first = revise(project, "First")
    project.alembic("revision", "-m", "One", "--rev-id", "aaaa")
    project.alembic("revision", "-m", "Two", "--head", first, "--splice", "--rev-id", "bbbb")
    project.commit("Two heads, past every hook")
    project.hook()
    project.alembic("revision", "-m", "On", "--head", "bbbb", "--rev-id", "cccc")
    project.git("add", "--all")
    (finding,) = project.gitmig("check", "--staged", "--json", check=0).json["findings"]
    assert (finding["code"], finding["severity"]) == ("GM002", "warning")
    project.git("commit", "--quiet", "-m", "On")
    project.alembic("revision", "-m", "Three", "--head", "aaaa", "--splice", "--rev-id", "dddd")
    project.alembic("revision", "-m", "Four", "--head", "aaaa", "--splice", "--rev-id", "eeee")
    project.git("add", "--all")
    (finding,) = project.gitmig("check", "--staged", "--json", check=1).json["findings"]
    assert (finding["code"], finding["severity"], finding["message"]) == (
        "GM002", "error", "3 heads: cccc, dddd, eeee",
    )  # fmt: skip


@pytest.mark.parametrize("severity", ["off", "warning"])
def test_the_severity_counts_for_every_command(tmp_path: Path, severity: str) -> None:
    project = Project.create(tmp_path)
    project.write("app/models.py", TWO)
    project.commit("Two tables")
    first = revise(project, "First")
    project.alembic("revision", "-m", "One", "--rev-id", "aaaa")
    project.alembic("revision", "-m", "Two", "--head", first, "--splice", "--rev-id", "bbbb")
    project.commit("Two heads")
    assert project.gitmig("upgrade", check=1).stderr == (
        "Error: GM002: 2 heads: aaaa, bbbb\nHint: gitmig rebase\n"
    )
    project.append("pyproject.toml", f'[tool.gitmig.severity]\nGM002 = "{severity}"\n')
    project.commit("They are meant to be")
    project.gitmig("upgrade", check=0)
    assert sorted(project.heads()) == ["aaaa", "bbbb"]
    project.gitmig("status", check=0)
    project.gitmig("check", check=0)
    column(project, "User", "email = Column(String)")
    project.gitmig("revise", "-m", "E-mail", "--head", "bbbb", check=0)
    project.gitmig("rollback", "bbbb", "-y", check=0)
    assert sorted(project.heads()) == ["aaaa", "bbbb"]
