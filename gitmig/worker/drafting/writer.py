"""Writes the operations of a draft: each change once, in an order that a database takes.

What no operation expresses becomes an open line, for a person to write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from alembic.operations import ops

from ..schema.facets import table_key
from .changes import Changes
from .code import (
    NOTHING,
    Code,
    DropColumnOp,
    DropTableOp,
    OpenOp,
    WrittenOp,
    call,
    execute,
)
from .columns import aspects
from .constraints import Constraints
from .making import Maker
from .objects import Key, ModelObjects, split
from .parents import Parent, code_of
from .refilling import refill
from .steps import OneWay, Steps, TableSteps, Unnamed
from .words import comment_text, described, unfolded

_ORDER = (
    "schema",
    "enum",
    "sequence",
    "table",
    "column",
    "primary key",
    "foreign key",
    "unique",
    "check",
    "index",
    "comment",
)


class Writer(Constraints):
    """Covers the changes one by one."""

    def __init__(
        self,
        changes: Changes,
        models: ModelObjects,
        maker: Maker,
        parent: Parent,
        fills: Mapping[tuple[str, str], str],
    ):
        self.steps = Steps()
        self.uncovered: list[Key] = []
        self.unfilled: list[str] = []
        """The columns that need a value for the rows that are there."""
        self.warnings: list[str] = []
        self.reasons: dict[Key, str] = {}
        """Why something is left to a person."""
        self.dialect = models.dialect.name
        self.changes = changes
        self.models = models
        self.maker = maker
        self.parent = parent
        self.fills = fills

    def write(self) -> None:
        """Cover every open change, or leave an open line for it."""
        self._create_tables()
        self._drop_tables()
        for key in sorted(self.changes.open, key=self._place):
            if key not in self.changes.open:
                continue
            before, after = self.changes.open[key]
            writer: Callable[[Key, str | None, str | None], bool] = getattr(
                self, f"_{key[0].replace(' ', '_')}", self._never
            )
            if writer(key, before, after):
                self.changes.cover(key)
        for key, (before, after) in sorted(self.changes.open.items(), key=lambda item: _order(item[0])):
            reason = self.reasons.get(key)
            why = f" ({reason})" if reason else ""
            self.steps.last.append(OpenOp(f"{described(key, before, after)}{why}"))
            self.uncovered.append(key)

    def _place(self, key: Key) -> tuple[int, str, int, Key]:
        """Columns come in the order in which the models have them."""
        rank, _ = _order(key)
        column = self.models.column(key[1], key[2]) if key[0] == "column" else None
        place = 0 if column is None else list(column.table.columns).index(column)
        return rank, key[1], place, key

    def _never(self, key: Key, before: str | None, after: str | None) -> bool:
        return False

    # What belongs to no table.

    def _schema(self, key: Key, before: str | None, after: str | None) -> bool:
        create = execute((after or before or "").replace("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ", 1))
        name = (after or before or "").rpartition(" ")[2]
        # Others may keep tables of their own there: a schema goes only if it is empty.
        drop = execute(f"DROP SCHEMA {name}")
        if before is None:
            self.steps.schemas.append(WrittenOp(create, drop))
        else:
            self.steps.schemas_gone.append(WrittenOp(drop, create))
        return before is None or after is None

    def _sequence(self, key: Key, before: str | None, after: str | None) -> bool:
        match = re.match(r"CREATE SEQUENCE (\S+)", after or before or "")
        if match is None:
            return False
        if before is not None and after is not None:
            return self._altered_sequence(match.group(1), before, after)
        return self._pair(
            before, after, execute(after or before or ""), execute(f"DROP SEQUENCE {match.group(1)}")
        )

    def _altered_sequence(self, name: str, before: str, after: str) -> bool:
        def altered(text: str, other: str) -> Code:
            options = text.partition(name)[2].strip()
            # What is no longer said goes back to its default.
            for word, default in _SEQUENCE.items():
                if word in other and word not in options:
                    options = f"{options} {default}"
            return execute(f"ALTER SEQUENCE {name} {options.strip()}")

        self.steps.first.append(WrittenOp(altered(after, before), altered(before, after)))
        return True

    def _pair(self, before: str | None, after: str | None, create: Code, drop: Code) -> bool:
        """Something outside of tables: made first, dropped last."""
        if before is not None and after is not None:
            return False
        if after is not None:
            self.steps.first.append(WrittenOp(create, drop))
        else:
            self.steps.last.insert(0, WrittenOp(drop, create))
        return True

    # Tables as a whole.

    def _create_tables(self) -> None:
        found = [(key, self.models.table(key)) for key in self.changes.tables(created=True)]
        order, apart = self.maker.ordered(table for _, table in found if table is not None)
        for table in order:
            self.steps.created.append(self.maker.table(table, apart))
            key = table_key(table)
            self.steps.created += self._after_table(table, key)
            self.changes.cover_table(key, created=True)
        for constraint in sorted(apart, key=lambda item: (str(item.table.key), str(item.name))):
            made = self.maker.constraint(constraint)
            if made is not None:
                self.steps.linked.append((table_key(constraint.table), made))

    def _after_table(self, table: Any, key: str) -> list[ops.MigrateOperation]:
        """What a table has that its own statement does not make."""
        made: list[ops.MigrateOperation] = []
        for constraint in sorted(table.constraints, key=lambda one: str(one.name)):
            if self.maker.is_of_its_own(constraint) and self.maker.exists(constraint):
                operation = self.maker.constraint(constraint)
                made += [operation] if operation is not None else []
        parts = self.models.parts_of(key)
        for part in sorted(parts, key=str):
            if part[0] == "index" and part in self.changes.open:
                made.append(self.maker.index(parts[part]))
        for comment, (_, after) in sorted(self.changes.open.items()):
            if comment[:2] == ("comment", key) and comment[2].startswith("constraint ") and after:
                made.append(WrittenOp(execute(after), NOTHING))
        return made

    def _table(self, key: Key, before: str | None, after: str | None) -> bool:
        """Options of a table: SQLite's come with a rebuild."""
        if self.dialect != "sqlite" or before is None or after is None:
            return False
        self.steps.of(key[1]).made.append(Unnamed(key[1]))
        return True

    def _drop_tables(self) -> None:
        for table, found in self.parent.apart:
            schema, plain = split(table)
            drop = call(
                "drop_constraint", "type_='foreignkey'", table=plain, schema=schema, first=found["name"]
            )
            self.steps.unlinked.append((table, WrittenOp(drop, code_of(found))))
        for key in reversed(self.parent.order):
            schema, plain = split(key)
            operation = DropTableOp(plain, schema=schema)
            operation.back = self.parent.code(("table", key, "")) or NOTHING
            self.steps.dropped.append(operation)
            self.changes.cover_table(key, created=False)

    # Columns.

    def _column(self, key: Key, before: str | None, after: str | None) -> bool:
        _, table, name = key
        if before is None and after is not None:
            return self._add_column(table, name, after)
        if after is None:
            return self._drop_column(table, name, before or "")
        assert before is not None
        return self.alter(table, name, name, before, after)

    def _add_column(self, table: str, name: str, after: str) -> bool:
        column = self.models.column(table, name)
        if column is None:
            return False
        schema, plain = split(table)
        copied = self.maker.column_of(column)
        steps = self.steps.of(table)
        fill = self.fills.get((table, name))
        if self.needs_fill(after) and fill is None:
            self.unfilled.append(f"{table}.{name}")
        if fill is not None and not copied.nullable:
            copied.nullable = True
            steps.filled += self._filled(table, name, fill, steps, copied)
        else:
            steps.added.append(ops.AddColumnOp(plain, copied, schema=schema))
        self.changes.cover(("comment", table, name))
        return True

    @staticmethod
    def needs_fill(after: str) -> bool:
        """Whether a new column of rows that are there has no value for them."""
        parts = aspects(after)
        counted = "SERIAL" in parts.get("type", "").upper() or "AUTO_INCREMENT" in after.upper()
        return "null" in parts and "default" not in parts and "generated" not in parts and not counted

    def fill(self, table: str, name: str, value: str, *, only_nulls: bool = True) -> list[WrittenOp]:
        """Give the rows that are there a value; there is no way back."""
        target = self.models.quoted_name(name)
        where = f" WHERE {target} IS NULL" if only_nulls else ""
        update = f"UPDATE {self.models.quoted(table)} SET {target} = {value}{where}"
        return [WrittenOp(execute(update), NOTHING)]

    def _filled(
        self, table: str, name: str, fill: str, steps: TableSteps, column: Any
    ) -> list[ops.MigrateOperation]:
        """Add it, fill it; that it may not be NULL comes with the rest."""
        schema, plain = split(table)
        now = self.models.column(table, name)
        assert now is not None
        strict = ops.AlterColumnOp(
            plain, name, schema=schema, existing_type=now.type, existing_nullable=True, modify_nullable=False
        )
        steps.altered.append(OneWay(strict))
        update = self.fill(table, name, fill, only_nulls=False)
        return [ops.AddColumnOp(plain, column, schema=schema), *update]

    def _drop_column(self, table: str, name: str, before: str) -> bool:
        back = self.parent.code(("column", table, name))
        if back is None:
            return False
        schema, plain = split(table)
        operation = DropColumnOp(plain, name, schema=schema)
        operation.back = back
        operation.rebuilds = not _is_added_plainly(before)
        if self.needs_fill(before):
            refill(self, operation, table)
        self.steps.of(table).dropped.append(operation)
        self.changes.cover(("comment", table, name))
        return True

    def alter(self, table: str, old_name: str, name: str, before: str, after: str) -> bool:
        """Write what differs in a column that stays, its comment included."""
        from .altering import alter_column

        return alter_column(self, table, old_name, name, before, after)

    def _comment(self, key: Key, before: str | None, after: str | None) -> bool:
        _, table, name = key
        if name.startswith("constraint "):
            return self._constraint_comment(key, before, after)
        found = self.models.table(table)
        if found is None:
            return False
        if name:
            return self.alter(table, name, name, "", "")
        schema, plain = split(table)
        old = comment_text(before)
        operation: ops.MigrateOperation
        if after is None:
            operation = ops.DropTableCommentOp(plain, schema=schema, existing_comment=old)
        else:
            operation = ops.CreateTableCommentOp(plain, found.comment, schema=schema, existing_comment=old)
        self.steps.of(table).made.append(operation)
        return True

    def _constraint_comment(self, key: Key, before: str | None, after: str | None) -> bool:
        table, name = key[1], key[2].removeprefix("constraint ")
        if after is None and any(
            other[1:] == (table, name) and change[1] is None for other, change in self.changes.all.items()
        ):
            return True  # it goes with its constraint
        head, sign, _ = (after or before or "").partition(" IS ")
        if not sign:
            return False
        none = f"{head} IS NULL"
        up, down = (execute(unfolded(text) if text else none) for text in (after, before))
        self.steps.linked.append((table, WrittenOp(up, down)))
        return True


_CONSTANT = re.compile(r"'(?:[^']|'')*'|[-+]?[\d.]+|NULL|TRUE|FALSE", re.IGNORECASE)
_SEQUENCE = {
    "INCREMENT BY": "INCREMENT BY 1",
    "MINVALUE": "NO MINVALUE",
    "MAXVALUE": "NO MAXVALUE",
    "CACHE": "CACHE 1",
    "CYCLE": "NO CYCLE",
}


def _is_added_plainly(ddl: str) -> bool:
    """Whether SQLite's ADD COLUMN makes such a column."""
    parts = aspects(ddl)
    default = parts.get("default")
    constant = default is not None and _CONSTANT.fullmatch(default) is not None
    return "generated" not in parts and (constant or (default is None and "null" not in parts))


def _order(key: Key) -> tuple[int, Key]:
    return (_ORDER.index(key[0]) if key[0] in _ORDER else len(_ORDER), key)
