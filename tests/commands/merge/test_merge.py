"""``merge``: a revision that joins lines which are all published."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import database
from tests.articles import article
from tests.branching import MODELS, Branches, branches, parents, revised
from tests.story import Project
from tests.test_recover import killed, recovered


def published(found: Branches) -> Branches:
    """Both sides have a tag, and topic has merged main."""
    project = found.project
    project.git("tag", "v1", "main")
    project.git("tag", "v2", "topic")
    project.git("merge", "--quiet", "--no-edit", "main")
    return found


def test_both_are_joined(tmp_path: Path, database_url: str) -> None:
    found = published(branches(tmp_path, database_url))
    project = found.project
    database.execute(project.url, "insert into \"user\" (username, email) values ('ada', 'ada@x')")
    project.hook()
    answer = project.gitmig("merge", "--yes", "--json", check=0).json
    revision, path = answer["revision"], answer["path"]
    one, other = sorted((found.ours, found.theirs))
    assert [(step["action"], step["revision"]) for step in answer["steps"]] == [
        ("upgrade", found.theirs),
        ("upgrade", revision),
        ("rewrite", revision),
        ("commit", None),
    ]
    assert parents(project)[revision] == (one, other)
    text = project.read(path)
    assert f"Merge {one} and {other}\n" in text
    assert f"Revises: {one}, {other}\n" in text
    assert text.count("    pass\n") == 2
    assert project.heads() == (revision,)
    assert database.query(project.url, 'select email from "user"') == (("ada@x",),)
    assert project.git("status", "--porcelain") == ""
    assert project.git("log", "-1", "--format=%s%n%(trailers)") == (
        f"Merge {one} and {other}\nMigration-Revision: {revision}\n"
    )
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.gitmig("check", check=0).stderr == ""
    (tie,) = [one for one in project.gitmig("log", "--json").json["revisions"] if one["revision"] == revision]
    assert tie["tie"] == "verified"
    again = project.gitmig("merge", check=0)
    assert again.stdout == f"nothing to merge: {revision} is the one head\n"


def test_as_text(tmp_path: Path) -> None:
    found = published(branches(tmp_path))
    project = found.project
    before = project.snapshot()
    plan = project.gitmig("merge", "-m", "Together", "--dry-run", check=0).stdout.splitlines()
    assert plan[0] == f"▲ upgrade {found.theirs}"
    assert plan[2].endswith("_together.py")
    assert project.snapshot() == before
    result = project.gitmig("merge", "-m", "Together", "--yes", check=0)
    (path,) = project.path("alembic/versions").glob("*_together.py")
    revision = path.name.partition("_")[0]
    assert result.stdout == (
        f"database  at {revision}  Together\n"
        f"wrote     alembic/versions/{path.name}\n"
        f"commit    {project.git('rev-parse', '--short=8', 'HEAD')}\n"
    )


def test_staged_and_without_the_database(tmp_path: Path) -> None:
    found = published(branches(tmp_path))
    project = found.project
    result = project.gitmig("merge", "--no-commit", "--files-only", "--yes", check=0)
    assert result.stderr == "Hint: git commit, then: gitmig sync\n"
    assert project.heads() == (found.ours,)
    project.hook()
    project.git("commit", "--quiet", "-m", "Join them")
    project.gitmig("sync", "--yes", check=0)
    assert project.gitmig("status", "--json", check=0).json["in_step"]


def test_one_that_fails_on_the_other(tmp_path: Path) -> None:
    """Both add the same column: no revision can join them."""
    found = article(tmp_path)
    project = found.project
    project.git("switch", "--quiet", "-c", "topic")
    project.append(MODELS, "    email: Mapped[str | None] = mapped_column(String)\n")
    ours = revised(project, "Add an e-mail address")
    project.gitmig("switch", "main", "--yes", check=0)
    project.append(MODELS, "    email: Mapped[str | None] = mapped_column(String(80))\n")
    theirs = revised(project, "Add e-mail")
    project.gitmig("switch", "topic", "--yes", check=0)
    project.try_git("merge", "main")
    assert project.gitmig("merge", check=1).stderr == (
        "Error: unmerged files: app/models.py\nHint: resolve them, then git add them\n"
    )
    project.git("checkout", "--quiet", "--ours", MODELS)
    project.git("commit", "--quiet", "--all", "--no-edit")
    before = project.snapshot()
    result = project.gitmig("merge", "--yes", check=1)
    assert result.stderr.startswith("Error: GM009: ")
    assert "duplicate column name: email" in result.stderr
    assert "theirs: + user.email VARCHAR" in result.stderr
    assert {ours, theirs} <= set(parents(project))
    assert project.snapshot() == before


def test_what_is_left_is_for_a_person(tmp_path: Path, postgres_url: str) -> None:
    """Both change one type: whichever came last won. The revision says what is to be written."""
    project = Project.create(tmp_path, postgres_url)
    project.append(MODELS, "    name: Mapped[str | None] = mapped_column(String(10))\n")
    revised(project, "First")
    project.git("switch", "--quiet", "-c", "topic")
    text = project.read(MODELS)
    project.write(MODELS, text.replace("String(10)", "String(20)"))
    revised(project, "Twenty")
    project.gitmig("switch", "main", "--yes", check=0)
    project.write(MODELS, text.replace("String(10)", "String(30)"))
    revised(project, "Thirty")
    project.gitmig("switch", "topic", "--yes", check=0)
    project.try_git("merge", "main")
    project.write(MODELS, text.replace("String(10)", "String(30)"))
    project.git("commit", "--quiet", "--all", "--no-edit")
    result = project.gitmig("merge", "--yes", check=0)
    (path,) = project.path("alembic/versions").glob("*_merge_*.py")
    assert result.stdout == (
        "  ~ user.name CHARACTER VARYING(20) -> CHARACTER VARYING(30)\n"
        f"drafted alembic/versions/{path.name}; nothing was applied\n"
        "review it, then: gitmig upgrade --commit\n"
    )
    line = "    # gitmig: write by hand: ~ user.name CHARACTER VARYING(20) -> CHARACTER VARYING(30)\n"
    assert line in path.read_text()
    written = path.read_text().replace(
        f"{line}", "    op.alter_column('user', 'name', type_=sa.String(30))\n"
    )
    path.write_text(written)
    project.gitmig("upgrade", "--commit", "--yes", check=0)
    assert project.gitmig("status", "--json", check=0).json["in_step"]


TABLE = """\
class {name}(Base):
    __tablename__ = "{table}"

    id: Mapped[int] = mapped_column(primary_key=True)
