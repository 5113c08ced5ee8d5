"""A column that may not be NULL comes back in a downgrade: what the rows that are there get.

What they had went with the column. Without a value the downgrade would fail as soon as there is a row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .code import NOTHING, Code, DropColumnOp, Spelling, WrittenOp, call, together
from .objects import Key
from .parents import code_of
from .steps import OneWay

if TYPE_CHECKING:
    from .writer import Writer

_NEUTRAL = {
    "String Text Unicode UnicodeText VARCHAR TEXT CHAR CITEXT AutoString": "''",
    "Integer SmallInteger BigInteger INTEGER SMALLINT BIGINT": "0",
    "Numeric Float Double NUMERIC DECIMAL FLOAT REAL DOUBLE_PRECISION": "0",
    "Boolean BOOLEAN": "false",
    "DateTime TIMESTAMP DATETIME": "CURRENT_TIMESTAMP",
    "Date DATE": "CURRENT_DATE",
    "Time TIME": "CURRENT_TIME",
    "JSON JSONB": "'{}'",
}
_OF_POSTGRESQL = {
    "ARRAY HSTORE": "'{}'",
    "Uuid UUID": "'00000000-0000-0000-0000-000000000000'",
    "LargeBinary BYTEA": "''",
    "Interval INTERVAL": "'0'",
}


def refill(writer: Writer, operation: DropColumnOp, table: str) -> None:
    """Have a dropped column added, filled, and only then not NULL, on the way back."""
    key: Key = ("column", table, str(operation.column_name))
    full = ".".join(key[1:])
    value = writer.fills.get(key[1:]) or _neutral(writer, key)
    if value is None:
        writer.warnings.append(
            f"the downgrade adds {full} again, and fails if there are rows: nothing says what they get "
            f"(--fill {full}=SQL)"
        )
        return
    if key[1:] not in writer.fills:
        writer.warnings.append(f"the downgrade fills {full} with {value} (--fill {full}=SQL)")
    steps, facts = writer.steps.of(table), writer.parent.facts(key)
    relaxed = code_of(facts["relaxed"])
    back = [_added(operation, relaxed)]
    back += [each.up for each in writer.fill(*key[1:], value, only_nulls=False)]
    steps.refilled.append(OneWay(None, WrittenOp(together(back), NOTHING)))
    steps.rejoined.append(relaxed)
    operation.back = _strict(writer, operation, key)


def _strict(writer: Writer, operation: DropColumnOp, key: Key) -> Code:
    code, imports = writer.parent.type_of(key) or ("", ())
    given = [repr(key[2]), f"existing_type={code}"]
    if writer.dialect == "sqlite" and "collation=" in code:
        given.append(f"type_={code}")  # a rebuild would forget it
    comment = writer.parent.facts(key).get("comment")
    if writer.dialect in ("mysql", "mariadb") and comment:
        given.append(f"existing_comment={comment!r}")
    written = call(
        "alter_column", *given, "nullable=False", table=operation.table_name, schema=operation.schema
    )
    return Code(written.write, imports)


def _neutral(writer: Writer, key: Key) -> str | None:
    """A value of the column's type that no constraint of it is against."""
    code, imports = writer.parent.type_of(key) or ("", ())
    known = ("from sqlalchemy.dialects import ", "import sqlmodel")
    if not all(line.startswith(known) for line in imports):
        return None  # a type of somebody's own
    kind = re.sub(r"^[\w.]*\.", "", code.partition("(")[0])
    if kind.upper() == "ENUM":
        label = re.search(r"\((?P<quote>['\"])(.*?)(?P=quote)[,)]", code)
        value = "'" + label[2].replace("'", "''") + "'" if label else None
    else:
        value = _value_of(kind, writer.dialect)
    mentioned = re.compile(rf"\b{re.escape(key[2])}\b")
    for (part, table, _), (before, _) in writer.changes.all.items():
        if table == key[1] and before and mentioned.search(before) and _is_against(part, before, kind):
            return None
    return value


def _value_of(kind: str, dialect: str) -> str | None:
    known = {**_NEUTRAL, **_OF_POSTGRESQL} if dialect == "postgresql" else _NEUTRAL
    return next((value for kinds, value in known.items() if kind in kinds.split()), None)


def _is_against(part: str, ddl: str, kind: str) -> bool:
    """Whether a constraint or an index would not have one value in all rows."""
    if part == "check":
        return kind.upper() not in ("ENUM", "BOOLEAN")
    return part in ("primary key", "foreign key", "unique") or (part == "index" and "UNIQUE" in ddl)


def _added(operation: DropColumnOp, column: Code) -> Code:
    def lines(spelling: Spelling) -> Sequence[str]:
        (code,) = column.write(spelling)
        return call("add_column", code, table=operation.table_name, schema=operation.schema).write(spelling)

    return Code(lines, column.imports)
