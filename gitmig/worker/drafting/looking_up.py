"""Whether a database has what a difference says: each line looked up, if nothing can be proven.

That is less than a proof: the text of a CHECK or of a default is not compared, only that there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect
from sqlalchemy.exc import NoSuchTableError, SQLAlchemyError

from .columns import aspects
from .enums import labels
from .objects import ModelObjects, split
from .words import comment_text, described

Row = Sequence[Any]
"""kind, table, name, before, after."""


def missing_lines(
    context: MigrationContext, difference: Sequence[Row], engine: str | None, known: list[frozenset[int]]
) -> list[str]:
    """The lines of a difference, in words, that the database does not have, of those that are its own.

    ``engine`` is what env.py calls the database. ``known`` is the metadata of the databases that were looked
    into before, in their order; this one's is added.
    """
    from .draft import rows_of

    target = context.opts.get("target_metadata") or ()
    several = target if isinstance(target, (list, tuple)) else [target]
    key = frozenset(map(id, several))
    if key not in known:
        known.append(key)
    number = known.index(key)
    rows = rows_of(difference, engine or str(number), first=number == 0)
    return not_there(context, ModelObjects(several, context.dialect), rows)


def not_there(context: MigrationContext, models: ModelObjects, rows: Iterable[Row]) -> list[str]:
    """The lines that the database does not bear out, in words."""
    looking = _Looking(context, models)
    return [described((row[0], row[1], row[2]), row[3], row[4]) for row in rows if not looking.bears_out(row)]


class _Looking:
    """One look at a database, in the middle of its transaction."""

    def __init__(self, context: MigrationContext, models: ModelObjects):
        assert context.connection is not None
        self._context = context
        self._models = models
        self._inspector: Any = inspect(context.connection)
        self._columns: dict[str, dict[str, Any]] = {}

    def bears_out(self, row: Row) -> bool:
        """Whether the database has what the row says, as far as reflection tells."""
        kind, table, name, _, after = row
        look: Callable[[str, str, str | None], bool | None] = getattr(
            self, f"_{kind.replace(' ', '_')}", self._unknown
        )
        try:
            found = look(table, name, after)
        except NoSuchTableError:
            return after is None
        except (SQLAlchemyError, NotImplementedError):
            return True  # this database cannot tell
        return True if found is None else found

    def _unknown(self, table: str, name: str, after: str | None) -> bool | None:
        return None

    def _schema(self, table: str, name: str, after: str | None) -> bool:
        return (name in self._inspector.get_schema_names()) == (after is not None)

    def _sequence(self, table: str, name: str, after: str | None) -> bool:
        schema, plain = split(name)
        return bool(self._inspector.has_sequence(plain, schema=schema)) == (after is not None)

    def _enum(self, table: str, name: str, after: str | None) -> bool | None:
        if after is not None and " AS ENUM" not in after:
            return None
        schema, plain = split(name)
        found = [one["labels"] for one in self._inspector.get_enums(schema=schema) if one["name"] == plain]
        return found == ([] if after is None else [labels(after)])

    def _table(self, table: str, name: str, after: str | None) -> bool:
        schema, plain = split(table)
        return bool(self._inspector.has_table(plain, schema=schema)) == (after is not None)

    def _column(self, table: str, name: str, after: str | None) -> bool:
        found = self._of(table).get(name)
        if found is None or after is None:
            return found is None and after is None
        parts = aspects(after)
        has_default = found.get("default") is not None or bool(found.get("computed") or found.get("identity"))
        wanted = self._models.column(table, name)
        if ("null" in parts) == found["nullable"] and "SERIAL" not in after.upper():
            return False
        if ("default" in parts) and not has_default:
            return False
        compared = self._context.opts.get("compare_type", True) is not False
        return wanted is None or not compared or not self._has_other_type(found, wanted)

    def _has_other_type(self, found: Any, wanted: Any) -> bool:
        from sqlalchemy import Column

        return bool(self._context.impl.compare_type(Column(found["name"], found["type"]), wanted))

    def _of(self, table: str) -> dict[str, Any]:
        if table not in self._columns:
            schema, plain = split(table)
            columns = self._inspector.get_columns(plain, schema=schema)
            self._columns[table] = {column["name"]: column for column in columns}
        return self._columns[table]

    def _index(self, table: str, name: str, after: str | None) -> bool:
        schema, plain = split(table)
        found = {one["name"] for one in self._inspector.get_indexes(plain, schema=schema)}
        return (name in found) == (after is not None)

    def _unique(self, table: str, name: str, after: str | None) -> bool:
        schema, plain = split(table)
        found = self._inspector.get_unique_constraints(plain, schema=schema)
        return _among(found, "column_names", name) == (after is not None)

    def _foreign_key(self, table: str, name: str, after: str | None) -> bool:
        schema, plain = split(table)
        found = self._inspector.get_foreign_keys(plain, schema=schema)
        return _among(found, "constrained_columns", name) == (after is not None)

    def _primary_key(self, table: str, name: str, after: str | None) -> bool | None:
        schema, plain = split(table)
        columns = self._inspector.get_pk_constraint(plain, schema=schema)["constrained_columns"]
        match = re.search(r"PRIMARY KEY \((.*)\)", after or "")
        if match is None:
            return None
        wanted = [part.strip(' "`') for part in match.group(1).split(",")]
        return sorted(columns) == sorted(wanted)

    def _check(self, table: str, name: str, after: str | None) -> bool | None:
        schema, plain = split(table)
        found = {one["name"] for one in self._inspector.get_check_constraints(plain, schema=schema)}
        if after is not None and not after.startswith("CONSTRAINT "):
            return bool(found)
        return (name in found) == (after is not None)

    def _comment(self, table: str, name: str, after: str | None) -> bool | None:
        if name.startswith("constraint "):
            return None
        schema, plain = split(table)
        found = (
            (self._of(table).get(name) or {}).get("comment")
            if name
            else self._inspector.get_table_comment(plain, schema=schema)["text"]
        )
        return (found or None) == comment_text(after)


def _among(found: Iterable[Any], columns: str, name: str) -> bool:
    return any(name in (one["name"], ",".join(one[columns])) for one in found)
