"""A schema for each tenant of a PostgreSQL database: env.py chooses it by the search path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests import database
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


_LISTED = """\
from alembic import context
from sqlalchemy import create_engine, text

import app.models
from app.database import Base, engine

with create_engine(engine.url).connect() as connection:
    tenants = list(connection.scalars(text("SELECT name FROM public.tenants ORDER BY name")))
for tenant in tenants:
    with create_engine(engine.url).connect() as connection:
"""


def add_tenant(url: str, name: str) -> None:
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.execute(sa.text("CREATE TABLE IF NOT EXISTS public.tenants (name text)"))
        connection.execute(sa.text("INSERT INTO public.tenants VALUES (:name)"), {"name": name})
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))


def test_tenants_of_a_table(tmp_path: Path, postgres_url: str) -> None:
    """A scratch database has no such table; a tenant that came later is behind the others."""
    project = Project.create(tmp_path, postgres_url)
    project.write("alembic/env.py", _LISTED + _BEFORE)
    project.commit("Tenants")
    assert "needs a database to call it" in project.gitmig("check", check=2).stderr
    project.append("pyproject.toml", 'metadata = "app.models:Base.metadata"\ndialect = "postgresql"\n')
    project.commit("Without env.py")
    for tenant in ("one", "two"):
        add_tenant(postgres_url, tenant)
    project.gitmig("revise", "-m", "First", check=0)
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    add_tenant(postgres_url, "three")  # before "two" in the loop
    add_tenant(postgres_url, "zwei")
    answer = project.gitmig("status", "--json", check=1).json
    assert [one["heads"] for one in answer["database"]["others"]] == [[], [*project_heads(answer)], []]
    assert [one["message"] for one in answer["findings"]] == [
        "2 of the 4 databases or schemas that env.py goes through: "
        "the database is 1 revision behind the checkout"
    ]
    assert answer["hint"] == "gitmig upgrade"
    assert ", and 3 more]\n" in project.gitmig("status", check=1).stdout
    project.append("app/models.py", USERNAME)
    project.gitmig("revise", "-m", "Second", check=0)
    for tenant in ("one", "two", "three", "zwei"):
        assert columns(postgres_url, tenant) == ["id", "username"]
    assert project.gitmig("status", "--json", check=0).json["in_step"]
    project.gitmig("rollback", "-y", check=0)
    assert columns(postgres_url, "zwei") == ["id"]
    database.execute(postgres_url, "DELETE FROM one.alembic_version")
    failed = project.gitmig("rollback", "-y", check=1)
    assert failed.stderr.startswith("Error: the database is at base: there is nothing to roll back")
    database.execute(postgres_url, "DROP TABLE zwei.alembic_version")
    database.execute(postgres_url, f"INSERT INTO one.alembic_version VALUES ('{project_heads(answer)[0]}')")
    assert "Error: 3 of 3 applied, then: " in project.gitmig("rollback", "-y", check=1).stderr


def project_heads(answer: dict[str, Any]) -> list[str]:
    heads: list[str] = answer["checkout"]["heads"]
    return heads
