"""Revisions written as files, and how to edit them: for tests that need many, or such as fail."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

from tests import forking
from tests.articles import plain
from tests.story import Project

Started = forking.Process | subprocess.Popen[bytes]


def started(project: Project, *args: str) -> Started:
    """gitmig, running without a terminal."""
    process = forking.popen(
        [sys.executable, "-P", "-m", "gitmig", *args], cwd=project.top, env=project.environment()
    )
    assert process.stdin is not None
    process.stdin.close()
    return process


def chain(project: Project, scripts: Iterable[tuple[str, str, str]], parent: str | None = None) -> None:
    """Write revisions (id, upgrade's lines, downgrade's lines), each on the one before, and commit them."""
    for revision, up, down in scripts:
        indented = ("\n    ".join(body.splitlines()) for body in (up, down))
        plain(project, revision, parent, up=next(indented), down=next(indented), message=f"Step {revision}")
        parent = revision
    project.commit("Write the revisions")


def per_migration(project: Project) -> None:
    """Have env.py ask for one transaction per migration, and commit that."""
    env = project.read("alembic/env.py")
    asked = env.replace(
        "connection=connection,", "connection=connection,\n            transaction_per_migration=True,"
    )
    project.write("alembic/env.py", asked)
    project.commit("One transaction per migration")


def in_autocommit(statement: str) -> str:
    """The lines of a script that runs a statement of SQL outside any transaction."""
    return f"with op.get_context().autocommit_block():\n    op.execute({statement!r})"
