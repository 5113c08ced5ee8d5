"""What autogenerate is blind to, or did not find in this database: operations written out of the facets.

What no operation expresses becomes an open line, for a person to write.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column

from .columns import alteration, aspects
from .enums import identifier
from .facets import table_key
from .objects import DatabaseObjects, Key, ModelObjects, condition, split
from .operations import Changes
from .render import Lines, OpenOp, WrittenOp, call, execute


class Writer:
    """Adds to ``upgrade`` what covers the open changes, each beside the other operations of its table."""

    def __init__(
        self,
        upgrade: list[ops.MigrateOperation],
        changes: Changes,
        models: ModelObjects,
        database: DatabaseObjects,
        dialect: str,
    ):
        self._upgrade = upgrade
        self._changes = changes
        self._models = models
        self._database = database
        self._dialect = dialect
        self.uncovered: list[Key] = []

    def write(self) -> None:
        """Cover every open change, or leave an open line for it."""
        for key in sorted(self._changes.open, key=_order):
            if key not in self._changes.open:
                continue
            before, after = self._changes.open[key]
            writer: Callable[[Key, str | None, str | None], bool] = getattr(
                self, f"_{key[0].replace(' ', '_')}", self._never
            )
            if writer(key, before, after):
                self._changes.cover(key)
        for key, (before, after) in sorted(self._changes.open.items(), key=lambda item: _order(item[0])):
            self._upgrade.append(OpenOp(described(key, before, after)))
            self.uncovered.append(key)

    def _never(self, key: Key, before: str | None, after: str | None) -> bool:
        return False

    def _schema(self, key: Key, before: str | None, after: str | None) -> bool:
        create = execute((after or before or "").replace("CREATE SCHEMA ", "CREATE SCHEMA IF NOT EXISTS ", 1))
        name = (after or before or "").rpartition(" ")[2]
        return self._pair(before, after, create, execute(f"DROP SCHEMA {name}"))

    def _sequence(self, key: Key, before: str | None, after: str | None) -> bool:
        match = re.match(r"CREATE SEQUENCE (\S+)", after or before or "")
        return match is not None and self._pair(
            before, after, execute(after or before or ""), execute(f"DROP SEQUENCE {match.group(1)}")
        )

    def _pair(self, before: str | None, after: str | None, create: Lines, drop: Lines) -> bool:
        """Something outside of tables: made first, dropped last."""
        if before is not None and after is not None:
            return False
        if after is not None:
            self._upgrade.insert(0, WrittenOp(create, drop))
        else:
            self._upgrade.append(WrittenOp(drop, create))
        return True

    def _table(self, key: Key, before: str | None, after: str | None) -> bool:
        table = self._models.table(key[1]) if before is None else self._database.table(key[1])
        if table is None or (before is not None and after is not None):
            return False
        if before is None:
            # In front of an index that Alembic found missing, where the database has the table already.
            position = next(iter(self._containers(key[1])), len(self._upgrade))
            self._upgrade.insert(position, ops.CreateTableOp.from_table(table))
            for index in table.indexes:
                found = ("index", key[1], str(index.name))
                if found in self._changes.open:
                    self._in_table(key[1]).append(ops.CreateIndexOp.from_index(index))
        else:
            self._upgrade.append(ops.DropTableOp.from_table(table))
        self._changes.cover_table(key[1], created=before is None)
        return True

    def _column(self, key: Key, before: str | None, after: str | None) -> bool:
        _, table, name = key
        schema, plain = split(table)
        if before is None:
            new = self._models.column(table, name)
            if new is None:
                return False
            self._in_table(table).append(ops.AddColumnOp.from_column_and_tablename(schema, plain, new))
            self._changes.cover(("comment", table, name))
            return True
        if after is None:
            old = self._database.column(table, name)
            if old is None:
                return False
            self._in_table(table).append(ops.DropColumnOp.from_column_and_tablename(schema, plain, old))
            self._changes.cover(("comment", table, name))
            return True
        return self.alter(table, name, name, before, after)

    def alter(self, table: str, old_name: str, name: str, before: str, after: str) -> bool:
        """Write what differs in a column that stays, its comment included."""
        column = self._models.column(table, name)
        if column is None:
            return False
        existing = self._database.column(table, old_name)
        operation, impossible = alteration(column, before, after, existing)
        identity = self._identity(column, before, after) if "generated" in impossible else None
        if impossible - ({"generated"} if identity else set()):
            return False
        if identity is not None:
            self._in_table(table).append(identity)
        self._add_comment(operation, column, existing)
        if operation.has_changes():
            self._in_table(table).append(operation)
        return True

    def _identity(self, column: Column[Any], before: str, after: str) -> WrittenOp | None:
        """PostgreSQL's identity, made or taken away; Alembic renders it one way only."""
        old, new = aspects(before).get("generated"), aspects(after).get("generated")
        if self._dialect != "postgresql" or any(
            "IDENTITY" not in text for text in (old, new) if text is not None
        ):
            return None
        name = (
            column.table.name if column.table.schema is None else f"{column.table.schema}.{column.table.name}"
        )
        start = f"ALTER TABLE {identifier(name)} ALTER COLUMN {identifier(str(column.name))}"
        drop = f"{start} DROP IDENTITY"
        if old is None or new is None:
            made = execute(f"{start} ADD {new or old}")
            return WrittenOp(made, execute(drop)) if old is None else WrittenOp(execute(drop), made)
        return None

    def _add_comment(
        self, operation: ops.AlterColumnOp, column: Column[Any], existing: Column[Any] | None
    ) -> None:
        key = ("comment", table_key(column.table), str(column.name))
        if key in self._changes.open:
            operation.modify_comment = column.comment
            operation.existing_comment = existing.comment if existing is not None else None
            self._changes.cover(key)

    def _comment(self, key: Key, before: str | None, after: str | None) -> bool:
        _, table, name = key
        if name.startswith("constraint "):
            return self._constraint_comment(table, before, after)
        found = self._models.table(table)
        old = self._database.table(table)
        if found is None:
            return False
        if not name:
            existing = old.comment if old is not None else None
            schema, plain = split(table)
            operation: ops.MigrateOperation
            if after is None:
                operation = ops.DropTableCommentOp(plain, schema=schema, existing_comment=existing)
            else:
                operation = ops.CreateTableCommentOp(
                    plain, found.comment, schema=schema, existing_comment=existing
                )
            self._in_table(table).append(operation)
            return True
        return self.alter(table, name, name, "", "")

    def _constraint_comment(self, table: str, before: str | None, after: str | None) -> bool:
        text = after or before or ""
        head, sign, _ = text.partition(" IS ")
        if "\\n" in text or not sign:
            return False
        none = f"{head} IS NULL"
        self._in_table(table).append(WrittenOp(execute(after or none), execute(before or none)))
        return True

    def _index(self, key: Key, before: str | None, after: str | None) -> bool:
        _, table, name = key
        new = self._models.part(key) if after is not None else None
        if after is not None and new is None:
            return False
        schema, plain = split(table)
        if before is not None:
            old = self._database.index(table, name)
            if old is not None:
                self._in_table(table).append(ops.DropIndexOp.from_index(old))
            elif "\\n" not in before:
                drop = call("drop_index", table=plain, schema=schema, first=repr(name))
                self._in_table(table).append(WrittenOp(drop, execute(before)))
            else:
                return False
        if new is not None:
            self._in_table(table).append(ops.CreateIndexOp.from_index(new))
        return True

    def _unique(self, key: Key, before: str | None, after: str | None) -> bool:
        return self._replaced(key, before, after)

    def _foreign_key(self, key: Key, before: str | None, after: str | None) -> bool:
        return self._replaced(key, before, after)

    def _replaced(self, key: Key, before: str | None, after: str | None) -> bool:
        """A constraint that is dropped, created, or both, by the objects of either side."""
        new = self._models.part(key) if after is not None else None
        old = self._database.constraint(key) if before is not None else None
        if (after is not None and new is None) or (before is not None and (old is None or old.name is None)):
            return False
        if old is not None:
            self._in_table(key[1]).append(ops.DropConstraintOp.from_constraint(old))
        if new is not None:
            self._in_table(key[1]).append(ops.AddConstraintOp.from_constraint(new))
        return True

    def _primary_key(self, key: Key, before: str | None, after: str | None) -> bool:
        _, table, _ = key
        old, new = self._database.table(table), self._models.table(table)
        name = self._database.primary_key_name(table)
        if before is not None and (old is None or (name is None and self._dialect != "mysql")):
            return False
        if after is not None and new is None:
            return False
        schema, plain = split(table)
        old_columns = [column.name for column in old.primary_key.columns] if old is not None else []
        new_columns = [str(column.name) for column in new.primary_key.columns] if new is not None else []
        old_name, new_name = (
            name or f"{plain}_pkey",
            (new.primary_key.name if new is not None else None) or name,
        )
        steps = self._in_table(table)
        if before is not None:
            drop = call(
                "drop_constraint", "type_='primary'", table=plain, schema=schema, first=repr(str(old_name))
            )
            steps.append(WrittenOp(drop, _create_key(old_name, plain, schema, old_columns), rebuilds=True))
        if after is not None:
            made = str(new_name or f"{plain}_pkey")
            drop = call("drop_constraint", "type_='primary'", table=plain, schema=schema, first=repr(made))
            steps.append(WrittenOp(_create_key(made, plain, schema, new_columns), drop, rebuilds=True))
        return True

    def _check(self, key: Key, before: str | None, after: str | None) -> bool:
        _, table, name = key
        if any(
            text is not None and ("\\n" in text or "CHECK" not in text.upper()) for text in (before, after)
        ):
            return False  # EXCLUDE, or text that one line does not hold
        old_name = self._database.check_name(table, name, before) if before is not None else None
        if before is not None and old_name is None:
            return False
        if after is not None and self._into_created_table(key):
            return True
        new_name = (
            name
            if after is None or f"CONSTRAINT {name}" in after.replace('"', "")
            else check_name(table, after)
        )
        if before is not None and old_name is not None:
            drop, create = check_lines(old_name, table, before)
            self._in_table(table).append(WrittenOp(drop, create, rebuilds=True))
        if after is not None:
            drop, create = check_lines(new_name, table, after)
            self._in_table(table).append(WrittenOp(create, drop, rebuilds=True))
        return True

    def _into_created_table(self, key: Key) -> bool:
        """A CHECK that was given to a column of a new table: Alembic leaves it out of create_table()."""
        item = self._models.part(key)
        for operation in self._upgrade:
            if isinstance(operation, ops.CreateTableOp) and item is not None:
                name = (
                    f"{operation.schema}.{operation.table_name}" if operation.schema else operation.table_name
                )
                if name == key[1]:
                    operation.columns = [*operation.columns, item._copy()]
                    return True
        return False

    def _in_table(self, table: str) -> list[ops.MigrateOperation]:
        """The operations of a table, so that they share one batch."""
        for position in reversed(self._containers(table)):
            found = self._upgrade[position]
            assert isinstance(found, ops.ModifyTableOps)
            return found.ops
        schema, name = split(table)
        made = ops.ModifyTableOps(name, [], schema=schema)
        self._upgrade.append(made)
        return made.ops

    def _containers(self, table: str) -> list[int]:
        return [
            position
            for position, operation in enumerate(self._upgrade)
            if isinstance(operation, ops.ModifyTableOps)
            and (operation.schema, operation.table_name) == split(table)
        ]


