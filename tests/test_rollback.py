"""``gitmig rollback`` and back: database and models move together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests import database
from tests.articles import EMAIL, NAMED, USER, Article, article, article_on, by_alembic, plain, third
from tests.story import MODELS, USERNAME, Project, Result


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def steps(result: Result) -> list[tuple[str, str]]:
    """Action and what it concerns."""
    return [(step["action"], step["revision"] or step["path"]) for step in result.json["steps"]]


def refused(project: Project, *args: str, code: int = 1) -> str:
    """What a command says that must change nothing."""
    before = project.snapshot()
    said = project.gitmig(*args, check=code).stderr
    assert project.snapshot() == before
    return said


class TestTheRule:
    """When you migrate down, the models go back with it; and forward again."""

    def test_down_and_up(self, tmp_path: Path, database_url: str) -> None:
        told = article_on(tmp_path, database_url)
        project = told.project
        project.gitmig("rollback", check=0)
        assert project.heads() == (told.first,)
        assert project.columns("user") == ("id",)
        assert project.read("app/models.py") == MODELS
        assert project.git("diff", "--cached", "--name-only") == ""
        project.gitmig("upgrade", check=0)
        assert project.heads() == (told.second,)
        assert project.columns("user") == ("id", "username")
        assert project.read("app/models.py") == MODELS + USERNAME
        assert project.git("status", "--porcelain") == ""

    def test_what_it_says(self, told: Article) -> None:
        result = told.project.gitmig("rollback", check=0)
        assert result.stdout == (
            f"database  at {told.first}  First revision\n"
            f"models    app/models.py as of {told.first_commit[:8]}\n"
        )
        assert f"▼ downgrade {told.second}\n" in result.stderr
        assert (
            f"! no longer in the work tree: {told.second_commit[:8]} Add username for user\n" in result.stderr
        )

    def test_a_second_rollback_and_one_by_one_up_again(self, told: Article) -> None:
        project, newest = told.project, third(told)
        project.gitmig("rollback", check=0)
        again = project.gitmig("rollback", "--json", check=0)
        assert steps(again) == [("downgrade", told.second), ("restore", "app/models.py")]
        # Only what is in the work tree can leave it.
        assert again.json["warnings"] == [
            f"no longer in the work tree: {told.second_commit[:8]} Add username for user"
        ]
        assert (project.heads(), project.read("app/models.py")) == ((told.first,), MODELS)
        project.gitmig("upgrade", "+1", check=0)
        assert (project.heads(), project.read("app/models.py")) == ((told.second,), MODELS + USERNAME)
        project.gitmig("upgrade", "+1", check=0)
        assert project.heads() == (newest,)
        assert project.read("app/models.py") == MODELS + USERNAME + EMAIL
        assert project.git("status", "--porcelain") == ""

    @pytest.mark.parametrize("target", ["-2", "id", "prefix", "id-1"])
    def test_targets(self, told: Article, target: str) -> None:
        third(told)
        words = {"id": told.first, "prefix": told.first[:6], "id-1": f"{told.second}-1"}
        told.project.gitmig("rollback", words.get(target, target), check=0)
        assert told.project.heads() == (told.first,)
        assert told.project.read("app/models.py") == MODELS

    def test_base_leaves_the_models(self, told: Article) -> None:
        dry = told.project.gitmig("rollback", "base", "--dry-run", check=0)
        assert dry.stdout.splitlines()[-1] == "models    unchanged: base has no models"
        result = told.project.gitmig("rollback", "base", check=0)
        assert result.stdout == ("database  at base\nmodels    unchanged: base has no models\n")
        assert told.project.heads() == ()
        assert told.project.git("status", "--porcelain") == ""
        told.project.gitmig("upgrade", check=0)
        told.project.gitmig("status", check=0)

    def test_at_base_there_is_nothing_to_roll_back(self, told: Article) -> None:
        told.project.gitmig("rollback", "base", check=0)
        said = refused(told.project, "rollback")
        assert said == (
            "Error: the database is at base: there is nothing to roll back\nHint: gitmig status\n"
        )

    def test_after_a_rollback_to_base_the_models_of_the_first_come_back(self, told: Article) -> None:
        for _ in range(2):
            told.project.gitmig("rollback", check=0)
        assert told.project.read("app/models.py") == MODELS
        told.project.gitmig("upgrade", check=0)
        assert told.project.read("app/models.py") == MODELS + USERNAME

    def test_staged_work_stays_staged(self, told: Article) -> None:
        told.project.write("note.txt", "one\n")
        told.project.git("add", "note.txt")
        told.project.append("note.txt", "two\n")
        told.project.gitmig("rollback", check=0)
        assert told.project.git("show", ":note.txt") == "one"
        assert told.project.read("note.txt") == "one\ntwo\n"

    def test_from_a_subdirectory_and_a_detached_head(self, told: Article) -> None:
        told.project.git("switch", "--quiet", "--detach")
        told.project.gitmig("rollback", cwd=told.project.path("app"), check=0)
        assert told.project.read("app/models.py") == MODELS


class TestPlan:
    """``--dry-run`` tells everything and changes nothing."""

    def test_text(self, told: Article) -> None:
        before = told.project.snapshot()
        result = told.project.gitmig("rollback", "--dry-run", check=0)
        assert told.project.snapshot() == before
        assert result.stdout == (
            f"▼ downgrade {told.second}\n"
            f"  restore app/models.py from {told.first_commit[:8]}\n"
            f"! no longer in the work tree: {told.second_commit[:8]} Add username for user\n"
        )

    def test_many_commits_that_leave(self, told: Article) -> None:
        commits = []
        for number in range(10):
            told.project.append("app/models.py", f"# {number}\n")
            commits.append(told.project.commit(f"Note {number}")[:8])
        warnings = told.project.gitmig("rollback", "--dry-run", "--json", check=0).json["warnings"]
        assert warnings[0] == f"no longer in the work tree: {commits[9]} Note 9"
        assert warnings[8:] == [
            f"no longer in the work tree: {commits[1]} Note 1",
            f"and 2 earlier commits: git log {told.first_commit[:8]}..{commits[9]} -- app/models.py",
        ]

    def test_a_long_subject_is_cut(self, told: Article) -> None:
        told.project.append("app/models.py", "# one\n")
        told.project.commit("Say much more about the models than fits into one line of a terminal")
        said = told.project.gitmig("rollback", "--dry-run", check=0).stdout
        assert " Say much more about the models than fi…\n" in said
        assert max(map(len, said.splitlines())) <= 80

    def test_every_commit_that_leaves(self, told: Article) -> None:
        told.project.append("app/models.py", "# one\n")
        one = told.project.commit("A note on the models")
        told.project.write("note.txt", "elsewhere\n")
        told.project.commit("Elsewhere")
        answer = told.project.gitmig("rollback", "--dry-run", "--json", check=0).json
        assert answer["warnings"] == [
            f"no longer in the work tree: {one[:8]} A note on the models",
            f"no longer in the work tree: {told.second_commit[:8]} Add username for user",
        ]
        assert answer["version"] == 1
        assert answer["database"] == {"heads": [told.second]}
        assert answer["steps"][1] == {
            "action": "restore",
            "revision": None,
            "path": "app/models.py",
            "commit": told.first_commit,
        }

    def test_result_as_json(self, told: Article) -> None:
        answer = told.project.gitmig("rollback", "--json", check=0).json
        assert answer["database"] == {"heads": [told.first]}
        assert answer["commit"] is None


class TestWhatIsPutBack:
    """The latest models that the target's schema holds for."""

    def test_cosmetic_edits_between_two_revisions_survive(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path)
        project.gitmig("revise", "-m", "First revision", check=0)
        polished = MODELS.replace("Somebody who may sign in.", "Whoever may sign in.")
        project.write("app/models.py", polished)
        project.commit("Say it better")
        project.append("app/models.py", USERNAME)
        project.gitmig("revise", "-m", "Add username for user", check=0)
        project.gitmig("rollback", check=0)
        assert project.read("app/models.py") == polished

    def test_models_committed_ahead_of_their_revision_do_not_slip_in(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path)
        project.gitmig("revise", "-m", "First revision", check=0)
        project.append("app/models.py", USERNAME)
        project.commit("The models first")
        project.gitmig("revise", "-m", "Add username for user", check=0)
        project.gitmig("rollback", check=0)
        assert project.read("app/models.py") == MODELS

    def test_a_package_of_models(self, tmp_path: Path) -> None:
        project = package(tmp_path)
        project.gitmig("revise", "-m", "First revision", check=0)
        before = project.snapshot().files
        project.write("app/models/__init__.py", "from app.models import order, user\n")
        project.write("app/models/order.py", table("Order", "order"))
        project.append("app/models/user.py", "    name: Mapped[int | None]\n")
        project.gitmig("revise", "-m", "Orders", check=0)
        after = project.snapshot().files
        result = project.gitmig("rollback", check=0)
        restored = {path: data for path, data in project.snapshot().files.items() if "versions" not in path}
        assert restored == {path: data for path, data in before.items() if "versions" not in path}
        assert "models    app/models/__init__.py, app/models/order.py removed, app/models/user.py" in (
            result.stdout
        )
        assert not project.path("app/models/__pycache__").exists() or not list(
            project.path("app/models/__pycache__").glob("order.*")
        )
        project.gitmig("upgrade", check=0)
        assert project.snapshot().files == after

    def test_a_mixin_elsewhere_is_reported(self, told: Article) -> None:
        project = told.project
        project.write("app/mixins.py", "class Named:\n    pass\n")
        project.write(
            "app/models.py",
            (MODELS + USERNAME)
            .replace("class User(Base)", "class User(Named, Base)")
            .replace(
                "from app.database import Base", "from app.database import Base\nfrom app.mixins import Named"
            ),
        )
        project.write("unrelated.py", "one = 1\n")
        mixed = project.commit("A mixin")
        project.write(
            "app/mixins.py",
            "from sqlalchemy.orm import Mapped\n\n\nclass Named:\n    nick: Mapped[str | None]\n",
        )
        project.write("unrelated.py", "one = 2\n")
        project.append("app/models.py", EMAIL)
        project.gitmig("revise", "-m", "Nicknames", check=0)
        result = project.gitmig("rollback", check=0)
        assert (
            f"Note: the models still differ from those of {mixed[:8]}: + user.nick VARCHAR\n"
            "Note: because of app/mixins.py: name such files in `models`\n"
        ) in result.stderr

    def test_models_that_do_not_import_afterwards_are_reported(self, told: Article) -> None:
        project = told.project
        project.write("app/names.py", "ONE = 'user'\n")
        text = (MODELS + USERNAME).replace('"user"', "ONE") + EMAIL
        project.write(
            "app/models.py", text.replace("from app.database", "from app.names import ONE\nfrom app.database")
        )
        project.gitmig("revise", "-m", "Names", check=0)
        project.write("app/names.py", "TWO = 'user'\n")
        project.write(
            "app/models.py",
            project.read("app/models.py").replace("ONE", "TWO") + "    zip: Mapped[int | None]\n",
        )
        project.gitmig("revise", "-m", "More names", check=0)
        result = project.gitmig("rollback", check=0)
        assert "Note: the models that were put back do not import: ImportError: cannot import name 'ONE'" in (
            result.stderr
        )

    def test_a_commit_that_does_not_import_today_says_nothing_of_the_models(
        self, told: Article, tmp_path: Path
    ) -> None:
        project, outside = told.project, tmp_path / "outside"
        outside.write_text("user")
        project.write("app/names.py", f"ONE = open({str(outside)!r}).read()\n")
        text = (MODELS + USERNAME).replace('"user"', "ONE") + EMAIL
        project.write(
            "app/models.py", text.replace("from app.database", "from app.names import ONE\nfrom app.database")
        )
        project.gitmig("revise", "-m", "Names", check=0)
        commit = project.git("rev-parse", "--short=8", "HEAD").strip()
        project.write("app/names.py", "ONE = 'user'\n")
        project.append("app/models.py", "    zip: Mapped[int | None]\n")
        project.gitmig("revise", "-m", "More", check=0)
        outside.unlink()
        shutil.rmtree(project.path(".git/gitmig/cache"))
        notes = project.gitmig("rollback", check=0).stderr
        assert f"Note: not compared with {commit}: its own models do not import today: File" in notes


