"""An env.py that takes the application's own engine, pool and all."""

from __future__ import annotations

from tests.story import USERNAME, Project

_ENV = """\
from alembic import context

import app.models
from app.database import Base, engine

if context.is_offline_mode():
    context.configure(url=engine.url, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
else:
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            context.run_migrations()
"""


def test_what_looked_first_leaves_no_connection_behind(project: Project) -> None:
    project.write("alembic/env.py", _ENV)
    # Looking at an SQLite file that is not there is done in memory; the pool must not keep that.
    project.gitmig("revise", "-m", "First revision", check=0)
    assert project.columns("user") == ("id",)
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Add username for user", check=0)
    assert project.columns("user") == ("id", "username")
    project.gitmig("status", check=0)
    project.gitmig("rollback", check=0)
    assert project.columns("user") == ("id",)