def described(key: Key, before: str | None, after: str | None) -> str:
    """``~ user.name VARCHAR(20) -> VARCHAR(30)``, on one line."""
    kind, table, name = key
    sign = "+" if before is None else "-" if after is None else "~"
    if kind == "column":
        label = f"{table}.{name}"
    elif kind == "comment":
        label = f"comment on {'.'.join(filter(None, (table, name)))}"
    else:
        label = " ".join(filter(None, (kind, name, f"of {table}" if table and name else table)))
    return " ".join(f"{sign} {label} {' -> '.join(text for text in (before, after) if text)}".split())


def check_name(table: str, sql: str) -> str:
    """A name for a CHECK that the models do not name: a constraint without one cannot be dropped again."""
    return f"ck_{split(table)[1]}_{hashlib.sha256(sql.encode()).hexdigest()[:6]}"


def check_lines(name: str, table: str, sql: str) -> tuple[Lines, Lines]:
    """What drops a CHECK and what makes it, out of ``CHECK (…)``."""
    schema, plain = split(table)
    drop = call("drop_constraint", "type_='check'", table=plain, schema=schema, first=repr(name))
    checked = re.sub(r"(?<![:\w\\]):(?=\w)", r"\\:", condition(sql))
    return drop, call("create_check_constraint", repr(checked), table=plain, schema=schema, first=repr(name))


def _create_key(name: Any, table: str, schema: str | None, columns: list[str]) -> Lines:
    return call("create_primary_key", repr(columns), table=table, schema=schema, first=repr(str(name)))


_ORDER = (
    "schema",
    "table",
    "column",
    "primary key",
    "foreign key",
    "unique",
    "check",
    "index",
    "sequence",
    "comment",
)


def _order(key: Key) -> tuple[int, Key]:
    return (_ORDER.index(key[0]) if key[0] in _ORDER else len(_ORDER), key)
