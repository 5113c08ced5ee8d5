"""A schema for each tenant of a PostgreSQL database: env.py chooses it by the search path."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.story import USERNAME, Project

_ENV = """\
from alembic import context
from sqlalchemy import create_engine, text

import app.models
from app.database import Base, engine

if context.is_offline_mode():
    context.configure(url=engine.url, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
else:
    for tenant in context.get_x_argument(as_dictionary=True).get("tenant", "one").split(","):
        with create_engine(engine.url).connect() as connection:
"""
_BEFORE = """\
            connection.execute(text(f'SET search_path TO "{tenant}"'))
            connection.commit()
            connection.dialect.default_schema_name = tenant
            context.configure(connection=connection, target_metadata=Base.metadata)
            with context.begin_transaction():
                context.run_migrations()
"""
_WITHIN = """\
            context.configure(connection=connection, target_metadata=Base.metadata)
            with context.begin_transaction():
                context.execute(f'SET search_path TO "{tenant}"')
                context.run_migrations()
"""


def columns(url: str, tenant: str) -> list[str]:
    """The columns of a tenant's table."""
    with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
        return [column["name"] for column in sa.inspect(connection).get_columns("user", schema=tenant)]


@pytest.mark.parametrize("choosing", [_BEFORE, _WITHIN])
def test_each_tenant_has_the_tables(tmp_path: Path, postgres_url: str, choosing: str) -> None:
    """The scratch database has none of the schemas; one run goes through several of them."""
    with sa.create_engine(postgres_url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA one"))
        connection.execute(sa.text("CREATE SCHEMA two"))
    project = Project.create(tmp_path, postgres_url)
    project.write("alembic/env.py", _ENV + choosing)
    project.commit("Tenants")
    both = ("-x", "tenant=one,two")
    project.gitmig(*both, "revise", "-m", "First", check=0)
    project.append("app/models.py", USERNAME)
    project.gitmig(*both, "revise", "-m", "Second", check=0)
    for tenant in ("one", "two"):
        assert columns(postgres_url, tenant) == ["id", "username"]
    project.gitmig("verify", check=0)
    project.gitmig(*both, "rollback", "-y", check=0)
    for tenant in ("one", "two"):
        assert columns(postgres_url, tenant) == ["id"]
