"""A versions folder, or the whole script folder, that is a symbolic link within the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.story import USERNAME, Project


@pytest.mark.parametrize("folder", ["alembic/versions", "alembic"])
def test_revisions_lie_where_the_link_leads(tmp_path: Path, folder: str) -> None:
    project = Project.create(tmp_path)
    project.path("db").mkdir()
    project.path(folder).rename(project.path("db/real"))
    project.path(folder).symlink_to("../db/real" if "/" in folder else "db/real")
    project.commit("A link")
    project.hook()
    project.gitmig("revise", "-m", "First", check=0)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Second", check=0)
    assert project.git("ls-files", "db/real").count(".py") >= 2
    assert [line["tie"] for line in project.gitmig("log", "--json").json["revisions"]] == ["verified"] * 2
    project.gitmig("rollback", "-y", check=0)
    project.gitmig("upgrade", "-y", check=0)
    project.gitmig("switch", "-y", "HEAD~1", check=0)
    assert project.columns("user") == ("id",)
    project.gitmig("switch", "-y", "-", check=0)
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")
