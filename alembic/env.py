"""Runs the example's migrations against the database that the application itself uses."""

from logging.config import fileConfig

from alembic import context
from sqlalchemy import create_engine, pool

# Importing the models is what fills Base.metadata.
import app.models  # noqa: F401
from app.database import CONNECTION_STR, Base

config = context.config
if config.config_file_name is not None:
    fileConfig(config.config_file_name)

target_metadata = Base.metadata


def run_migrations_offline() -> None:
    """Write the statements instead of running them (``alembic upgrade --sql``)."""
    context.configure(
        url=CONNECTION_STR,
        target_metadata=target_metadata,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
        render_as_batch=CONNECTION_STR.startswith("sqlite"),
    )
    with context.begin_transaction():
        context.run_migrations()


def run_migrations_online() -> None:
    """Run the migrations on a connection of their own."""
    engine = create_engine(CONNECTION_STR, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=target_metadata,
            # SQLite cannot alter most of a table in place.
            render_as_batch=connection.dialect.name == "sqlite",
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_migrations_offline()
else:
    run_migrations_online()
