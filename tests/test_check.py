"""``gitmig check``: what is being committed, the work tree, and a commit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.articles import EMAIL, NAMED, USER, Article, article, by_alembic, findings, plain, third
from tests.story import MODELS, USERNAME, Project

GM001 = "GM001 the models change without a revision that takes the database there\n"
ORDERED = """\
    __table_args__ = (
        CheckConstraint("username IN " + str(tuple({"one", "two", "three", "four", "five", "six", "seven"}))),
    )
"""
USERNAME_LINES = "  + user.username VARCHAR\n  + index ix_user_username\n"


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def staged(project: Project, *args: str, env: dict[str, str | None] | None = None) -> list[str]:
    """The findings on everything that is staged; the exit code must be theirs."""
    project.git("add", "--all")
    answer = project.gitmig("check", "--staged", "--json", *args, env=env)
    errors = [finding for finding in answer.json["findings"] if finding["severity"] == "error"]
    assert answer.exit_code == (1 if errors else 0)
    return list(findings(answer.json))


def script(project: Project, revision: str) -> str:
    """The path of a revision's file."""
    return next(path for path in project.git("ls-files", "alembic/versions").split() if revision in path)


class TestStaged:
    """What this commit does, against its parents."""

    def test_models_alone_are_blocked(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        told.project.git("add", "app/models.py")
        result = told.project.gitmig("check", "--staged", check=1)
        assert result.stdout == ""
        assert result.stderr == f'{GM001}  + user.email VARCHAR\n  Hint: gitmig revise -m "…"\n'

    def test_with_their_revision_they_pass(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        told.project.gitmig("revise", "-m", "E-mail", "--no-commit", check=0)
        assert staged(told.project) == []

    def test_the_revision_without_its_models(self, told: Article) -> None:
        """The database would go where the models are not."""
        told.project.append("app/models.py", EMAIL)
        told.project.gitmig("revise", "-m", "E-mail", "--no-commit", check=0)
        told.project.git("restore", "--staged", "app/models.py")
        told.project.gitmig("check", "--staged", check=0)

    @pytest.mark.parametrize(
        "text",
        [
            MODELS + USERNAME + "# a comment\n",
            MODELS.replace("Somebody", "Whoever") + USERNAME,
            MODELS + USERNAME + "\n    def hello(self) -> str:\n        return 'hello'\n",
            MODELS.replace("import String", "import String as String") + USERNAME,
            # Another order of the columns.
            MODELS.replace("    id:", USERNAME + "    id:"),
        ],
    )
    def test_a_cosmetic_change_passes(self, told: Article, text: str) -> None:
        told.project.write("app/models.py", text)
        assert staged(told.project) == []

    def test_a_set_that_iterates_in_another_order_passes(self, told: Article) -> None:
        """Each process of Python has an order of its own, but for the workers."""
        project = told.project
        text = "from sqlalchemy import CheckConstraint\n" + project.read("app/models.py")
        project.write("app/models.py", text + ORDERED)
        project.gitmig("revise", "-m", "Kinds", "--no-commit", check=0)
        shutil.rmtree(project.path(".git/gitmig/cache"))
        command = [sys.executable, "-P", "-m", "gitmig", "check", "--staged"]
        environment = project.environment({"PYTHONHASHSEED": "7"})
        done = subprocess.run(command, cwd=project.top, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")

    def test_a_mixin_elsewhere_counts(self, told: Article) -> None:
        told.project.append(
            "app/database.py", "\n    from sqlalchemy import Column, Integer\n    nick = Column(Integer)\n"
        )
        assert staged(told.project) == ["GM001"]

    def test_a_new_module_of_models_counts(self, told: Article) -> None:
        told.project.write("app/orders.py", MODELS.replace("User", "Order").replace('"user"', '"order"'))
        told.project.append("app/models.py", "\n\nfrom app import orders  # noqa\n")
        assert staged(told.project) == ["GM001"]

    def test_models_edited_after_the_revision_was_staged(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        told.project.gitmig("revise", "-m", "E-mail", "--no-commit", check=0)
        told.project.append("app/models.py", "    zip: Mapped[str | None] = mapped_column(String)\n")
        told.project.git("add", "app/models.py")
        said = told.project.gitmig("check", "--staged", check=1).stderr
        assert said == f"{GM001}  + user.zip VARCHAR\n  Hint: gitmig revise --amend\n"

    def test_rolled_back_models_have_their_own_text(self, told: Article) -> None:
        told.project.gitmig("rollback", check=0)
        told.project.git("add", "app/models.py")
        assert told.project.gitmig("check", "--staged", check=1).stderr == (
            f"GM001 these are the models of {told.first}, as a rollback put them there "
            "(gitmig upgrade takes them forward again)\n"
            f"  Hint: gitmig rollback {told.first} --commit\n"
        )

    def test_a_revision_taken_out_while_its_models_stay(self, told: Article) -> None:
        told.project.git("rm", "--quiet", script(told.project, told.second))
        said = told.project.gitmig("check", "--staged", check=1).stderr
        assert said == f'{GM001}{USERNAME_LINES}  Hint: gitmig revise -m "…"\n'

    def test_a_revision_taken_out_with_its_models(self, told: Article) -> None:
        told.project.git("rm", "--quiet", script(told.project, told.second))
        told.project.write("app/models.py", MODELS)
        assert staged(told.project) == []

    def test_a_data_migration_taken_out(self, tmp_path: Path) -> None:
        """It had the models of its parent, so nothing is missing."""
        told = by_alembic(tmp_path)
        path = plain(told.project, "c3c3", "b2b2", up="pass", down="pass", message="Data")
        told.project.commit("Data")
        told.project.git("rm", "--quiet", path)
        assert staged(told.project) == []

    def test_amending_the_message_or_a_comment(self, told: Article) -> None:
        told.project.hook()
        told.project.git("commit", "--quiet", "--amend", "-m", "Better")
        told.project.append("app/models.py", "# a comment\n")
        told.project.git("commit", "--quiet", "--amend", "-am", "Better still")

    def test_amending_a_revision_that_was_corrected_by_hand(self, told: Article) -> None:
        told.project.hook()
        told.project.append("app/models.py", EMAIL)
        told.project.gitmig("check", check=1)
        path = script(told.project, told.second)
        up = 'op.add_column("user", sa.Column("email", sa.String()))'
        down = 'op.drop_column("user", "email")'
        text = told.project.read(path)
        for name, line in (("upgrade", up), ("downgrade", down)):
            text = text.replace(f"def {name}() -> None:\n", f"def {name}() -> None:\n    {line}\n")
        told.project.write(path, text)
        told.project.gitmig("check", check=0)
        told.project.git("commit", "--quiet", "--amend", "--no-edit", "--all")
        told.project.gitmig("check", "HEAD", check=0)

    @pytest.mark.parametrize("revised", [True, False])
    def test_the_first_commit(self, tmp_path: Path, revised: bool) -> None:
        project = Project.create(tmp_path)
        project.git("update-ref", "-d", "HEAD")
        if revised:
            project.gitmig("revise", "-m", "First revision", "--no-commit", check=0)
        assert staged(project) == ([] if revised else ["GM001"])

    def test_before_there_are_models_or_revisions(self, tmp_path: Path) -> None:
        project = Project.create(tmp_path)
        project.write("app/models.py", "from app.database import Base\n")
        project.git("update-ref", "-d", "HEAD")
        assert staged(project) == []

    def test_a_revision_by_plain_alembic_is_not_proven(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        path = plain(told.project, "c3c3", told.second, up="pass", down="pass", message="E-mail")
        assert staged(told.project) == ["GM001"]
        told.project.write(path, told.project.read(path).replace("pass", "op.execute('...')", 1))
        assert staged(told.project) == ["GM007"]
        assert told.project.gitmig("check", "--staged", check=0).stderr.startswith(
            "GM007 warning: nothing proves that c3c3 takes the database to these models: the upgrade of c3c3"
        )

    def test_models_of_head_that_do_not_import_can_be_mended(self, told: Article) -> None:
        told.project.append("app/models.py", "broken = nowhere\n")
        told.project.commit("Break it")
        told.project.write("app/models.py", MODELS + USERNAME + "# mended\n")
        assert staged(told.project) == []
        told.project.append("app/models.py", "    zip: Mapped[int | None]\n")
        assert staged(told.project) == ["GM007"]

    def test_staged_models_that_do_not_import(self, told: Article) -> None:
        told.project.append("app/models.py", "broken = nowhere\n")
        told.project.git("add", "--all")
        said = told.project.gitmig("check", "--staged", check=2)
        assert said.stderr.startswith("Error: NameError: name 'nowhere' is not defined\n")

    @pytest.mark.parametrize("path", ["README.md", "docs/notes.txt"])
    def test_nothing_relevant_asks_nobody(self, told: Article, path: str) -> None:
        told.project.write(path, "text\n")
        told.project.git("add", path)
        nobody = {"GITMIG_PYTHON": "/nowhere/python"}
        assert told.project.gitmig("check", "--staged", env=nobody, check=0).stderr == ""

    def test_problems_of_the_graph(self, told: Article) -> None:
        plain(told.project, "c3c3", told.first, up="pass", down="pass", message="Aside")
        assert "GM002" in staged(told.project)
        plain(told.project, "c3c3", "gone", up="pass", down="pass", message="Aside")
        assert "GM005" in staged(told.project)


class TestMerge:
    """A merge is judged against all of its parents."""

    def branches(self, told: Article) -> Project:
        """Two branches, each with its own change and revision, in a merge that has to be resolved."""
        project = told.project
        project.git("switch", "--quiet", "-c", "one")
        mine = third(told)
        project.gitmig("rollback", check=0)
        project.git("restore", "app/models.py")
        project.git("switch", "--quiet", "main")
        project.append("app/models.py", "    zip: Mapped[int | None]\n")
        project.gitmig("revise", "-m", "Zip", check=0)
        assert mine not in project.heads()
        project.hook()
        assert project.try_git("merge", "one").exit_code == 1
        project.write("app/models.py", MODELS + USERNAME + EMAIL + "    zip: Mapped[int | None]\n")
        project.git("add", "app/models.py")
        return project

    def test_two_heads_then_a_merge_revision(self, told: Article) -> None:
        project = self.branches(told)
        assert staged(project) == ["GM002"]
        project.alembic("merge", "-m", "Merge", "heads")
        assert staged(project) == []
        project.git("add", "--all")
        project.git("commit", "--quiet", "--no-edit")

    def test_what_the_merge_itself_adds(self, told: Article) -> None:
        project = self.branches(told)
        project.alembic("merge", "-m", "Merge", "heads")
        project.append("app/models.py", "    city: Mapped[int | None]\n")
        project.git("add", "--all")
        answer = project.gitmig("check", "--staged", "--json", check=1).json
        assert [(f["code"], f["details"]) for f in answer["findings"]] == [("GM001", ["+ user.city INTEGER"])]

    def test_a_clean_merge_of_a_revision(self, told: Article) -> None:
        project = told.project
        project.git("switch", "--quiet", "-c", "one")
        third(told)
        project.git("switch", "--quiet", "main")
        project.write("note.txt", "one\n")
        project.commit("A note")
        project.hook()
        project.git("merge", "--quiet", "--no-commit", "one")
        assert staged(project) == []
        project.git("commit", "--quiet", "--no-edit")

    def test_rebased_onto_models_that_others_changed(self, told: Article) -> None:
        """The record of the revision is of other models; what it changes is what this commit changes."""
        project = self.branches(told)
        project.git("merge", "--abort")
        project.git("switch", "--quiet", "one")
        assert project.try_git("rebase", "main").exit_code == 1
        project.write("app/models.py", MODELS + USERNAME + EMAIL + "    zip: Mapped[int | None]\n")
        assert staged(project) == ["GM002"]
        (path,) = project.git("diff", "--cached", "--name-only", "--diff-filter=A").split()
        (theirs,) = project.git("diff", "--name-only", "--diff-filter=A", "main~1", "main").split()
        (parent,) = re.findall(r"[0-9a-f]{12}", theirs)
        project.write(path, project.read(path).replace(told.second, parent))
        assert staged(project) == []
        project.append("app/models.py", "    city: Mapped[int | None]\n")
        assert staged(project) == ["GM001"]

    def test_one_side_took_a_revision_back(self, told: Article) -> None:
        """And the other side once let a change pass without one: neither is this commit's doing."""
        project = told.project
        project.git("switch", "--quiet", "-c", "back")
        project.gitmig("rollback", "--commit", check=0)
        project.git("switch", "--quiet", "main")
        project.write(
            "app/models.py", MODELS.replace("Base):", "Base):\n    zip: Mapped[int | None]\n") + USERNAME
        )
        project.commit("Without a revision")
        project.git("merge", "--quiet", "--no-commit", "back")
        assert "zip" in project.git("show", ":app/models.py")
        assert USERNAME.strip() not in project.git("show", ":app/models.py")
        result = project.gitmig("check", "--staged", "--json", check=0)
        (finding,) = result.json["findings"]
        assert (finding["code"], finding["severity"]) == ("GM001", "warning")
        assert finding["message"].endswith("Without a revision")


class TestWaysOut:
    """Severities in the settings, and ``GITMIG_ALLOW``."""

    @pytest.mark.parametrize(
        ("level", "expected"), [("warning", ["GM001"]), ("off", []), ("error", ["GM001"])]
    )
    def test_severity(self, told: Article, level: str, expected: list[str]) -> None:
        told.project.append("pyproject.toml", f'[tool.gitmig.severity]\nGM001 = "{level}"\n')
        told.project.append("app/models.py", EMAIL)
        assert staged(told.project) == expected
        assert told.project.gitmig("check", check=1 if level == "error" else 0).exit_code in (0, 1)

    def test_a_warning_made_an_error(self, told: Article) -> None:
        told.project.append("pyproject.toml", '[tool.gitmig.severity]\nGM007 = "error"\n')
        told.project.append("app/models.py", EMAIL)
        plain(told.project, "c3c3", told.second, up=NAMED[0], down=NAMED[1], message="E-mail")
        told.project.git("add", "--all")
        told.project.gitmig("check", "--staged", check=1)

    @pytest.mark.parametrize("allowed", ["GM001", "GM007, GM001"])
    def test_allow(self, told: Article, allowed: str) -> None:
        told.project.append("app/models.py", EMAIL)
        told.project.hook()
        assert told.project.try_git("commit", "-qam", "x", env={"GITMIG_ALLOW": "GM002"}).exit_code == 1
        let = told.project.try_git("commit", "-qam", "x", env={"GITMIG_ALLOW": allowed})
        assert let.exit_code == 0
        assert let.stderr.startswith("GM001 warning: the models change")
        # The next commit is not stopped by what this one let through; `check` still tells it.
        told.project.append("app/models.py", "# a comment\n")
        told.project.git("commit", "-qam", "y")
        assert findings(told.project.gitmig("check", "--json", check=1).json) == ["GM001"]


class TestFormats:
    """JSON, and annotations for GitHub."""

    def test_json(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        answer = told.project.gitmig("check", "--json", check=1)
        assert answer.stderr == ""
        assert answer.json == {
            "version": 1,
            "findings": [
                {
                    "code": "GM001",
                    "severity": "error",
                    "message": "the models change without a revision that takes the database there",
                    "hint": 'gitmig revise -m "…"',
                    "path": "app/models.py",
                    "line": 16,
                    "details": ["+ user.email VARCHAR"],
                }
            ],
        }

    def test_json_without_findings(self, told: Article) -> None:
        assert told.project.gitmig("check", "--json", check=0).json == {"version": 1, "findings": []}

    def test_github(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        plain(told.project, "c3c3", told.first, up="pass", down="pass", message="Aside")
        result = told.project.gitmig("check", "--format", "github", check=1)
        place = re.match(r"::error file=(alembic/versions/.*),line=(\d+)::GM002 2 heads: ", result.stdout)
        assert place is not None
        text = told.project.read(place[1]).splitlines()
        assert text[int(place[2]) - 1].startswith("down_revision")
        told.project.path("alembic/versions/c3c3_plain.py").unlink()
        result = told.project.gitmig("check", "--format", "github", check=1)
        assert result.stdout == (
            "::error file=app/models.py,line=16::GM001 the models change without a revision that takes the "
            'database there%0A+ user.email VARCHAR%0Agitmig revise -m "…"\n'
        )

    def test_text_without_findings_is_silent(self, told: Article) -> None:
        result = told.project.gitmig("check", check=0)
        assert (result.stdout, result.stderr) == ("", "")

    def test_staged_and_ref_exclude_each_other(self, told: Article) -> None:
        said = told.project.gitmig("check", "--staged", "HEAD", check=2)
        assert said.stderr.startswith("Error: --staged and REF exclude each other\n")


class TestTree:
    """The work tree, and any commit."""

    def test_work_tree(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        assert told.project.gitmig("check", check=1).stderr == (
            f'{GM001}  + user.email VARCHAR\n  Hint: gitmig revise -m "…"\n'
        )
        told.project.git("stash", "--quiet")
        told.project.gitmig("check", check=0)

    def test_an_untracked_module_counts(self, told: Article) -> None:
        told.project.write("app/orders.py", MODELS.replace("User", "Order").replace('"user"', '"order"'))
        told.project.append("app/models.py", "\n\nfrom app import orders  # noqa\n")
        assert "+ table order" in told.project.gitmig("check", check=1).stderr

    def test_a_commit(self, told: Article) -> None:
        project = told.project
        project.append("app/models.py", EMAIL)
        bad = project.commit("The models alone")
        assert "+ user.email VARCHAR" in project.gitmig("check", bad, check=1).stderr
        for good in (told.first_commit, told.second_commit, "HEAD~1"):
            assert project.gitmig("check", good, check=0).stderr == ""

    def test_a_commit_that_the_checkout_does_not_lead_to(self, told: Article) -> None:
        """Its ties are those of its own history."""
        project = told.project
        project.git("switch", "--quiet", "-c", "other")
        third(told)
        project.git("switch", "--quiet", "main")
        assert project.gitmig("check", "other", check=0).stderr == ""
        project.git("switch", "--quiet", "other")
        project.append("app/models.py", "    zip: Mapped[int | None]\n")
        project.commit("The models alone")
        project.git("switch", "--quiet", "main")
        said = project.gitmig("check", "other", check=1).stderr
        assert said == f'{GM001}  + user.zip INTEGER\n  Hint: gitmig revise -m "…"\n'

    def test_a_commit_without_records(self, tmp_path: Path) -> None:
        told = by_alembic(tmp_path)
        project = told.project
        project.git("switch", "--quiet", "-c", "other")
        project.append("app/models.py", EMAIL)
        plain(project, "c3c3", "b2b2", up=NAMED[0], down=NAMED[1], message="E-mail")
        project.commit("E-mail")
        project.append("app/models.py", "    zip: Mapped[int | None]\n")
        project.commit("The models alone")
        project.git("switch", "--quiet", "main")
        said = project.gitmig("check", "other", check=1).stderr
        assert said == f'{GM001}  + user.zip INTEGER\n  Hint: gitmig revise -m "…"\n'

    def test_unknown_ref(self, told: Article) -> None:
        said = told.project.gitmig("check", "nowhere", "--json", check=2)
        assert said.json["error"]["code"] == "unknown-ref"

    def test_an_uncommitted_revision_without_a_record(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        plain(told.project, "c3c3", told.second, up=USER[0], down=USER[1], message="E-mail")
        answer = told.project.gitmig("check", "--json", check=0).json
        assert findings(answer) == ["GM007"]

    def test_nothing_is_changed(self, told: Article) -> None:
        told.project.append("app/models.py", EMAIL)
        before = told.project.snapshot()
        for args in ((), ("--staged",), ("HEAD",)):
            told.project.gitmig("check", *args)
        assert told.project.snapshot() == before


class TestAfresh:
    """Nothing is blocked because of what was remembered wrongly."""

    def spoil(self, project: Project) -> None:
        """Let the manifest of the models on disk lead to another schema."""
        index = project.path(".git/gitmig/cache/manifests.json")
        stored = json.loads(index.read_text())
        digests = sorted({entry["schema"] for entry in stored["manifests"]})
        blob = project.git("hash-object", "app/models.py")
        spoiled = [entry for entry in stored["manifests"] if entry["files"]["app/models.py"] == blob]
        for entry in spoiled:
            entry["schema"] = next(digest for digest in digests if digest != entry["schema"])
        assert spoiled
        index.write_text(json.dumps(stored))

    def test_check_staged(self, told: Article) -> None:
        told.project.append("app/models.py", "# a comment\n")
        told.project.gitmig("check", check=0)
        assert staged(told.project) == []
        self.spoil(told.project)
        assert staged(told.project) == []

    def test_check(self, told: Article) -> None:
        told.project.gitmig("check", check=0)
        self.spoil(told.project)
        told.project.gitmig("check", check=0)


class TestNotJudged:
    """What cannot be judged is never passed in silence."""

    def test_no_interpreter(self, told: Article) -> None:
        project = told.project
        project.git("config", "gitmig.python", "/nowhere/python")
        project.write("README.md", "# Notes\n")
        project.git("add", "README.md")
        project.gitmig("check", "--staged", check=0)
        project.append("app/models.py", EMAIL)
        plain(project, "c3c3", told.first, up=NAMED[0], down=NAMED[1], message="A second head")
        project.git("add", "--all")
        result = project.gitmig("check", "--staged", check=2)
        assert "GM002 2 heads: " in result.stderr
        assert result.stderr.endswith(
            "Error: no Python interpreter of the project was found\n"
            "  tried:\n    git config gitmig.python: /nowhere/python\n"
            "Hint: git config gitmig.python PATH_OF_PYTHON\n"
        )
        error = project.gitmig("check", "--staged", "--json", check=2).json["error"]
        assert error["code"] == "no-interpreter"
        project.git("config", "gitmig.noInterpreter", "warn")
        project.gitmig("check", "--staged", check=1)
        project.git("rm", "--quiet", "--cached", "alembic/versions/c3c3_plain.py")
        (finding,) = project.gitmig("check", "--staged", "--json", check=0).json["findings"]
        assert (
            finding["message"] == "the models were not judged: no Python interpreter of the project was found"
        )

    def test_models_that_take_too_long(self, told: Article) -> None:
        project = told.project
        project.git("config", "gitmig.importLimit", "1.5")
        project.append("app/models.py", "\nimport time\n\ntime.sleep(50)\n")
        project.git("add", "--all")
        result = project.gitmig("check", "--staged", check=2)
        assert "Error: the models were not imported within 1.5 s\n" in result.stderr
        assert "Hint: git config gitmig.importLimit SECONDS, if it has to take that long\n" in result.stderr
        assert 'File "app/models.py", line 19 in <module>\n' in result.stderr
        project.git("config", "gitmig.importLimit", "soon")
        said = project.gitmig("check", "--staged", check=2).stderr
        assert said.startswith("Error: gitmig.importLimit is not a number of seconds: 'soon'\n")

    def test_models_that_crash_the_interpreter(
        self, told: Article, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project, temporary = told.project, tmp_path / "temporary"
        temporary.mkdir()
        monkeypatch.setenv("TMPDIR", str(temporary))
        project.append("app/models.py", "\nimport os\n\nos._exit(9)\n")
        project.git("add", "--all")
        result = project.gitmig("check", "--staged", check=2)
        assert result.stderr.startswith("Error: the project's interpreter ended with exit code 9\n")
        text = project.read("app/models.py")
        project.write(
            "app/models.py", text.replace("os._exit(9)", "import faulthandler; faulthandler._sigsegv()")
        )
        project.git("add", "--all")
        result = project.gitmig("check", "--staged", check=2)
        assert result.stderr.startswith("Error: the project's interpreter crashed: Segmentation fault\n")
        assert 'File "app/models.py", line 19 in <module>\n' in result.stderr
        assert list(temporary.iterdir()) == []
        # A commit of it can be mended.
        project.git("commit", "--quiet", "-m", "Crash")
        project.write("app/models.py", MODELS + USERNAME + "# mended\n")
        assert staged(project) == []
