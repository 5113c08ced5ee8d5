"""What SQLite's catalog does not tell of a table when it is rebuilt, as code."""

from __future__ import annotations

import re
from typing import Any

from alembic.autogenerate.render import _render_column, _render_constraint, _repr_type, render_op
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Table,
    UniqueConstraint,
)

from .code import Spelling
from .items import Items
from .making import Maker, target_of


def rebuild_facts(table: Table, context: Any, items: Items, maker: Maker) -> dict[str, Any]:
    """What a rebuild must know.

    ``checks`` without a name, the primary ``key`` if it has none (empty if it has one, None if there is no
    key), ``collated`` columns with their types, ``computed`` ones as a whole, ``kwargs`` of the table, the
    ``unnamed`` constraints by their kind and code, and the whole ``table`` without all of those.
    """
    context.imports = set()
    column_checks = [item for column in table.columns for item in column.constraints]
    checks = [
        code
        for item in (*table.constraints, *column_checks)
        if isinstance(item, CheckConstraint) and not isinstance(item.name, str)
        if (code := items("check", item, context))
    ]
    codes = (
        (type(item).__name__, _unnamed_code(item, context))
        for item in table.constraints
        if isinstance(item, UniqueConstraint | ForeignKeyConstraint) and not isinstance(item.name, str)
    )
    unnamed = {f"{kind} {code}": code for kind, code in codes}
    collated = {
        str(column.name): str(_repr_type(column.type, context))
        for column in table.columns
        if getattr(column.type, "collation", None)
    }
    computed = {
        str(column.name): str(_render_column(column, context)) for column in table.columns if column.computed
    }
    return {
        "key": _key(table, context),
        "computed": computed,
        "checks": sorted(map(str, checks)),
        "unnamed": unnamed,
        "collated": collated,
        "kwargs": {key: value for key, value in table.dialect_kwargs.items() if key.startswith("sqlite_")},
        "table": _spelled_out(table, context, items, maker),
        "imports": sorted(context.imports),
    }


def _unnamed_code(item: UniqueConstraint | ForeignKeyConstraint, context: Any) -> str:
    if isinstance(item, UniqueConstraint):
        return str(_render_constraint(item, context, item.table.metadata))
    # Alembic writes what the models say as text, which has a table's old name if it is renamed.
    schema, table, names = target_of(item)
    targets = [".".join(filter(None, (schema, table, name))) for name in names]
    options = "".join(
        f", {option}={value!r}"
        for option in ("ondelete", "onupdate", "deferrable", "initially", "match")
        if (value := getattr(item, option)) is not None
    )
    columns = [str(column.name) for column in item.columns]
    return f"{Spelling.of(context).sa}ForeignKeyConstraint({columns!r}, {targets!r}{options})"


def _key(table: Table, context: Any) -> str | None:
    key = table.primary_key
    if not len(key.columns):
        return None
    return "" if isinstance(key.name, str) else str(_render_constraint(key, context, table.metadata))


def _spelled_out(table: Table, context: Any, items: Items, maker: Maker) -> str:
    """The table with what has a name: the rest is said again in each rebuild."""
    made: Any = maker.table(table, set())
    made.columns = [
        item
        for item in made.columns
        if isinstance(item, Column) or isinstance(getattr(item, "name", None), str)
    ]
    # Else Alembic says by itself what has no name.
    if not isinstance(table.primary_key.name, str):
        for item in made.columns:
            item.primary_key = False
    made.comment = None
    items.named_checks_alone = True
    (code,) = render_op(context, made)
    items.named_checks_alone = False
    sa = Spelling.of(context).sa
    arguments = _arguments(code).replace("\n", " ")
    name, _, rest = arguments.partition(",")
    return f"{sa}Table({name}, {sa}MetaData(),{rest})"


def _arguments(code: str) -> str:
    """``op.create_table('user', …)`` as the arguments of a table."""
    return re.sub(r"^\S*?create_table\(", "", code).rstrip().removesuffix(")").rstrip()
