"""``gitmig report``: what it writes where, and what it never does. For the page: test_report_page.py."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.articles import Article, article, plain
from tests.story import USERNAME, Project


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def data(path: Path) -> Any:
    """What is in a page."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', path.read_text("utf-8"))
    return json.loads(text)


def test_it_writes_one_file_and_changes_nothing_else(told: Article) -> None:
    project = told.project
    before = project.snapshot()
    said = project.gitmig("report", check=0)
    page = project.path("gitmig-report.html")
    size = f"{page.stat().st_size / 1e6:.1f} MB"
    assert said.stdout == f"gitmig-report.html  2 revisions, 1 commit, 1 database, 1 table  {size}\n"
    assert said.stderr == ""
    answer = project.gitmig("report", "--json", check=0).json
    assert answer == {
        "version": 1,
        "path": "gitmig-report.html",
        "bytes": page.stat().st_size,
        "revisions": 2,
        "commits": 1,
        "databases": 1,
        "tables": 1,
        "unknown": [],
    }
    page.unlink()
    assert project.snapshot() == before


def test_it_goes_where_it_is_wanted(told: Article, tmp_path: Path) -> None:
    project = told.project
    project.gitmig("-C", "app", "report", "-o", "../out.html", check=0)
    assert data(project.path("out.html"))["name"] == "article"
    shown = project.gitmig("report", "--output", "-", check=0)
    assert shown.stdout.startswith("<!DOCTYPE html>")
    assert shown.stdout.endswith("</html>\n")
    elsewhere = tmp_path / "new" / "page.html"
    project.gitmig("report", "-o", str(elsewhere), check=0)
    assert elsewhere.exists()


def test_a_file_that_is_no_page_of_gitmig_is_left_as_it_is(told: Article) -> None:
    project = told.project
    project.write("notes.html", "<p>Mine.</p>\n")
    refused = project.gitmig("report", "-o", "notes.html", check=1)
    assert refused.stderr == (
        "Error: notes.html is no page of gitmig: it is left as it is\nHint: gitmig report -o FILE\n"
    )
    assert project.read("notes.html") == "<p>Mine.</p>\n"


def test_bad_input(told: Article, tmp_path: Path) -> None:
    project = told.project
    assert project.gitmig("report", "-o", "app", check=2).stderr == (
        "Error: app cannot be written: Is a directory\nHint: gitmig report -o FILE\n"
    )
    below_a_file = project.gitmig("report", "-o", "alembic.ini/page.html", check=2)
    assert below_a_file.stderr.startswith("Error: alembic.ini/page.html cannot be written: ")
    both = project.gitmig("report", "--json", "-o", "-", check=2)
    assert both.json["error"] == {
        "code": "usage",
        "message": "the page and JSON cannot both go to stdout",
        "hint": "gitmig report --json -o FILE",
    }
    bare = Project(tmp_path / "bare")
    shutil.copytree(project.top, bare.top, ignore=shutil.ignore_patterns(".git"))
    assert "is not in a git repository" in bare.gitmig("report", check=2).stderr
    assert not bare.path("gitmig-report.html").exists()


def test_no_database_is_asked(told: Article) -> None:
    project = told.project
    project.path("app.db").unlink()
    project.gitmig("report", check=0)
    assert not project.path("app.db").exists()
    (database,) = data(project.path("gitmig-report.html"))["databases"]
    assert (database["name"], database["heads"], database["schema"]) == ("sqlite:///app.db", [], None)
    assert [move["who"] for move in database["moves"]] == ["Ada Lovelace", "Ada Lovelace"]


def test_before_the_first_revision_and_before_the_first_commit(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    said = project.gitmig("report", check=0).stdout
    assert said.startswith("gitmig-report.html  0 revisions, 1 commit, 0 databases, 1 table  ")
    project.git("update-ref", "-d", "HEAD")
    said = project.gitmig("report", check=0).stdout
    assert said.startswith("gitmig-report.html  0 revisions, 0 commits, 0 databases, 0 tables  ")


def test_models_that_do_not_import_are_named_and_their_passwords_are_not(told: Article) -> None:
    project = told.project
    plain(project, "c3c3", told.second, up="pass", down="pass", message="Third")
    good = project.read("app/models.py")
    project.write("app/models.py", f'{good}raise OSError("no postgresql://ada:geheim@host/db")\n')
    third = project.commit("See postgresql://ada:geheim@host/db")
    project.write("app/models.py", good)
    said = project.gitmig("report", check=0)
    reason = "OSError: no postgresql://ada:***@host/db"
    assert said.stderr == (
        "Warning: the tables at these are not known: c3c3\n"
        f"  the models of {third[:8]} do not import: {reason}\n"
    )
    page = project.path("gitmig-report.html")
    assert "geheim" not in page.read_text("utf-8")
    point = next(one for one in data(page)["points"] if one["id"] == "c3c3")
    assert (point["schema"], point["changes"]) == (None, None)
    assert point["reason"].endswith(reason)
    assert point["subject"] == "See postgresql://ada:***@host/db"
    answer = project.gitmig("report", "--json", check=0).json
    assert [(one["revision"], one["commit"]) for one in answer["unknown"]] == [("c3c3", third)]


def test_what_was_learned_is_kept(told: Article) -> None:
    """Old models are imported once in a clone, and not again for the next page."""
    project = told.project
    text = project.read("app/models.py")
    counting = f"import os\nos.makedirs({str(project.top / 'imported')!r}, exist_ok=True)\n"
    project.write("app/models.py", counting + text)
    project.write(".gitignore", project.read(".gitignore") + "/imported\n")
    project.commit("Models that can be counted")
    project.gitmig("report", check=0)
    project.path("imported").rmdir()
    project.gitmig("report", check=0)
    assert not project.path("imported").exists()


def test_tags_stand_at_the_newest_point_that_they_have(told: Article) -> None:
    project = told.project
    project.write("README", "More\n")
    project.commit("Say more")
    project.git("tag", "--annotate", "--message", "x", "v1.0")
    project.git("tag", "v0.1", told.first_commit)
    project.append("app/models.py", "    # A remark.\n")
    remark = project.commit("Remark")
    project.git("tag", "v1.1")
    project.gitmig("report", check=0)
    points = data(project.path("gitmig-report.html"))["points"]
    tags = {point["id"]: point["tags"] for point in points if "tags" in point}
    assert tags == {told.first: ["v0.1"], told.second: ["v1.0"], remark: ["v1.1"]}


def test_what_the_models_have_beyond_the_last_revision(told: Article) -> None:
    project = told.project
    project.write("app/models.py", project.read("app/models.py").replace(USERNAME, ""))
    project.gitmig("report", check=0)
    found = data(project.path("gitmig-report.html"))
    assert [point["kind"] for point in found["points"]] == ["commit", "revision", "revision", "work tree"]
    gone = [found["facets"][before][:3] for before, after in found["points"][-1]["changes"] if after == -1]
    assert gone == [["column", "user", "username"], ["index", "user", "ix_user_username"]]
