"""Several metadata in one list."""

from alembic import context
from sqlalchemy import create_engine

from shop.models import Base, Reporting

URL = context.config.get_main_option("sqlalchemy.url", "")
METADATA = [Base.metadata, Reporting.metadata]

if context.is_offline_mode():
    context.configure(url=URL, target_metadata=METADATA, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL).connect() as connection:
        context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
