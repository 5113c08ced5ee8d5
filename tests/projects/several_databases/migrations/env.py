"""One history for two databases, as Alembic's template `multidb`."""

from alembic import context
from sqlalchemy import create_engine

from shop.models import Archive, Base

NAMES = context.config.get_main_option("databases", "").split(", ")
METADATA = {"shop": Base.metadata, "archive": Archive.metadata}

for name in NAMES:
    url = context.config.get_section_option(name, "sqlalchemy.url") or ""
    if context.is_offline_mode():
        context.configure(url=url, target_metadata=METADATA[name], literal_binds=True)
        with context.begin_transaction():
            context.run_migrations(engine_name=name)
        continue
    with create_engine(url).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=METADATA[name],
            upgrade_token=f"{name}_upgrades",
            downgrade_token=f"{name}_downgrades",
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations(engine_name=name)
