"""Version locations in an installed package: in the graph, and never tied, pinned or moved into git."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.environments.projects import COLUMN, models, repository, scripts
from tests.story import Project

PLUGIN = '''\
"""The plugin's table"""

import sqlalchemy as sa
from alembic import op

revision = "p1p1"
down_revision = None


def upgrade():
    op.create_table("plugin", sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    op.drop_table("plugin")
'''


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project whose revisions follow one of a package beside it."""
    place = tmp_path / "lib" / "plugin"
    (place / "migrations").mkdir(parents=True)
    (place / "__init__.py").write_text("raise RuntimeError('nobody imports me')\n")
    (place / "migrations" / "p1.py").write_text(PLUGIN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    project = repository(tmp_path / "project")
    models(project)
    scripts(project, "alembic")
    project.write(
        "alembic.ini",
        "[alembic]\nscript_location = alembic\nprepend_sys_path = .\npath_separator = space\n"
        f"version_locations = %(here)s/alembic/versions {tmp_path}/lib/plugin/migrations\n",
    )
    project.commit("Start")
    project.gitmig("init", check=0)
    project.commit("Set up gitmig")
    return project


def test_they_are_in_the_graph(project: Project) -> None:
    (line,) = project.gitmig("log", "--json", check=0).json["revisions"]
    assert (line["revision"], line["introduced"], line["tie"]) == ("p1p1", None, None)
    first = project.gitmig("revise", "-m", "First", "--json", check=0).json["revision"]
    assert "Revises: p1p1\n" in next(project.path("alembic/versions").glob("*.py")).read_text()
    assert project.columns("plugin") == ("id",)
    assert project.gitmig("status", check=0).stdout.endswith("in step\n")
    pins = project.git("for-each-ref", "--format=%(objectname)", "refs/gitmig/applied").split()
    assert [project.git("ls-tree", "--name-only", pin).split() for pin in pins] == [[first]]


def test_they_make_no_models(project: Project) -> None:
    """Those of the revision above are put back; a package's has none to put back."""
    project.gitmig("revise", "-m", "First", check=0)
    before = project.read("app/models.py")
    project.append("app/models.py", COLUMN)
    project.gitmig("revise", "-m", "Second", check=0)
    project.gitmig("rollback", check=0)
    assert project.read("app/models.py") == before
    project.gitmig("rollback", check=0)
    assert project.gitmig("status", check=1).stdout.startswith("database  p1p1 The plugin's table  [")


def test_as_a_package_names_them(project: Project, tmp_path: Path) -> None:
    """`package:folder`, without importing the package."""
    ini = project.read("alembic.ini").replace(f"{tmp_path}/lib/plugin/migrations", "plugin:migrations")
    project.write("alembic.ini", ini)
    (line,) = project.gitmig("log", "--json", check=0).json["revisions"]
    assert line["revision"] == "p1p1"


def test_a_package_that_is_not_installed(project: Project, tmp_path: Path) -> None:
    ini = project.read("alembic.ini").replace(f"{tmp_path}/lib/plugin/migrations", "nowhere:migrations")
    project.write("alembic.ini", ini)
    assert project.gitmig("log", check=0).stdout == "no revisions yet\n"
