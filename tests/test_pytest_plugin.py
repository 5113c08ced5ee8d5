"""The pytest plugin: a test for each revision, and test databases at head, in real runs of pytest."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests import database
from tests.articles import Article, article, article_on, by_alembic, plain, third
from tests.story import Project

_DOCS = (Path(__file__).resolve().parent.parent / "docs" / "tests.md").read_text("utf-8")
EXAMPLE = re.findall(r"<!-- example: test_users\.py -->\n```python\n(.*?)```", _DOCS, re.DOTALL)[0]


@pytest.fixture
def told(tmp_path: Path) -> Article:
    return article(tmp_path)


def run(project: Project, *words: str, code: int = 0) -> str:
    """What pytest prints."""
    known = any(point.value == "gitmig.pytest_plugin" for point in entry_points(group="pytest11"))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "-rs", "--no-header",
         *(() if known else ("-p", "gitmig.pytest_plugin")), *words],
        cwd=project.top, env=project.environment({"PYTEST_ADDOPTS": None}), capture_output=True, text=True,
        timeout=170, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_example_of_the_page(told: Article) -> None:
    project = told.project
    dump = database.dump(project.url)
    project.write("test_users.py", EXAMPLE)
    assert "2 passed" in run(project, "-n0", "test_users.py")
    (template,) = project.path(".git/gitmig/templates").glob("*.db")
    made = template.stat().st_mtime_ns
    # Two processes at once, and the template that is there.
    assert "2 passed" in run(project, "-n2", "test_users.py")
    assert template.stat().st_mtime_ns == made
    assert database.dump(project.url) == dump
    assert project.git("status", "--porcelain").splitlines() == ["?? test_users.py"]


def test_it_is_never_stale(told: Article) -> None:
    project = told.project
    test = (
        "import sqlite3\n\n\ndef test_it(gitmig_database):\n"
        "    file = sqlite3.connect(gitmig_database[10:])\n"
        "    rows = file.execute('select version_num from alembic_version').fetchall()\n    file.close()\n"
    )
    project.write("test_it.py", test + "    assert [row[0] for row in rows] == ['" + told.second + "']\n")
    run(project, "-n0", "test_it.py")
    third(told)
    run(project, "-n0", "test_it.py", code=1)
    project.gitmig("rollback", "--yes", check=0)
    project.git("reset", "--quiet", "--hard", told.second_commit)
    project.write("test_it.py", test + "    assert [row[0] for row in rows] == ['" + told.second + "']\n")
    run(project, "-n0", "test_it.py")


def test_the_fixtures_can_be_overridden(told: Article) -> None:
    project = told.project
    project.write(
        "test_it.py", "def test_it(gitmig_engine):\n    assert str(gitmig_engine.url) == 'sqlite://'\n"
    )
    project.write(
        "conftest.py",
        "import pytest\n\n\n@pytest.fixture\ndef gitmig_database():\n    return 'sqlite://'\n",
    )
    run(project, "-n0", "test_it.py")
    assert not project.path(".git/gitmig/templates").exists()


def test_on_postgresql(
    tmp_path: Path, postgres_url: str, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITMIG_SCRATCH_URL", postgres_server)
    project = article_on(tmp_path, postgres_url).project
    quoted = re.sub(r"\b(INTO|FROM) user\b", r'\1 \\"user\\"', EXAMPLE)
    project.write("test_users.py", quoted)
    dump = database.dump(postgres_url)
    assert "2 passed" in run(project, "-n2", "test_users.py")
    assert database.dump(postgres_url) == dump
    left = database.query(
        postgres_server, "select datname from pg_database where datname like 'gitmig\\_template\\_%'"
    )
    assert left
    for (name,) in left:
        database.execute(postgres_server, f'drop database if exists "{name}"')


def test_a_revision_that_fails_is_told(tmp_path: Path) -> None:
    project = by_alembic(tmp_path).project
    plain(project, "c3c3", "b2b2", up="raise ValueError('not today')", down="pass", message="Third")
    project.commit("Third")
    project.write("test_it.py", "def test_it(gitmig_database):\n    pass\n")
    assert "MigrationFailed: the upgrade of c3c3 fails: ValueError: not today" in run(
        project, "-n0", "test_it.py", code=1
    )


def test_a_test_for_each_revision(tmp_path: Path) -> None:
    project = by_alembic(tmp_path).project
    project.write("test_it.py", "def test_it():\n    pass\n")
    project.append("app/models.py", "    email: Mapped[str | None]\n")
    plain(project, "c3c3", "b2b2", up="pass", down="pass", message="Third")
    project.commit("Third")
    said = run(project, "-n2", "--gitmig", code=1)
    assert "1 failed, 3 passed" in said
    assert "gitmig: c3c3 Third" in said
    assert "GM023 c3c3 does not lead to its models" in said, said
    assert "  + user.email VARCHAR" in said
    assert "Traceback" not in said


def test_revisions_are_collected_where_it_is_asked_for(tmp_path: Path) -> None:
    project = by_alembic(tmp_path).project
    project.write("test_it.py", "def test_it():\n    pass\n")
    assert "1 passed" in run(project, "-n0")
    said = run(project, "-n0", "--gitmig", "--collect-only")
    assert "::gitmig::a1a1\n::gitmig::b2b2\n" in said


def test_it_imports_nothing_but_pytest() -> None:
    program = (
        "import sys, pytest; before = set(sys.modules); import gitmig.pytest_plugin; "
        "print(*sorted(n for n in set(sys.modules) - before if n.partition('.')[0] in "
        "('gitmig', 'sqlalchemy', 'alembic', 'git', 'typer', 'rich')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["gitmig", "gitmig.pytest_plugin"]
