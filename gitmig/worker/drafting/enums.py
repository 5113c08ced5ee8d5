"""PostgreSQL's enumeration types: made before they are used, given labels, dropped in the end.

Alembic makes the type of a table that it creates, of a column that it adds it does not, and drops none. So
here no table makes any: a line of its own does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic.operations import ops
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql

from ..schema import facets
from .code import Code, Spelling, WrittenOp, execute, together
from .columns import aspects
from .objects import Key, split
from .steps import OneWay

if TYPE_CHECKING:
    from .changes import Change
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
                _domain(writer, name, before, after)
                writer.changes.cover(key)
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


def _domain(writer: Writer, name: str, before: str, after: str) -> None:
    """Another domain of the same name takes its place, once the columns are what they will be."""
    uses = list(_uses(writer, name))
    up, down = (_made_anew(name, new, uses, {}, was=old) for old, new in ((before, after), (after, before)))
    writer.steps.last.append(WrittenOp(up, down))
    writer.warnings.append(f"the domain {name} changes: this fails if a value does not fit")


def _uses(writer: Writer, name: str) -> Iterator[_Use]:
    models = writer.models
    for column in models.columns_of_type(name):
        yield _Use.of(facets.table_key(column.table), str(column.name), models.column_ddl(column))


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
        """Labels that go while others come; one with a value for its rows has no new name."""
        gone = [label for label in self._gone if (self._name, label) not in self._fills]
        return [(self._name, old, new) for old in gone for new in self._come]

    def write(self) -> None:
        """New names first, then labels that come; those that go are the last: nothing needs them any more."""
        steps = self._writer.steps
        self._cover_defaults()
        for old, new in self._renamed.items():
            steps.first.append(WrittenOp(_renaming(self._name, old, new), _renaming(self._name, new, old)))
        between = [self._renamed.get(label, label) for label in self._old]
        joined = _joined(between, self._new)
        if joined != self._new and self._is_alone():
            joined = between  # the new type has those that come as well
        if joined != between:
            uses = list(self._old_uses())
            back = _made_anew(self._name, _enum(self._name, between), uses, {})
            apart = [made for key, made in self._comparing(uses).items() if key not in self._changes]
            steps.first += [OneWay(None, made) for made in apart]
            steps.first.append(WrittenOp(_add_labels(self._name, between, joined), back))
            steps.first += [OneWay(None, made.reverse()) for made in apart]
        if joined != self._new:
            self._without_some(joined)

    def _is_alone(self) -> bool:
        """Whether nothing else changes that may need a label before the others are gone."""
        tables = {use.table for use in _uses(self._writer, self._name)}
        mentioned = re.compile(rf"\b{re.escape(split(self._name)[1])}\b")
        return not any(
            key[1] in tables or (key[0] == "column" and mentioned.search(before or ""))
            for key, (before, _) in self._changes.items()
        )

    def _without_some(self, joined: Sequence[str]) -> None:
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
        uses = list(_uses(self._writer, self._name))
        apart = self._comparing(uses).values()
        change = WrittenOp(
            _made_anew(self._name, _enum(self._name, self._new), uses, values),
            _made_anew(self._name, _enum(self._name, joined), uses, {}),
        )
        self._writer.steps.last += [*(made.reverse() for made in apart), change, *apart]

    @property
    def _changes(self) -> Mapping[Key, Change]:
        return self._writer.changes.all

    def _old_uses(self) -> Iterator[_Use]:
        """The columns that had it, before anything else was changed."""
        here = {(use.table, use.name): use for use in _uses(self._writer, self._name)}
        for (table, name), use in sorted(here.items()):
            if ("column", table, name) not in self._changes:
                yield use
        for (kind, table, name), (before, _) in sorted(self._changes.items()):
            if kind == "column" and before is not None:
                for old, new in self._renamed.items():
                    before = before.replace(_quoted(old), _quoted(new))
                use = _Use.of(table, name, before)
                if use.type_.rstrip("[]") == identifier(self._name):
                    yield use

    def _comparing(self, uses: Iterable[_Use]) -> dict[Key, ops.MigrateOperation]:
        """What compares columns with labels: while it is there, PostgreSQL gives them no other type."""
        found: dict[Key, ops.MigrateOperation | None] = {}
        maker, models = self._writer.maker, self._writer.models
        for use in uses:
            for key, item in sorted(models.parts_of(use.table).items()):
                if key[0] == "check" and use.name in (models.ddl(item) or ""):
                    found[key] = maker.constraint(item)
                elif key[0] == "index":
                    partial = item.dialect_options["postgresql"]["where"] is not None
                    if partial or not all(isinstance(each, Column) for each in item.expressions):
                        found[key] = maker.index(item)
        return {key: made for key, made in found.items() if made is not None}

    def _cover_defaults(self) -> None:
        """A default that is a label has its new name with it."""
        changes = self._writer.changes
        for column in self._writer.models.columns_of_type(self._name):
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


def _joined(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The old labels with those that come, each before the one that it precedes."""
    there = list(old)
    for position, label in enumerate(new):
        if label not in there:
            follows = next((other for other in new[position + 1 :] if other in there), None)
            there.insert(len(there) if follows is None else there.index(follows), label)
    return there


