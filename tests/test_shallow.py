"""Commits that a shallow clone lacks: what the revisions lead to is tried, or said not to be known."""

from __future__ import annotations

from pathlib import Path

from tests.articles import article, findings
from tests.story import Project

MORE = "    age: Mapped[int | None]\n"
FILE = "op.get_bind().exec_driver_sql('pragma database_list').all()[0][2]"
NOT_HERE = f"if not {FILE}.endswith('app.db'): raise RuntimeError('not here')"


def shallow(project: Project, tmp_path: Path) -> Project:
    """A clone with the last commit alone."""
    top = tmp_path / "shallow"
    project.git("clone", "--quiet", "--depth", "1", project.top.as_uri(), str(top))
    return project.beside(top)


def test_a_shallow_clone_tries_all_revisions(tmp_path: Path) -> None:
    project = article(tmp_path).project
    assert findings(shallow(project, tmp_path).gitmig("check", "--json", check=0).json) == []


def test_a_shallow_clone_whose_models_have_more(tmp_path: Path) -> None:
    project = article(tmp_path).project
    project.append("app/models.py", MORE)
    project.commit("Age, without a revision")
    clone = shallow(project, tmp_path)
    assert findings(clone.gitmig("check", "--json", check=1).json) == ["GM001"]


def test_a_shallow_clone_in_which_nothing_can_be_tried(tmp_path: Path) -> None:
    project = article(tmp_path).project
    project.append("app/models.py", MORE)
    (script,) = project.path("alembic/versions").glob("*username*")
    refuses = f"def upgrade() -> None:\n    {NOT_HERE}"
    script.write_text(script.read_text().replace("def upgrade() -> None:", refuses))
    project.commit("Age, without a revision")
    said = shallow(project, tmp_path).gitmig("check", "--json", check=0).json
    assert findings(said) == ["GM007"]
    assert said["findings"][0]["hint"] == "git fetch --unshallow  (in CI: fetch the whole history)"


def test_a_rollback_names_the_history_that_is_missing(tmp_path: Path) -> None:
    clone = shallow(article(tmp_path).project, tmp_path)
    clone.gitmig("upgrade", check=0)
    assert clone.gitmig("rollback", "-y", check=1).stderr.endswith("\nHint: git fetch --unshallow\n")


def test_what_is_not_known_for_lack_of_history_is_said(tmp_path: Path) -> None:
    project = article(tmp_path).project
    lacks = "this clone lacks commits that revisions may be tied to: git fetch --unshallow\n"
    assert lacks not in project.gitmig("log", check=0).stderr
    clone = shallow(project, tmp_path)
    assert lacks in clone.gitmig("log", check=0).stderr
    said = clone.gitmig("verify", check=0).stderr
    assert "its models may be in a commit that this clone does not have: git fetch --unshallow\n" in said
