"""PostgreSQL's enumeration types: made before they are used, given labels, dropped in the end.

Alembic makes the type of a table that it creates, of a column that it adds it does not, and drops none. So
here no table makes any: a line of its own does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import ARRAY

from ..schema import facets
from .code import Code, Spelling, WrittenOp, execute, together
from .objects import split

if TYPE_CHECKING:
    from .writer import Writer

Label = tuple[str, str, str]
"""type, old label, new label."""
Fills = Mapping[tuple[str, str], str]
"""Values for rows: by table and column, or by type and label."""

_DIALECT: Any = postgresql.dialect  # an untyped class
_LABEL = re.compile(r"'((?:[^']|'')*)'")


def write_enums(writer: Writer, renames: Sequence[tuple[str, str, str]], fills: Fills) -> list[Label]:
    """Write what becomes of types with a name. Returns the labels that may have a new name."""
    open_changes, candidates = writer.changes.open, []
    for key in sorted(key for key in open_changes if key[0] == "enum"):
        name, (before, after) = key[2], open_changes[key]
        if before is None and after is not None:
            writer.steps.first.append(WrittenOp(_create(name, after), _drop(name, after)))
        elif after is None and before is not None:
            writer.steps.last.insert(0, WrittenOp(_drop(name, before), _create(name, before)))
        elif before is not None and after is not None:
            if not _is_enum(before) or not _is_enum(after):
                continue
            written = _Labels(writer, name, labels(before), labels(after), renames, fills)
            found = written.candidates()
            candidates += found
            if found:
                writer.warnings.append(f"{found[0][0]}.{found[0][1]} may have been renamed to {found[0][2]}")
            written.write()
        writer.changes.cover(key)
    return candidates


def labels(ddl: str | None) -> list[str]:
    """The labels in ``CREATE TYPE mood AS ENUM ('a', 'b')``."""
    return [label.replace("''", "'") for label in _LABEL.findall(ddl or "")]


class _Labels:
    """The labels of one enumeration, before and after."""

    def __init__(
        self,
        writer: Writer,
        name: str,
        old: Sequence[str],
        new: Sequence[str],
        renames: Sequence[Label],
        fills: Fills,
    ):
        self._writer = writer
        self._name = name
        self._renamed = {a: b for type_, a, b in renames if type_ == name and a in old and b in new}
        self._old = list(old)
        self._new = list(new)
        self._fills = fills

    @property
    def _gone(self) -> list[str]:
        return [label for label in self._old if label not in self._new and label not in self._renamed]

    @property
    def _come(self) -> list[str]:
        taken = self._renamed.values()
        return [label for label in self._new if label not in self._old and label not in taken]

    def candidates(self) -> list[Label]:
        """Labels that go while others come."""
        return [(self._name, old, new) for old in self._gone for new in self._come]

    def write(self) -> None:
        """Renames first, then labels that come or go."""
        first = self._writer.steps.first
        self._cover_defaults()
        for old, new in self._renamed.items():
            first.append(WrittenOp(_renaming(self._name, old, new), _renaming(self._name, new, old)))
        between = [self._renamed.get(label, label) for label in self._old]
        if between == self._new:
            return
        columns = self._writer.models.enum_columns(self._name)
        back = _made_anew(self._name, between, columns, {})
        if [label for label in self._new if label in between] == between:
            first.append(WrittenOp(_add_labels(self._name, between, self._new), back))
            return
        values = {
            label: self._fills[self._name, label]
            for label in self._gone
            if (self._name, label) in self._fills
        }
        for label in self._gone:
            if label not in values:
                self._writer.warnings.append(
                    f"the label {label} of {self._name} goes: this fails if a row has it "
                    f"(--fill {self._name}.{label}=OTHER)"
                )
        first.append(WrittenOp(_made_anew(self._name, self._new, columns, values), back))

    def _cover_defaults(self) -> None:
        """A default that is a label has its new name with it."""
        changes = self._writer.changes
        for column in self._writer.models.enum_columns(self._name):
            key = ("column", facets.table_key(column.table), str(column.name))
            before, after = changes.all.get(key, (None, None))
            for old, new in self._renamed.items():
                before = before and before.replace(_quoted(old), _quoted(new))
            if before is not None and before == after:
                changes.cover(key)


def _renaming(name: str, old: str, new: str) -> Code:
    return execute(f"ALTER TYPE {identifier(name)} RENAME VALUE {_quoted(old)} TO {_quoted(new)}")


def _is_enum(ddl: str) -> bool:
    return " AS ENUM" in ddl


def _add_labels(name: str, old: Sequence[str], new: Sequence[str]) -> Code:
    """ADD VALUE for each, in place; it cannot be used in the transaction that adds it."""

    def statements() -> Iterator[str]:
        there = list(old)
        for position, label in enumerate(new):
            if label in there:
                continue
            follows = next((other for other in new[position + 1 :] if other in there), None)
            where = f" BEFORE {_quoted(follows)}" if follows is not None else ""
            there.append(label)
            yield f"ALTER TYPE {identifier(name)} ADD VALUE IF NOT EXISTS {_quoted(label)}{where}"

    def lines(spelling: Spelling) -> list[str]:
        outside = Spelling(spelling.op, spelling.sa)
        inside = [line for statement in statements() for line in execute(statement).write(outside)]
        return [f"with {spelling.op}get_context().autocommit_block():", *inside, ""]

    return Code(lines)


def _made_anew(
    name: str, new: Sequence[str], columns: Sequence[Column[Any]], values: Mapping[str, str]
) -> Code:
    """PostgreSQL drops no label: a new type takes the old one's place. Fails where rows hold a lost label.

    ``values`` has another label for each that goes.
    """
    schema, plain = split(name)
    old = f"{plain}_old"
    listed = ", ".join(_quoted(label) for label in new)
    statements = [
        f"ALTER TYPE {identifier(name)} RENAME TO {identifier(old)}",
        f"CREATE TYPE {identifier(name)} AS ENUM ({listed})",
    ]
    for column in columns:
        statements += _retyped(column, identifier(name), values)
    statements.append(f"DROP TYPE {identifier(f'{schema}.{old}' if schema else old)}")
    return together(map(execute, statements))


def _retyped(column: Column[Any], type_: str, values: Mapping[str, str]) -> Iterator[str]:
    name = identifier(str(column.name))
    table = f"ALTER TABLE {identifier(facets.table_key(column.table))} ALTER COLUMN {name}"
    array = "[]" if isinstance(column.type, ARRAY) else ""
    default = _default(column)
    if default is not None:
        yield f"{table} DROP DEFAULT"
    source = f"{name}::text{array}"
    if values and not array:
        cases = " ".join(f"WHEN {_quoted(old)} THEN {_quoted(new)}" for old, new in values.items())
        source = f"(CASE {name}::text {cases} ELSE {name}::text END)"
    elif values:
        for before, after in values.items():
            source = f"array_replace({source}, {_quoted(before)}, {_quoted(after)})"
        source = f"({source})"
    yield f"{table} TYPE {type_}{array} USING {source}::{type_}{array}"
    if default is not None:
        yield f"{table} SET DEFAULT {default}"


def _create(name: str, ddl: str) -> Code:
    if not _is_enum(ddl):
        return execute(ddl)
    listed = "".join(f"{label!r}, " for label in labels(ddl))
    return Code(
        lambda spelling: [
            f"{spelling.sa}Enum({listed}{_named(name)}).create({spelling.op}get_bind(), checkfirst=True)"
        ]
    )


def _drop(name: str, ddl: str) -> Code:
    if not _is_enum(ddl):
        return execute(f"DROP DOMAIN {identifier(name)}")
    return Code(
        lambda spelling: [f"{spelling.sa}Enum({_named(name)}).drop({spelling.op}get_bind(), checkfirst=True)"]
    )


def _named(name: str) -> str:
    schema, plain = split(name)
    return f"name={plain!r}, schema={schema!r}" if schema else f"name={plain!r}"


def _default(column: Column[Any]) -> str | None:
    default: Any = getattr(column.server_default, "arg", None)
    if default is None:
        return None
    return _quoted(default) if isinstance(default, str) else str(default.compile(dialect=_DIALECT()))


def identifier(name: str) -> str:
    """A name as PostgreSQL wants it, quoted where that is needed."""
    preparer = _DIALECT().identifier_preparer
    return ".".join(preparer.quote(part) for part in name.split("."))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
