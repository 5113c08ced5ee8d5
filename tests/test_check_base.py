"""``check --base``: the net change of a pull request, and the revisions that its merge would have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.articles import EMAIL, NAMED, Article, article, findings, plain, third
from tests.story import Project

ZIP = "    zip: Mapped[str | None] = mapped_column(String)\n"


@pytest.fixture
def told(tmp_path: Path) -> Article:
    """The article's project, on a branch of its own."""
    told = article(tmp_path)
    told.project.git("switch", "--quiet", "-c", "topic")
    return told


def base(project: Project, *args: str) -> list[str]:
    """The findings of the branch; the exit code must be theirs."""
    answer = project.gitmig("check", "--base", "main", *args, "--json")
    errors = [finding for finding in answer.json["findings"] if finding["severity"] == "error"]
    assert answer.exit_code == (1 if errors else 0), answer.stdout
    return list(findings(answer.json))


def script(told: Article) -> str:
    (path,) = told.project.path("alembic/versions").glob(f"*{told.second}*.py")
    return path.relative_to(told.project.top).as_posix()


def test_the_net_change(told: Article) -> None:
    project = told.project
    assert base(project) == []
    before = project.read("app/models.py")
    project.append("app/models.py", EMAIL)
    project.commit("Models ahead of their revision")
    assert base(project) == ["GM001"]
    # The work tree is not looked at.
    project.write("app/models.py", "broken(")
    assert base(project, "--each-commit") == ["GM001"]
    project.write("app/models.py", before + EMAIL)
    project.gitmig("revise", "-m", "Add an e-mail address", check=0)
    assert base(project) == []
    assert base(project, "--each-commit") == ["GM001"]
    message = project.gitmig("check", "--base", "main", "--each-commit").stderr
    assert f"GM001 {project.git('rev-parse', '--short=8', 'HEAD~1')}: the models change" in message
    project.git("commit", "--quiet", "--allow-empty", "-m", "Let it be\n\nGitmig-allow: GM001 for once")
    assert base(project, "--each-commit") == ["GM001"]
    assert project.gitmig("check", "--base", "main", "--each-commit").exit_code == 0


def test_a_difference_from_before_is_an_error_here(told: Article) -> None:
    project = told.project
    project.git("switch", "--quiet", "main")
    project.append("app/models.py", EMAIL)
    project.commit("Past every hook")
    project.git("switch", "--quiet", "-C", "topic")
    project.write("note.txt", "one\n")
    project.commit("A note")
    assert base(project) == ["GM001"]


def test_the_base_has_moved(told: Article) -> None:
    """Both sides have one head; the merge would have two. Nothing of the work tree is touched."""
    project = told.project
    ours = third(told)
    project.git("switch", "--quiet", "main")
    plain(project, "c3c3", told.second, up=NAMED[0], down=NAMED[1], message="Meanwhile")
    project.commit("Meanwhile")
    project.git("switch", "--quiet", "topic")
    before = project.snapshot()
    result = project.gitmig("check", "--base", "main", check=1)
    assert (
        f"GM002 main has moved: {ours} follows {told.second}, which is no longer its head (c3c3 is)\n"
    ) in result.stderr
    assert "Hint: git merge main && gitmig rebase\n" in result.stderr
    assert "heads:" not in result.stderr
    assert project.snapshot() == before
    # So it does where the two conflict.
    project.write("app/models.py", project.read("app/models.py") + "# here\n")
    project.commit("Here")
    project.git("switch", "--quiet", "main")
    project.write("app/models.py", project.read("app/models.py") + "# there\n")
    project.commit("There")
    assert "GM002" in base(project, "topic")


def test_the_base_went_on_without_revisions(told: Article) -> None:
    project = told.project
    third(told)
    project.git("switch", "--quiet", "main")
    project.write("note.txt", "one\n")
    project.commit("A note")
    project.git("switch", "--quiet", "topic")
    assert base(project) == []


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("def upgrade() -> None:", "def upgrade() -> None:  # formatted", None),
        ("def downgrade() -> None:", "def downgrade() -> None:\n    print('edited')", "edited"),
        ("down_revision", "depends_on = ('{first}',)\ndown_revision", "re-parented"),
    ],
)
def test_a_published_revision(told: Article, old: str, new: str, what: str | None) -> None:
    project, path = told.project, script(told)
    text = project.read(path)
    assert old in text
    project.write(path, text.replace("depends_on", "_") if what == "re-parented" else text)
    project.write(path, project.read(path).replace(old, new.format(first=told.first), 1))
    project.commit("Edit a revision")
    answer = project.gitmig("check", "--base", "main", "--json").json
    said = [finding["message"] for finding in answer["findings"] if finding["code"] == "GM003"]
    whole = f"{told.second} is published and was {what}: databases that have it keep the old one"
    assert said == ([whole] if what else [])


def test_a_published_revision_that_is_gone(told: Article) -> None:
    project = told.project
    project.gitmig("rollback", "--database-only", check=0)
    project.git("rm", "--quiet", script(told))
    before = project.git("show", f"{told.first_commit}:app/models.py")
    project.write("app/models.py", before + "\n")
    project.commit("Take it back")
    assert base(project) == ["GM003"]


def test_the_hook_only_warns_of_an_edited_one(told: Article) -> None:
    """And says nothing while it is not published."""
    project, path = told.project, script(told)
    project.write(
        path, project.read(path).replace("def downgrade() -> None:", "def downgrade() -> None:\n    print()")
    )
    project.git("add", "--all")
    assert findings(project.gitmig("check", "--staged", "--json", check=0).json) == []
    project.git("tag", "v1", "main")
    (finding,) = project.gitmig("check", "--staged", "--json", check=0).json["findings"]
    assert (finding["code"], finding["severity"], finding["path"]) == ("GM003", "warning", path)


def test_nothing_in_common(told: Article) -> None:
    project = told.project
    project.git("switch", "--quiet", "--orphan", "new")
    project.git("commit", "--quiet", "--allow-empty", "-m", "Another history")
    project.git("switch", "--quiet", "topic")
    said = project.gitmig("check", "--base", "new", check=1).stderr
    assert (
        said == "Error: new and HEAD have no common commit here\nHint: name a branch that HEAD comes from\n"
    )
    said = project.gitmig("check", "--base", "nowhere", check=2).stderr
    assert said.startswith("Error: there is no commit 'nowhere'\n")
    assert project.gitmig("check", "--each-commit", check=2).stderr.startswith(
        "Error: --each-commit needs --base\n"
    )
    assert project.gitmig("check", "--staged", "--base", "main", check=2).stderr.startswith(
        "Error: --staged and --base exclude each other\n"
    )


def test_in_the_framework(told: Article) -> None:
    """A range means ``--base``; nothing staged means HEAD."""
    project = told.project
    project.append("app/models.py", EMAIL)
    project.commit("Models ahead of their revision")
    ahead = {"PRE_COMMIT": "1", "PRE_COMMIT_FROM_REF": "main", "PRE_COMMIT_TO_REF": "topic"}
    assert findings(project.gitmig("check", "--staged", "--json", env=ahead, check=1).json) == ["GM001"]
    whole = project.gitmig("check", "--staged", "--json", env={"PRE_COMMIT": "1"}, check=1)
    assert findings(whole.json) == ["GM001"]
    empty = {"PRE_COMMIT": "1", "GIT_INDEX_FILE": ".git/index"}
    assert findings(project.gitmig("check", "--staged", "--json", env=empty, check=0).json) == []
