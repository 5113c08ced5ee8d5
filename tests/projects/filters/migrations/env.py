"""Leaves views to somebody else."""

from alembic import context
from sqlalchemy import create_engine

from shop.models import Base

URL = context.config.get_main_option("sqlalchemy.url", "")


def include_object(item: object, name: str | None, kind: str, reflected: bool, other: object) -> bool:
    """Views are mapped as tables and are none."""
    return not (kind == "table" and (name or "").startswith("view_"))


if context.is_offline_mode():
    context.configure(
        url=URL, target_metadata=Base.metadata, include_object=include_object, literal_binds=True
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=include_object,
            render_as_batch=True,
        )
        with context.begin_transaction():
            context.run_migrations()
