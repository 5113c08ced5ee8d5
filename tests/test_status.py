"""``gitmig status``: where database, checkout and models stand, and the one command for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.articles import EMAIL, Article, article, article_on, by_alembic, findings, plain, third
from tests.story import MODELS, USERNAME, Project


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def hint(project: Project) -> str | None:
    """The one command; the exit code says whether there is one."""
    answer = project.gitmig("status", "--json")
    assert answer.exit_code == (0 if answer.json["hint"] is None else 1)
    assert answer.json["in_step"] is (answer.json["hint"] is None)
    found: str | None = answer.json["hint"]
    return found


class TestText:
    """Three lines, the findings, and the command."""

    def test_in_step(self, told: Article) -> None:
        result = told.project.gitmig("status", check=0)
        assert result.stdout == (
            f"database  {told.second} Add username for user  "
            f"({told.second_commit[:8]}, verified)  [sqlite:///app.db]\n"
            f"checkout  {told.second} Add username for user  [main {told.second_commit[:8]}]\n"
            f"models    those of {told.second}, as committed\n"
            "in step\n"
        )
        assert result.stderr == ""

    def test_rolled_back(self, told: Article) -> None:
        told.project.gitmig("rollback", check=0)
        result = told.project.gitmig("status", check=1)
        assert result.stdout == (
            f"database  {told.first} First revision  ({told.first_commit[:8]}, verified)  [sqlite:///app.db]\n"
            f"checkout  {told.second} Add username for user  [main {told.second_commit[:8]}]\n"
            f"models    those of {told.first}  [app/models.py differs from the commit]\n"
            "→ gitmig upgrade\n"
        )
        assert result.stderr == (
            "GM011 the database is 1 revision behind the checkout\n"
            f"GM013 warning: the models in the work tree are those of {told.first}, put there by a rollback\n"
        )

    def test_edited(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        result = told.project.gitmig("status", check=1)
        assert result.stdout.splitlines()[2:] == [
            "models    changed since the last commit  [app/models.py]",
            '→ gitmig revise -m "…"',
        ]
        assert result.stderr == (
            "GM001 the models change without a revision that takes the database there\n"
            "  + user.email VARCHAR\n"
        )

    def test_before_the_first_commit(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path)
        project.git("update-ref", "-d", "HEAD")
        assert project.gitmig("status", check=1).stdout == (
            "database  base  [sqlite:///app.db]\n"
            "checkout  base  [main no commit yet]\n"
            "models    in no commit yet  [app/models.py]\n"
            '→ gitmig revise -m "…"\n'
        )

    def test_a_line_fits_a_terminal(self, told: Article) -> None:
        third(told)
        message = "A message that goes on and on and on, well beyond what anybody would read in one line"
        told.project.append("app/models.py", "    zip: Mapped[int | None]\n")
        told.project.gitmig("revise", "-m", message, check=0)
        screen = told.project.on_terminal("status", env={"COLUMNS": "80"}, check=0).stdout
        assert max(len(line) for line in screen.splitlines()) <= 80
        assert "A message that go" in screen
        assert message in told.project.gitmig("status", check=0).stdout


class TestHint:
    """The one command, from whatever state."""

    def test_going_round(self, tmp_path: Path, database_url: str) -> None:
        project = Project.create(tmp_path, database_url)
        assert hint(project) == 'gitmig revise -m "…"'
        project.gitmig("revise", "-m", "First revision", check=0)
        assert hint(project) is None
        project.append("app/models.py", USERNAME)
        assert hint(project) == 'gitmig revise -m "…"'
        project.gitmig("revise", "-m", "Add username for user", "--no-commit", check=0)
        assert hint(project) == "gitmig upgrade --commit"
        project.gitmig("upgrade", "--commit", check=0)
        assert hint(project) is None
        for args in (("rollback",), ("rollback", "base")):
            project.gitmig(*args, check=0)
            assert hint(project) == "gitmig upgrade"
        project.gitmig("upgrade", "+1", check=0)
        assert hint(project) == "gitmig upgrade"
        project.gitmig("upgrade", check=0)
        assert hint(project) is None

    def test_following_it_leads_in_step(self, told: Article) -> None:
        told.project.gitmig("rollback", "--database-only", check=0)
        told.project.append("app/models.py", EMAIL)
        followed = []
        while command := hint(told.project):
            followed.append(command)
            assert len(followed) < 5
            told.project.gitmig(*command.replace('"…"', "E-mail").split()[1:], check=0)
        assert followed == ["gitmig upgrade", 'gitmig revise -m "…"']

    def test_a_cosmetic_edit_is_in_step(self, told: Article) -> None:
        told.project.append("app/models.py", "# a comment\n")
        assert hint(told.project) is None

    def test_moved_by_plain_alembic(self, told: Article) -> None:
        told.project.alembic("downgrade", "-1")
        assert hint(told.project) == "gitmig upgrade"
        told.project.alembic("upgrade", "head")
        assert hint(told.project) is None

    def test_models_put_back_while_the_database_was_moved_up_by_alembic(self, told: Article) -> None:
        told.project.gitmig("rollback", check=0)
        told.project.alembic("upgrade", "head")
        assert findings(told.project.gitmig("status", "--json").json) == ["GM013"]
        assert hint(told.project) == "gitmig upgrade"
        told.project.gitmig("upgrade", check=0)
        assert told.project.read("app/models.py") == MODELS + USERNAME
        assert hint(told.project) is None

    def test_a_revision_that_no_file_has(self, told: Article) -> None:
        newest = third(told)
        told.project.git("switch", "--quiet", "--detach", "HEAD~1")
        answer = told.project.gitmig("status", "--json", check=1).json
        assert answer["database"]["known"] is False
        assert answer["database"]["heads"] == [newest]
        assert findings(answer) == ["GM010"]

    def test_more_than_one_head(self, told: Article) -> None:
        plain(told.project, "c3c3", told.first, up="pass", down="pass", message="Aside")
        assert hint(told.project) == "gitmig rebase"

    def test_a_merge_in_progress(self, told: Article) -> None:
        told.project.write(".git/MERGE_HEAD", told.first_commit + "\n")
        assert hint(told.project) == "git merge --continue"

    def test_old_models_that_do_not_import(self, tmp_path: Path) -> None:
        """They prove nothing about today's."""
        told = by_alembic(tmp_path)
        told.project.append("app/models.py", "import not_there\n")
        told.project.git("commit", "--quiet", "-a", "--amend", "--no-edit")
        told.project.write(
            "app/models.py", MODELS + "    username: Mapped[str | None] = mapped_column(String)\n"
        )
        assert hint(told.project) is None


