"""The names that PostgreSQL made out of a table's or a column's old name: they follow the new one.

The database leaves them as they are. Then what later revisions call a constraint without a name, or the
sequence of a column, would not be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import PrimaryKeyConstraint, UniqueConstraint

from .code import WrittenOp, execute
from .naming import given_name, implied, implied_name
from .objects import split
from .renames import Rename

if TYPE_CHECKING:
    from .writer import Writer


def rename_implied(writer: Writer, tables: Mapping[str, str], renames: Sequence[Rename]) -> None:
    """Write the new names of all that stays in renamed tables, and in tables with renamed columns."""
    before = {new: split(old)[1] for old, new in tables.items()}
    for key in sorted({*tables.values(), *(table for table, _, _ in renames)}):
        columns = {new: old for table, old, new in renames if table == key}
        _Names(writer, key, before.get(key, split(key)[1]), columns).write()


class _Names:
    """Those of one table: its old name, and the old names of columns by the new ones."""

    def __init__(self, writer: Writer, key: str, table: str, columns: Mapping[str, str]):
        self._writer = writer
        self._key = key
        self._table = table
        self._columns = columns

    def write(self) -> None:
        """In the order of the names."""
        renamed = self._writer.steps.of(self._key).renamed
        for word, old, new in sorted({*self._constraints(), *self._sequence()}):
            if old == new:
                continue
            up, down = self._renaming(word, old, new), self._renaming(word, new, old)
            renamed.append(WrittenOp(execute(up), execute(down)))

    def _renaming(self, word: str, old: str, new: str) -> str:
        quoted, schema = self._writer.models.quoted_name, split(self._key)[0]
        if not word:
            table = self._writer.models.quoted(self._key)
            return f"ALTER TABLE {table} RENAME CONSTRAINT {quoted(old)} TO {quoted(new)}"
        # One that somebody has given another name is left alone, where the database can be asked so.
        prefix = f"{quoted(schema)}." if schema else ""
        return f"ALTER {word} IF EXISTS {prefix}{quoted(old)} RENAME TO {quoted(new)}"

    def _constraints(self) -> Iterator[tuple[str, str, str]]:
        for part, item in self._writer.models.parts_of(self._key).items():
            if part[0] == "index" or isinstance(item.name, str) or part in self._writer.changes.all:
                continue
            indexed = isinstance(item, PrimaryKeyConstraint | UniqueConstraint)
            new = given_name(item, "postgresql") or ""
            yield "INDEX" if indexed else "", implied_name(item, self._table, self._columns), new

    def _sequence(self) -> Iterator[tuple[str, str, str]]:
        table: Any = self._writer.models.table(self._key)
        column = table.autoincrement_column
        if column is None or "SERIAL" not in self._writer.models.column_ddl(column).upper():
            return
        name, change = str(column.name), self._writer.changes.all.get(("column", self._key, str(column.name)))
        if change is None or change[0] is not None or name in self._columns:
            old = implied(self._table, self._columns.get(name, name), "seq")
            yield "SEQUENCE", old, implied(str(table.name), name, "seq")