class TestRefused:
    """Nothing is changed where something would be lost."""

    def test_edits_after_a_rollback(self, told: Article) -> None:
        third(told)
        told.project.gitmig("rollback", check=0)
        told.project.append("app/models.py", "# mine\n")
        assert "app/models.py would be lost" in refused(told.project, "rollback")

    def test_edits_elsewhere_are_nobodys_business(self, told: Article) -> None:
        told.project.append("app/database.py", "# mine\n")
        told.project.gitmig("rollback", check=0)
        assert told.project.read("app/database.py").endswith("# mine\n")

    def test_an_uncommitted_revision_with_its_models(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        told.project.gitmig("revise", "-m", "E-mail", "--no-commit", check=0)
        assert "app/models.py would be lost" in refused(told.project, "rollback")

    def test_to_an_uncommitted_revision(self, told: Article) -> None:
        project = told.project
        one = plain(project, "c3c3", told.second, up="pass", down="pass", message="Data")
        plain(project, "d4d4", "c3c3", up="pass", down="pass", message="More data")
        project.alembic("upgrade", "head")
        said = refused(project, "rollback")
        assert said == (
            "Error: the models of c3c3 cannot be put back: the revision is not committed\n"
            "Hint: gitmig rollback -1 --database-only\n"
        )
        assert project.path(one).exists()

    def test_to_an_untied_revision(self, tmp_path: Path) -> None:
        project = squashed(tmp_path)
        said = refused(project, "rollback")
        assert said == (
            "Error: the models of a1a1 cannot be put back: the revision has no commit of its own models\n"
            "Hint: gitmig rollback -1 --database-only\n"
        )
        project.gitmig("rollback", "-1", "--database-only", check=0)
        assert project.heads() == ("a1a1",)

    @pytest.mark.parametrize(
        ("target", "code"), [("nowhere", 2), ("-3", 1), ("+1", 1), ("", 2)], ids=lambda value: str(value)
    )
    def test_no_such_target(self, told: Article, target: str, code: int) -> None:
        assert refused(told.project, "rollback", target, code=code).startswith("Error: ")

    def test_a_downgrade_that_fails(self, told: Article) -> None:
        project = told.project
        for revision, down in (
            ("c3c3", "op.execute('select 1'); raise RuntimeError('not this one')"),
            ("d4d4", "pass"),
        ):
            parent = told.second if revision == "c3c3" else "c3c3"
            plain(project, revision, parent, up="pass", down=down, message="Data")
            project.commit(revision)
        project.alembic("upgrade", "head")
        said = refused(project, "rollback", told.first)
        assert "not this one" in said

    def test_two_heads_that_no_commit_has(self, told: Article) -> None:
        """What would be undone changes something, and nobody ever committed the models without it."""
        project = told.project
        plain(project, "c3c3", told.first, up="pass", down="pass", message="Aside")
        script = plain(project, "d4d4", None, up="pass", down="pass", message="More")
        parents = f"down_revision = ({told.second!r}, 'c3c3')"
        text = project.read(script).replace("down_revision = None", parents)
        project.write(script, text.replace("    pass", "    op.execute('select 1')"))
        project.commit("Two at once")
        project.alembic("upgrade", "head")
        said = refused(project, "rollback")
        first, second = sorted((told.second, "c3c3"))
        assert said == (
            f"Error: no commit has the models of {first} and {second} together\n"
            "Hint: gitmig rollback -1 --database-only\n"
        )

    def test_a_database_that_is_not_under_alembic(self, told: Article) -> None:
        told.project.alembic("stamp", "base")
        project = told.project
        database.execute(project.url, "drop table alembic_version")
        assert refused(project, "rollback").startswith("Error: GM017: the database has 1 table of the models")


class TestDatabaseOnly:
    """The models are left alone."""

    def test_models_stay(self, told: Article) -> None:
        before = told.project.snapshot()
        told.project.gitmig("rollback", "--database-only", check=0)
        after = told.project.snapshot()
        assert (after.files, after.index, after.head) == (before.files, before.index, before.head)
        assert told.project.heads() == (told.first,)

    def test_even_with_edits(self, told: Article) -> None:
        told.project.append("app/models.py", "# mine\n")
        told.project.gitmig("rollback", "--database-only", check=0)
        assert told.project.read("app/models.py").endswith("# mine\n")

    def test_not_with_commit(self, told: Article) -> None:
        said = refused(told.project, "rollback", "--database-only", "--commit", code=2)
        assert said.startswith("Error: --commit and --database-only exclude each other\n")


class TestCommit:
    """``--commit`` makes a rollback of unpublished revisions permanent."""

    def test_at_once(self, told: Article) -> None:
        project = told.project
        project.hook()
        project.write("note.txt", "mine\n")
        project.git("add", "note.txt")
        planned = project.gitmig("rollback", "--commit", "--dry-run", "--json", check=0)
        script = next(path for action, path in steps(planned) if action == "remove")
        assert steps(planned) == [
            ("downgrade", told.second),
            ("restore", "app/models.py"),
            ("remove", script),
            ("commit", "app/models.py"),
            ("commit", script),
        ]
        result = project.gitmig("rollback", "--commit", "--json", check=0)
        assert result.json["commit"] == project.git("rev-parse", "HEAD")
        assert project.git("show", "--name-status", "--format=", "HEAD").split() == [
            "D", script, "M", "app/models.py",
        ]  # fmt: skip
        assert project.git("status", "--porcelain") == "A  note.txt"
        assert project.git("show", "-s", "--format=%B", "HEAD").strip() == (
            f"Roll back to {told.first}\n\nMigration-Removed: {told.second}"
        )
        project.gitmig("status", check=0)
        assert project.read("app/models.py") == MODELS

    def test_after_an_earlier_rollback(self, told: Article) -> None:
        """As the hook's hint has it: the database is there already."""
        project = told.project
        project.gitmig("rollback", check=0)
        project.gitmig("rollback", told.first, "--commit", check=0)
        assert project.git("status", "--porcelain") == ""
        assert project.git("log", "-1", "--format=%s") == f"Roll back to {told.first}"
        assert [line["revision"] for line in project.gitmig("log", "--json").json["revisions"]] == [
            told.first
        ]
        project.gitmig("status", check=0)

    @pytest.mark.parametrize("how", ["clone", "tag", "setting"])
    def test_published(self, told: Article, tmp_path: Path, how: str) -> None:
        project = told.project
        if how == "clone":
            project.git("clone", "--quiet", "--bare", str(project.top), str(tmp_path / "upstream.git"))
            project.git("remote", "add", "origin", str(tmp_path / "upstream.git"))
            project.git("fetch", "--quiet", "origin")
        elif how == "tag":
            project.git("tag", "v1")
        else:
            project.append("pyproject.toml", 'published = ["release"]\n')
            project.commit("Settings")
            project.git("branch", "release")
        said = refused(project, "rollback", "--commit")
        assert said == (
            f"Error: the revision {told.second} is published: others may have applied it\n"
            "Hint: make a new revision that undoes it, or roll back without --commit\n"
        )
        project.gitmig("rollback", check=0)

    def test_an_unpublished_one_above_published_ones(self, told: Article) -> None:
        told.project.git("tag", "v1")
        third(told)
        told.project.gitmig("rollback", "--commit", check=0)
        assert told.project.heads() == (told.second,)

    def test_to_base(self, told: Article) -> None:
        said = refused(told.project, "rollback", "base", "--commit")
        assert said.startswith("Error: base has no models to go back to")

    @pytest.mark.parametrize("edited", [True, False])
    def test_a_revision_file_that_git_does_not_hold(self, told: Article, edited: bool) -> None:
        project = told.project
        if edited:
            path = next(p for p in project.git("ls-files", "alembic/versions").split() if told.second in p)
            project.append(path, "# mine\n")
        else:
            path = plain(project, "c3c3", told.second, up="pass", down="pass", message="Data")
            project.alembic("upgrade", "head")
        said = refused(project, "rollback", "--commit")
        assert said.startswith(f"Error: {path} would be lost: git does not hold what is in it now\n")

    def test_a_hook_that_refuses(self, told: Article) -> None:
        project = told.project
        hook = project.path(".git/hooks/pre-commit")
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
        result = project.gitmig("rollback", "--commit", check=1)
        assert "git did not commit (its output above says why); the database is down" in result.stderr
        assert project.heads() == (told.first,)
        hook.unlink()
        project.git("commit", "--quiet", "-m", "Roll back")
        assert project.git("status", "--porcelain") == ""
        project.gitmig("status", check=0)


class TestApproximate:
    """A tie that nothing proves is asked about, with the schema difference."""

    def test_on_a_terminal(self, tmp_path: Path) -> None:
        told = by_alembic(tmp_path)
        project = told.project
        before = project.snapshot()
        guess = f"best guess: {told.first_commit[:8]}"
        question = f"not sure which commit has the models of a1a1; {guess}. Restore them?"
        screen = project.on_terminal("rollback", answers=["n"], check=1).stdout
        assert question in screen
        assert "- user.username VARCHAR" in screen
        assert "▼ downgrade b2b2" in screen
        assert "restore app/models.py" in screen
        assert project.snapshot() == before
        project.on_terminal("rollback", answers=["y"], check=0)
        assert (project.heads(), project.read("app/models.py")) == (("a1a1",), MODELS)
        project.gitmig("upgrade", check=0)
        assert project.snapshot().files == before.files

    def test_without_a_terminal(self, tmp_path: Path) -> None:
        told = by_alembic(tmp_path)
        said = refused(told.project, "rollback")
        assert said == (
            f"Error: not sure which commit has the models of a1a1; best guess: {told.first_commit[:8]}\n"
            "  - user.username VARCHAR\n"
            "Hint: look at the plan with --dry-run, then give --yes\n"
        )
        told.project.gitmig("rollback", "--yes", check=0)
        assert told.project.read("app/models.py") == MODELS

    def test_models_of_then_that_do_not_import(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path)
        project.append("app/models.py", "import not_there_any_more\n")
        plain(project, "a1a1", None, up=USER[0], down=USER[1], message="First revision")
        project.commit("First revision")
        project.write("app/models.py", MODELS + "    username: Mapped[str | None] = mapped_column(String)\n")
        plain(project, "b2b2", "a1a1", up=NAMED[0], down=NAMED[1], message="Add username")
        project.commit("Add username")
        project.alembic("upgrade", "head")
        said = refused(project, "rollback")
        assert "what they change in the schema is not known: ModuleNotFoundError" in said
        project.gitmig("rollback", "--yes", check=0)
        assert project.heads() == ("a1a1",)

    def test_going_forward_by_one(self, tmp_path: Path) -> None:
        told = by_alembic(tmp_path)
        project = told.project
        project.append("app/models.py", EMAIL)
        plain(project, "c3c3", "b2b2", up="op.add_column('user', sa.Column('email', sa.String))",
              down="op.drop_column('user', 'email')", message="E-mail")  # fmt: skip
        project.commit("E-mail")
        project.alembic("upgrade", "head")
        project.gitmig("rollback", "a1a1", "--yes", check=0)
        assert "not sure which commit has the models of b2b2" in refused(project, "upgrade", "+1")
        project.gitmig("upgrade", "+1", "--yes", check=0)
        assert "username" in project.read("app/models.py")
        assert "email" not in project.read("app/models.py")


def package(folder: Path) -> Project:
    """A project whose models are a package."""
    project = Project.create(folder, settings='[tool.gitmig]\nmodels = ["app/models"]\n')
    project.path("app/models.py").unlink()
    project.write("app/models/__init__.py", "from app.models import user\n")
    project.write("app/models/user.py", table("User", "user"))
    project.commit("A package of models")
    return project


def table(name: str, table: str) -> str:
    """A module with one model."""
    return (
        "from sqlalchemy.orm import Mapped, mapped_column\n\nfrom app.database import Base\n\n\n"
        f'class {name}(Base):\n    __tablename__ = "{table}"\n\n'
        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    )


def squashed(folder: Path) -> Project:
    """Two revisions that came with one commit, applied."""
    project = Project.create(folder)
    plain(project, "a1a1", None, up=USER[0], down=USER[1], message="First revision")
    plain(project, "b2b2", "a1a1", up=NAMED[0], down=NAMED[1], message="Add username")
    project.append("app/models.py", "    username: Mapped[str | None] = mapped_column(String)\n")
    project.commit("Everything")
    project.alembic("upgrade", "head")
    return project
