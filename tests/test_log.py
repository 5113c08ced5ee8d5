"""``gitmig log``: revisions with their commits, and how sure that is. It runs none of the project's code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.articles import (
    EMAIL,
    NAMED,
    USER,
    Article,
    article,
    article_on,
    by_alembic,
    findings,
    plain,
    third,
)
from tests.story import Project


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def lines(project: Project) -> list[tuple[str, str, str | None]]:
    """Revision, state of the tie, and the models' commit, newest first."""
    answer = project.gitmig("log", "--json", check=0).json
    return [(line["revision"], line["tie"], line["models_commit"]) for line in answer["revisions"]]


class TestTies:
    """verified, approximate, untied, uncommitted."""

    def test_verified(self, told: Article) -> None:
        assert lines(told.project) == [
            (told.second, "verified", told.second_commit),
            (told.first, "verified", told.first_commit),
        ]

    def test_approximate_without_a_record(self, tmp_path: Path) -> None:
        told = by_alembic(tmp_path)
        assert lines(told.project) == [
            ("b2b2", "approximate", told.second_commit),
            ("a1a1", "approximate", told.first_commit),
        ]

    def test_untied_where_two_came_at_once(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path)
        plain(project, "a1a1", None, up=USER[0], down=USER[1], message="First revision")
        plain(project, "b2b2", "a1a1", up=NAMED[0], down=NAMED[1], message="Add username")
        both = project.commit("Everything")
        assert lines(project) == [("b2b2", "approximate", both), ("a1a1", "untied", None)]
        answer = project.gitmig("log", "--json").json
        assert [line["introduced"] for line in answer["revisions"]] == [both, both]
        assert f"a1a1  {both[:8]}  untied" in project.gitmig("log", check=0).stdout

    def test_uncommitted(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        told.project.gitmig("revise", "-m", "E-mail", "--no-commit", check=0)
        assert lines(told.project)[0][1:] == ("uncommitted", None)
        assert "  —         uncommitted" in told.project.gitmig("log", check=0).stdout

    def test_before_the_first_commit(self, told: Article) -> None:
        told.project.git("update-ref", "-d", "HEAD")
        assert [line[1:] for line in lines(told.project)] == [("uncommitted", None)] * 2

    def test_a_cosmetic_commit_between(self, told: Article) -> None:
        told.project.append("app/models.py", "# a comment\n")
        told.project.commit("A comment")
        # Nothing was computed yet; what `check` computes is then known for good.
        assert lines(told.project)[0] == (told.second, "verified", told.second_commit)
        told.project.gitmig("check", check=0)
        assert lines(told.project)[0] == (told.second, "verified", told.project.git("rev-parse", "HEAD"))

    def test_a_merge_brings_two(self, told: Article) -> None:
        project = told.project
        project.git("switch", "--quiet", "-c", "topic")
        one = third(told)
        first = project.git("rev-parse", "HEAD")
        project.append("app/models.py", "    zip: Mapped[int | None]\n")
        project.gitmig("revise", "-m", "Zip", check=0)
        second = project.git("rev-parse", "HEAD")
        project.git("switch", "--quiet", "main")
        project.git("merge", "--quiet", "--no-ff", "-m", "Merge", "topic")
        merge = project.git("rev-parse", "HEAD")
        answer = project.gitmig("log", "--json", check=0).json["revisions"]
        assert [line["tie"] for line in answer] == ["verified"] * 4
        assert (answer[1]["revision"], answer[1]["models_commit"]) == (one, first)
        assert answer[0]["models_commit"] in (second, merge)
        assert {line["introduced"] for line in answer[:2]} == {merge}

    def test_a_squash_merge(self, told: Article) -> None:
        project = told.project
        project.git("switch", "--quiet", "-c", "topic")
        one = third(told)
        project.append("app/models.py", "    zip: Mapped[int | None]\n")
        project.gitmig("revise", "-m", "Zip", check=0)
        project.git("switch", "--quiet", "main")
        project.git("merge", "--quiet", "--squash", "topic")
        project.git("commit", "--quiet", "-m", "Squashed")
        squash = project.git("rev-parse", "HEAD")
        assert lines(project)[0][1:] == ("verified", squash)
        assert lines(project)[1] == (one, "untied", None)

    def test_a_rebase(self, told: Article) -> None:
        project = told.project
        project.git("switch", "--quiet", "-c", "topic")
        newest = third(told)
        project.git("switch", "--quiet", "main")
        project.write("note.txt", "one\n")
        project.commit("A note")
        project.git("switch", "--quiet", "topic")
        project.git("rebase", "--quiet", "main")
        assert lines(project)[0] == (newest, "verified", project.git("rev-parse", "HEAD"))

    def test_revision_files_moved_and_reformatted(self, told: Article) -> None:
        project = told.project
        for number, path in enumerate(project.git("ls-files", "alembic/versions/*.py").splitlines()):
            text = project.read(path).replace("'", '"').replace("    ", "\t")
            project.git("mv", path, f"alembic/versions/{number:04}_renamed.py")
            project.write(f"alembic/versions/{number:04}_renamed.py", text)
        project.commit("Format everything")
        assert lines(project) == [
            (told.second, "verified", told.second_commit),
            (told.first, "verified", told.first_commit),
        ]

    def test_a_record_that_somebody_spoiled_counts_as_absent(self, told: Article) -> None:
        project = told.project
        path = next(p for p in project.git("ls-files", "alembic/versions").split() if told.first in p)
        text = "\n".join(line for line in project.read(path).split("\n") if not line.startswith("Models: "))
        project.write(path, text.replace("Schema: sqlite ", "Schema: sqlite 0000"))
        project.commit("Spoil it")
        assert lines(project)[1] == (told.first, "approximate", told.first_commit)


class TestMarks:
    """Where the database and the checkout are."""

    def test_in_step(self, told: Article) -> None:
        result = told.project.gitmig("log", check=0)
        assert result.stdout == (
            f"●  {told.second}  {told.second_commit[:8]}  verified  2026-01-01  "
            "(database, checkout) Add username for user\n"
            f"●  {told.first}  {told.first_commit[:8]}  verified  2026-01-01  First revision\n"
        )
        assert result.stderr.startswith("database last seen 20")
        assert result.stderr.endswith(": sqlite:///app.db\n")

    def test_rolled_back(self, told: Article) -> None:
        told.project.gitmig("rollback", check=0)
        first, second = told.project.gitmig("log", check=0).stdout.splitlines()
        assert first.startswith(f"○  {told.second}  ")
        assert first.endswith("  (checkout) Add username for user")
        assert second.startswith(f"●  {told.first}  ")
        assert second.endswith("  (database) First revision")

    def test_moved_by_plain_alembic(self, told: Article) -> None:
        """An SQLite file is read again; nothing is believed because gitmig was told once."""
        told.project.alembic("downgrade", "base")
        answer = told.project.gitmig("log", "--json", check=0).json
        assert [line["applied"] for line in answer["revisions"]] == [False, False]
        told.project.alembic("upgrade", "+1")
        answer = told.project.gitmig("log", "--json", check=0).json
        assert [line["applied"] for line in answer["revisions"]] == [False, True]

    def test_a_server_moved_by_plain_alembic(self, tmp_path: Path, postgres_url: str) -> None:
        """Asking a server would run env.py: the note says when it was seen."""
        told = article_on(tmp_path, postgres_url)
        told.project.alembic("downgrade", "base")
        seen = told.project.gitmig("log", check=0)
        assert "database last seen 20" in seen.stderr
        told.project.gitmig("status", check=1)
        answer = told.project.gitmig("log", "--json", check=0).json
        assert [line["applied"] for line in answer["revisions"]] == [False, False]

    def test_a_revision_that_no_file_has(self, told: Article) -> None:
        database.execute(told.project.url, "update alembic_version set version_num = 'gone'")
        result = told.project.gitmig("log", check=0)
        assert "GM010 the database is at gone, which no file of the checkout has" in result.stderr
        assert "database," not in result.stdout

    def test_never_seen(self, tmp_path: Path) -> None:
        told = by_alembic(tmp_path)
        result = told.project.gitmig("log", check=0)
        assert result.stdout.startswith("?  b2b2  ")
        assert result.stderr == "the database was never looked at from here: gitmig status\n"
        assert {line["applied"] for line in told.project.gitmig("log", "--json").json["revisions"]} == {None}

    def test_two_heads(self, told: Article) -> None:
        plain(told.project, "c3c3", told.first, up="pass", down="pass", message="Aside")
        answer = told.project.gitmig("log", "--json", check=0).json
        heads = {line["revision"] for line in answer["revisions"] if line["head"]}
        assert heads == {"c3c3", told.second}
        assert findings(answer) == ["GM002"]


class TestText:
    """On a terminal."""

    def test_eighty_columns(self, told: Article) -> None:
        screen = told.project.on_terminal("log", env={"COLUMNS": "80"}, check=0).stdout
        assert screen.splitlines()[:2] == [
            f"●  {told.second}  {told.second_commit[:8]}  verified  "
            "(database, checkout) Add username for user",
            f"●  {told.first}  {told.first_commit[:8]}  verified  First revision",
        ]
        narrow = told.project.on_terminal("log", env={"COLUMNS": "60"}, check=0).stdout
        assert narrow.splitlines()[0].endswith("(database, checkout) A…")

    def test_no_revisions(self, project: Project) -> None:
        assert project.gitmig("log", check=0).stdout == "no revisions yet\n"

    def test_a_message_cannot_move_the_cursor(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path)
        plain(project, "a1a1", None, up="pass", down="pass", message="Evil \\x1b[2J [bold]")
        project.commit("Evil")
        assert "Evil \\x1b[2J [bold]" in project.gitmig("log", check=0).stdout


class TestJson:
    """The contract."""

    def test_everything(self, told: Article) -> None:
        told.project.gitmig("rollback", check=0)
        assert told.project.gitmig("log", "--json", check=0).json == {
            "version": 1,
            "commit": told.second_commit,
            "revisions": [
                {
                    "revision": told.second,
                    "down_revisions": [told.first],
                    "message": "Add username for user",
                    "labels": [],
                    "introduced": told.second_commit,
                    "models_commit": told.second_commit,
                    "tie": "verified",
                    "applied": False,
                    "head": True,
                },
                {
                    "revision": told.first,
                    "down_revisions": [],
                    "message": "First revision",
                    "labels": [],
                    "introduced": told.first_commit,
                    "models_commit": told.first_commit,
                    "tie": "verified",
                    "applied": True,
                    "head": False,
                },
            ],
            "findings": [],
        }


def test_it_runs_nothing(told: Article) -> None:
    for path in ("app/models.py", "alembic/env.py"):
        told.project.write(path, "raise SystemExit('run')\n")
    before = told.project.snapshot()
    nobody = {"GITMIG_PYTHON": "/nowhere/python"}
    assert len(told.project.gitmig("log", "--json", env=nobody, check=0).json["revisions"]) == 2
    assert told.project.snapshot() == before


def test_the_graph_is_drawn(tmp_path: Path) -> None:
    project = by_alembic(tmp_path).project
    plain(project, "c3c3", "a1a1", up="pass", down="pass", message="A second head")
    plain(project, "d4d4", "b2b2", up="pass", down="pass", message="Third")
    said = project.gitmig("log", "--graph", check=0).stdout.splitlines()
    plain_lines = project.gitmig("log", check=0).stdout.splitlines()
    assert [line.partition("  ")[2].lstrip() for line in said if "*" in line] == plain_lines
    assert "|/" in said
