"""A column that stays and changes: its type, default, NOT NULL, identity, comment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from alembic.operations import ops
from sqlalchemy import CheckConstraint, Column, DefaultClause, text

from .code import Code, DropColumnOp, WrittenOp, escaped_colons, execute, together
from .columns import Aspects, aspects, differing, is_text, same_family, shrinks
from .items import OldType
from .naming import implied
from .objects import Key, split
from .steps import OneWay, TableSteps, Unnamed
from .words import comment_text, unfolded

if TYPE_CHECKING:
    from .writer import Writer


def alter_column(writer: Writer, table: str, old_name: str, name: str, before: str, after: str) -> bool:
    """Write what makes ``before`` into ``after``; False if no operation does. A new name is given already."""
    column = writer.models.column(table, name)
    if column is None:
        return False
    return _Altering(writer, table, old_name, column, before, after).write()


class _Altering:
    """One column."""

    def __init__(
        self, writer: Writer, table: str, old_name: str, column: Column[Any], before: str, after: str
    ):
        self._writer = writer
        self._table = table
        self._key: Key = ("column", table, old_name)
        self._old_name = old_name
        self._column = column
        self._name = str(column.name)
        self._before, self._after = before, after
        self._old, self._new = aspects(before), aspects(after)
        self._changed = differing(before, after)
        self._comment: Key = ("comment", table, self._name)

    @property
    def _steps(self) -> TableSteps:
        return self._writer.steps.of(self._table)

    def write(self) -> bool:
        """All that differs."""
        if not self._fill():
            return True  # said already: it needs a value
        self._warn()
        if self._writer.dialect in ("mysql", "mariadb"):
            return self._modify()
        if "rest" in self._changed:
            if self._writer.dialect != "sqlite":
                return False
            self._steps.made.append(Unnamed(self._table))
        # A sequence of its own goes before an identity comes, and comes after one is gone.
        serial = self._is_serial(self._old) and self._serial()
        if not self._generated() or not (serial or self._serial()):
            return False
        operation = self._operation()
        if operation.has_changes():
            self._steps.altered.append(operation)
        return True

    def _fill(self) -> bool:
        if "null" not in self._changed or "generated" in self._new:
            return True
        fill = self._writer.fills.get((self._table, self._name))
        if "null" not in self._new:
            if fill is not None:  # NULLs that have come since are in the way of the downgrade
                (back,) = self._writer.fill(self._table, self._name, fill)
                self._steps.refilled.append(OneWay(None, back))
            return True
        if fill is None:
            self._writer.unfilled.append(f"{self._table}.{self._name}")
            return False
        self._steps.filled += self._writer.fill(self._table, self._name, fill)
        return True

    def _warn(self) -> None:
        old, new = _plain_type(self._old), _plain_type(self._new)
        if old != new and (not same_family(old, new) or shrinks(old, new)):
            self._writer.warnings.append(
                f"{self._table}.{self._name} {old} -> {new}: this fails if a value does not fit"
            )

    def _operation(self) -> ops.AlterColumnOp:
        schema, plain = split(self._table)
        operation = ops.AlterColumnOp(
            plain,
            self._name,
            schema=schema,
            existing_type=self._existing_type(),
            existing_nullable="null" not in self._old if self._before else self._column.nullable,
        )
        if "type" in self._changed:
            self._retype(operation)
        if "null" in self._changed and "generated" not in self._changed:
            operation.modify_nullable = "null" in self._old
        if "default" in self._changed and "default" not in self._done:
            operation.existing_server_default = old_default(self._old)
            operation.modify_server_default = self._column.server_default
        if self._comment in self._writer.changes.open:
            old = self._writer.changes.open[self._comment][0]
            operation.modify_comment = self._column.comment
            operation.existing_comment = comment_text(old)
            self._writer.changes.cover(self._comment)
        return operation

    @property
    def _done(self) -> set[str]:
        return {"default"} if self._needs_using() else set()

    def _needs_using(self) -> bool:
        old, new = self._old.get("type", ""), self._new.get("type", "")
        return self._writer.dialect == "postgresql" and "type" in self._changed and not same_family(old, new)

    def _retype(self, operation: ops.AlterColumnOp) -> None:
        if not self._needs_using():
            operation.modify_type = self._column.type
            return
        self._steps.altered.append(
            WrittenOp(self._cast(self._old, self._new), self._cast(self._new, self._old))
        )

    def _cast(self, old: Aspects, new: Aspects) -> Code:
        """PostgreSQL casts by itself only what loses nothing; a default would have to be cast as well."""
        start = self._start()
        name = self._writer.models.quoted_name(self._name)
        kind = new["type"].partition(" COLLATE ")[0]
        if is_text(kind):
            source = f"{name}::text"  # a cast to VARCHAR(9) would cut off what does not fit
        elif is_text(old["type"]) or _assigns(old["type"], kind):
            source = f"{name}::{kind}"
        else:
            source = f"{name}::text::{kind}"
        statements = [f"{start} DROP DEFAULT"] if "default" in old else []
        statements.append(f"{start} TYPE {new['type']} USING {source}")
        if "default" in new:
            statements.append(f"{start} SET DEFAULT {new['default']}")
        return together(map(execute, statements))

    def _start(self) -> str:
        models = self._writer.models
        return f"ALTER TABLE {models.quoted(self._table)} ALTER COLUMN {models.quoted_name(self._name)}"

    def _existing_type(self) -> Any:
        found = self._writer.parent.type_of(self._key)
        if found is None:
            return self._column.type
        return OldType(*found, self._old.get("type") or self._new.get("type") or "")

    # PostgreSQL's identity and serial, and columns that are computed.

    def _generated(self) -> bool:
        old, new = self._old.get("generated"), self._new.get("generated")
        if old == new:
            return True
        if any("IDENTITY" not in part for part in (old, new) if part is not None):
            return self._computed(old, new)
        if self._writer.dialect != "postgresql":
            return False
        self._steps.altered.append(WrittenOp(self._identity(old, new), self._identity(new, old)))
        return True

    def _identity(self, old: str | None, new: str | None) -> Code:
        start = self._start()
        if new is None:
            statements = [f"{start} DROP IDENTITY"]
            if "null" not in (self._old if new == self._old.get("generated") else self._new):
                statements.append(f"{start} DROP NOT NULL")
            return together(map(execute, statements))
        if old is None:
            made = (f"{start} SET NOT NULL", f"{start} ADD {new}", *self._beyond_the_rows(new))
            return together(map(execute, made))
        always = "ALWAYS" if new.upper().startswith("GENERATED ALWAYS") else "BY DEFAULT"
        words = [f"SET GENERATED {always}", *_identity_options(old, new)]
        return execute(f"{start} {' '.join(words)}")

    def _computed(self, old: str | None, new: str | None) -> bool:
        """What is computed holds nothing of its own: the column is made again."""
        if old is None or new is None:
            key: Key = ("column", self._table, self._name)
            self._writer.reasons[key] = (
                "no ALTER makes a column computed, or an ordinary one: drop it and add it, "
                "and say what becomes of its values"
            )
            return False
        back = self._writer.parent.code(self._key)
        if back is None:
            return False
        schema, plain = split(self._table)
        dropped = DropColumnOp(plain, self._old_name, schema=schema)
        dropped.back = back
        self._steps.without.append(dropped)
        copied = self._writer.maker.column_of(self._column)
        self._steps.added.append(ops.AddColumnOp(plain, copied, schema=schema))
        self._changed -= {"type", "null", "generated", "default"}
        return True

    @staticmethod
    def _is_serial(parts: Aspects) -> bool:
        return "SERIAL" in parts.get("type", "").upper()

    def _beyond_the_rows(self, identity: str) -> Iterator[str]:
        """An identity that counts up goes on after the values that are there."""
        models, start = self._writer.models, re.search(r"START WITH (\d+)", identity)
        if "INCREMENT BY -" in identity:
            return
        table, name = models.quoted(self._table), models.quoted_name(self._name)
        next_one = f"coalesce(max({name}), 0) + 1"
        if start is not None:
            next_one = f"greatest({next_one}, {start[1]})"
        sequence = f"pg_get_serial_sequence({models.literal(table)}, {models.literal(self._name)})"
        yield f"SELECT setval({sequence}, {next_one}, false) FROM {table}"

    def _serial(self) -> bool:
        """SERIAL is no type that ALTER knows: it is a sequence that the column owns."""
        was, now = self._is_serial(self._old), self._is_serial(self._new)
        if not was and not now:
            return True
        models, start = self._writer.models, self._start()
        schema, plain = split(self._table)
        sequence = implied(plain, self._name, "seq")
        full = models.quoted(f"{schema}.{sequence}" if schema else sequence)
        table, name = models.quoted(self._table), models.quoted_name(self._name)

        def made(type_: str) -> list[str]:
            return [
                f"CREATE SEQUENCE {full} AS {type_} OWNED BY {table}.{name}",
                f"SELECT setval({models.literal(full)}, coalesce(max({name}), 0) + 1, false) FROM {table}",
                f"{start} SET DEFAULT nextval({models.literal(full)})",
            ]

        gone = [f"{start} DROP DEFAULT", f"DROP SEQUENCE {full}"]
        old, new = _plain_type(self._old), _plain_type(self._new)
        up, down = ([f"{start} TYPE {new}"], [f"{start} TYPE {old}"]) if old != new else ([], [])
        if was and now:
            up, down = (
                [*lines, f"ALTER SEQUENCE {full} AS {type_}"] for lines, type_ in ((up, new), (down, old))
            )
        elif now:
            up, down = [*up, *made(new)], [*gone, *down]
        else:
            up, down = [*gone, *up], [*down, *made(old)]
        if was != now or old != new:
            self._steps.altered.append(WrittenOp(*(together(map(execute, lines)) for lines in (up, down))))
        self._changed -= {"type", "default"}
        return True

    # MariaDB and MySQL say a column as a whole.

    def _modify(self) -> bool:
        models, changes = self._writer.models, self._writer.changes
        if not self._changed and self._comment not in changes.open:
            return True
        old_comment = self._writer.parent.facts(self._key).get("comment")
        if self._comment in changes.open:
            old_comment = comment_text(changes.open[self._comment][0])
            changes.cover(self._comment)
        before = self._before or models.column_ddl(self._column)
        after = self._after or models.column_ddl(self._column)
        counts = ["AUTO_INCREMENT" in ddl.upper() for ddl in (before, after)]
        if counts[0] != counts[1] and ("primary key", self._table, "") in changes.all:
            self._writer.reasons[self._key] = "MariaDB wants AUTO_INCREMENT and its key in one ALTER TABLE"
            return False

        def modified(ddl: str, comment: str | None) -> Code:
            said = f" COMMENT {models.literal(comment)}" if comment else ""
            table, name = models.quoted(self._table), models.quoted_name(self._name)
            checks = [
                models.ddl(item) for item in self._column.constraints if isinstance(item, CheckConstraint)
            ]
            listed = "".join(f" {check}" for check in checks if check)
            return execute(f"ALTER TABLE {table} MODIFY COLUMN {name} {unfolded(ddl)}{said}{listed}")

        self._steps.altered.append(
            WrittenOp(modified(after, self._column.comment), modified(before, old_comment))
        )
        return True


_WITHOUT_SEQUENCE = {"SERIAL": "INTEGER", "BIGSERIAL": "BIGINT", "SMALLSERIAL": "SMALLINT"}


def _plain_type(parts: Aspects) -> str:
    """A type without the sequence that comes with it."""
    type_ = parts.get("type", "")
    return _WITHOUT_SEQUENCE.get(type_.upper(), type_)


def old_default(old: Aspects) -> Any:
    """The default that a column had."""
    if "default" not in old:
        return None
    return DefaultClause(text(escaped_colons(old["default"].replace("\\n", "\n"))))


def _assigns(old: str, new: str) -> bool:
    """Whether PostgreSQL has a cast from one type to another by itself, not by way of text."""
    kinds = [re.split(r"[\s(\[]", part.upper())[0] for part in (old, new)]
    numbers = {"SMALLINT", "INTEGER", "BIGINT", "NUMERIC", "DECIMAL", "REAL", "FLOAT", "DOUBLE"}
    times = {"DATE", "TIMESTAMP"}
    return any(all(kind in group for kind in kinds) for group in (numbers, times)) or set(kinds) == {
        "INTEGER",
        "BOOLEAN",
    }


def _identity_options(old: str, new: str) -> list[str]:
    def inside(ddl: str) -> dict[str, str]:
        found = re.search(r"\((.*)\)", ddl)
        words = found.group(1) if found else ""
        return {
            match.group(1): match.group(0)
            for match in re.finditer(
                r"(?:NO )?(START WITH|INCREMENT BY|MINVALUE|MAXVALUE|CACHE|CYCLE)(?: -?\d+)?", words
            )
        }

    defaults = {
        "START WITH": "START WITH 1",
        "INCREMENT BY": "INCREMENT BY 1",
        "MINVALUE": "NO MINVALUE",
        "MAXVALUE": "NO MAXVALUE",
        "CACHE": "CACHE 1",
        "CYCLE": "NO CYCLE",
    }
    before, after = inside(old), inside(new)
    return [
        f"SET {after.get(word, default)}"
        for word, default in defaults.items()
        if before.get(word) != after.get(word)
    ]