def _add_labels(name: str, old: Sequence[str], new: Sequence[str]) -> Code:
    """ADD VALUE for each, in place; it cannot be used in the transaction that adds it."""

    def statements() -> Iterator[str]:
        there = set(old)
        for position, label in enumerate(new):
            if label in there:
                continue
            follows = next((other for other in new[position + 1 :] if other in there), None)
            where = f" BEFORE {_quoted(follows)}" if follows is not None else ""
            there.add(label)
            yield f"ALTER TYPE {identifier(name)} ADD VALUE IF NOT EXISTS {_quoted(label)}{where}"

    def lines(spelling: Spelling) -> list[str]:
        outside = Spelling(spelling.op, spelling.sa)
        inside = [line for statement in statements() for line in execute(statement).write(outside)]
        return [f"with {spelling.op}get_context().autocommit_block():", *inside, ""]

    return Code(lines)


def _made_anew(
    name: str, create: str, columns: Sequence[_Use], values: Mapping[str, str], was: str = ""
) -> Code:
    """PostgreSQL drops no label: a new type takes the old one's place. Fails if rows have what it has not.

    ``values`` has another label for each that goes; ``was`` is the DDL of a domain.
    """
    schema, plain = split(name)
    old = f"{plain}_old"
    full = identifier(f"{schema}.{old}" if schema else old)
    statements = [f"ALTER TYPE {identifier(name)} RENAME TO {identifier(old)}"]
    if " CHECK (" in was and "CONSTRAINT " not in was:
        # The name that PostgreSQL gave it is for the new one.
        check, freed = (identifier(f"{each}_check") for each in (plain, old))
        statements.append(f"ALTER DOMAIN {full} RENAME CONSTRAINT {check} TO {freed}")
    statements.append(create)
    for use in columns:
        statements += _retyped(use, identifier(name), values)
    statements.append(f"DROP TYPE {full}")
    return together(map(execute, statements))


def _enum(name: str, labels: Iterable[str]) -> str:
    return f"CREATE TYPE {identifier(name)} AS ENUM ({', '.join(map(_quoted, labels))})"


def _retyped(use: _Use, type_: str, values: Mapping[str, str]) -> Iterator[str]:
    name = identifier(use.name)
    start = f"ALTER TABLE {identifier(use.table)} ALTER COLUMN {name}"
    array = "[]" if use.type_.endswith("[]") else ""
    if use.default is not None:
        yield f"{start} DROP DEFAULT"
    source = f"{name}::text{array}"
    if values and not array:
        cases = " ".join(f"WHEN {_quoted(old)} THEN {_quoted(new)}" for old, new in values.items())
        source = f"(CASE {name}::text {cases} ELSE {name}::text END)"
    elif values:
        for before, after in values.items():
            source = f"array_replace({source}, {_quoted(before)}, {_quoted(after)})"
        source = f"({source})"
    yield f"{start} TYPE {type_}{array} USING {source}::{type_}{array}"
    if use.default is not None:
        yield f"{start} SET DEFAULT {use.default}"


@dataclass(frozen=True, slots=True)
class _Use:
    """A column of an enumeration, or of an array of it."""

    table: str
    name: str
    type_: str
    default: str | None

    @classmethod
    def of(cls, table: str, name: str, ddl: str) -> _Use:
        """The column of this DDL."""
        parts = aspects(ddl)
        return cls(table, name, parts.get("type", ""), parts.get("default"))


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


def identifier(name: str) -> str:
    """A name as PostgreSQL wants it, quoted where that is needed."""
    preparer = _DIALECT().identifier_preparer
    return ".".join(preparer.quote(part) for part in name.split("."))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
