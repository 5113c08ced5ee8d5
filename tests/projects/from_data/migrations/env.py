"""Nothing special: the models are made from a data file."""

from alembic import context
from sqlalchemy import create_engine

from shop.models import Base

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
