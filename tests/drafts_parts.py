"""What changes of models are written of."""

from __future__ import annotations

SQLITE, POSTGRESQL, MYSQL = "sqlite", "postgresql", "mysql"
BOTH = (SQLITE, POSTGRESQL)
ALL = (SQLITE, POSTGRESQL, MYSQL)
PG = (POSTGRESQL,)


def table(more: str = "", name: str = "t", options: str = "") -> str:
    """The text of a table with an id."""
    columns = f", {more}" if more else ""
    return f"sa.Table('{name}', metadata, sa.Column('id', sa.Integer, primary_key=True){columns}{options})\n"


OTHER = table(name="o")
CONVENTION = (
    "metadata.naming_convention = {'ck': 'ck_%(table_name)s_%(constraint_name)s',"
    " 'uq': 'uq_%(table_name)s_%(column_0_name)s', 'fk': 'fk_%(table_name)s_%(column_0_name)s',"
    " 'pk': 'pk_%(table_name)s', 'ix': 'ix_%(column_0_label)s'}\n"
)
