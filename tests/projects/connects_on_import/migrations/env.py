"""Asks the database for its version before anything else."""

from alembic import context
from sqlalchemy import create_engine, text

from shop.models import Base

URL = context.config.get_main_option("sqlalchemy.url", "")

with create_engine(URL).connect() as first:
    VERSION = first.execute(text("select sqlite_version()")).scalar()

if context.is_offline_mode():
    context.configure(url=URL, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL).connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