class TestJson:
    """The contract."""

    def test_everything(self, tmp_path: Path, database_url: str) -> None:
        told = article_on(tmp_path, database_url)
        told.project.gitmig("rollback", check=0)
        answer = told.project.gitmig("status", "--json", check=1).json
        name = answer["database"].pop("name")
        assert "@" not in name
        assert answer["recorded"].pop("time") > 0
        assert name.startswith(("sqlite:///", "postgresql+psycopg2://"))
        assert answer == {
            "version": 1,
            "in_step": False,
            "database": {"heads": [told.first], "known": True, "others": []},
            "checkout": {"commit": told.second_commit, "branch": "main", "heads": [told.second]},
            "models": {"paths": ["app/models.py"], "revision": told.first, "modified": ["app/models.py"]},
            "labels": {},
            "recorded": {"ledger": False, "heads": [told.first], "gap": False, "moved": None},
            "hint": "gitmig upgrade",
            "findings": [
                {
                    "code": "GM011",
                    "severity": "error",
                    "message": "the database is 1 revision behind the checkout",
                    "hint": "gitmig upgrade",
                    "path": None,
                    "line": None,
                },
                {
                    "code": "GM013",
                    "severity": "warning",
                    "message": f"the models in the work tree are those of {told.first}, "
                    "put there by a rollback",
                    "hint": "gitmig upgrade",
                    "path": None,
                    "line": None,
                },
            ],
        }

    def test_detached(self, told: Article) -> None:
        told.project.git("switch", "--quiet", "--detach")
        answer = told.project.gitmig("status", "--json", check=0).json
        assert answer["checkout"]["branch"] is None
        assert "[detached " in told.project.gitmig("status", check=0).stdout


def test_nothing_is_changed_and_no_database_is_made(tmp_path: Path) -> None:
    project = Project.create(tmp_path)
    before = project.snapshot()
    project.gitmig("status", check=1)
    assert project.snapshot() == before
    assert not project.path("app.db").exists()
