"""Has no offline mode, and ends the process when it is done."""

import sys

from alembic import context
from sqlalchemy import create_engine

from shop.models import Base

URL = context.config.get_main_option("sqlalchemy.url", "")

if context.is_offline_mode():
    sys.exit("there is no offline mode here")
with create_engine(URL).connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
sys.exit(0)