"""
CORE = """\
revision = "c3c3"
down_revision = None
branch_labels = "core"


def upgrade():
    pass


def downgrade():
    pass
"""


def test_three_heads(tmp_path: Path, database_url: str) -> None:
    project = Project.create(tmp_path, database_url)
    text = project.read(MODELS)
    revised(project, "First")
    heads = []
    for name in ("one", "two", "three"):
        project.gitmig("switch", "-c", name, check=0)
        project.write(MODELS, f"{text}\n\n{TABLE.format(name=name.title(), table=name)}")
        heads.append(revised(project, f"Add {name}"))
        project.gitmig("switch", "main", "--yes", check=0)
    for name in ("one", "two", "three"):
        project.try_git("merge", "--quiet", "--no-edit", name)
        text += f"\n\n{TABLE.format(name=name.title(), table=name)}"
        project.write(MODELS, text)
        project.git("add", "--all")
        project.try_git("commit", "--quiet", "--no-edit")
    heads.sort()
    again = project.gitmig("merge", heads[0], check=1)
    assert again.stderr == (
        f"Error: 3 heads: {', '.join(heads)}\nHint: name those to join: gitmig merge {heads[0]} {heads[1]}\n"
    )
    plan = project.gitmig("merge", heads[0], heads[2], "--dry-run", check=0).stdout
    assert f"merge_{heads[0]}_and_{heads[2]}" in plan
    answer = project.gitmig("merge", "--yes", "--json", check=0).json
    assert parents(project)[answer["revision"]] == tuple(heads)
    assert answer["warnings"] == []
    assert f"Merge {heads[0]}, {heads[1]} and {heads[2]}\n" in project.read(answer["path"])
    assert project.heads() == (answer["revision"],)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    assert project.gitmig("check", check=0).stderr == ""


def test_permanent_branches_are_left_apart(tmp_path: Path) -> None:
    found = published(branches(tmp_path))
    project = found.project
    project.write("alembic/versions/c3c3_core.py", CORE)
    project.commit("A line of its own")
    answer = project.gitmig("merge", "--yes", "--files-only", "--json", check=0).json
    assert set(parents(project)[answer["revision"]]) == {found.ours, found.theirs}
    heads = sorted(("c3c3", answer["revision"]))
    assert project.gitmig("merge", check=1).stderr == (
        f"Error: 2 heads: {', '.join(heads)}\nHint: name those to join: gitmig merge {' '.join(heads)}\n"
    )


@pytest.mark.parametrize(
    ("point", "side"),
    [
        ("database-prepared", "before"),
        ("files-written", "before"),
        ("database-committed", "applied"),
        ("committed", "after"),
    ],
)
def test_a_kill(tmp_path: Path, point: str, side: str) -> None:
    found = published(branches(tmp_path))
    project, before = found.project, found.project.snapshot()
    killed(project, point, "merge", "--yes")
    recovered(project, "before" if side == "before" else "after", "git commit" if side == "applied" else None)
    if side == "before":
        now = project.snapshot()
        assert (now.files, now.index, now.head, now.database) == (
            before.files,
            before.index,
            before.head,
            before.database,
        )
        return
    if side == "applied":
        project.git("commit", "--quiet", "-m", "Settled")
    assert project.gitmig("status", "--json", check=0).json["in_step"]
