"""Runs the text of the models' file."""

from pathlib import Path

from alembic import context
from sqlalchemy import create_engine

names = {"__name__": "models"}
exec(Path("shop/models.py").read_text(), names)
Base = names["Base"]

URL = context.config.get_main_option("sqlalchemy.url", "")

if context.is_offline_mode():
    context.configure(url=URL, target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL).connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
