"""Constraints and indexes of tables that stay: dropped, made, or both."""

from __future__ import annotations

import re
from typing import Any

from alembic.operations import ops
from sqlalchemy.sql.elements import conv

from .changes import Changes
from .code import NOTHING, DropIndexOp, WrittenOp, call, execute
from .making import Maker
from .objects import Key, ModelObjects, split
from .parents import Parent
from .steps import Steps, Unnamed


class Constraints:
    """The part of the writer that is about them."""

    steps: Steps
    dialect: str
    changes: Changes
    models: ModelObjects
    maker: Maker
    parent: Parent

    def _index(self, key: Key, before: str | None, after: str | None) -> bool:
        _, table, name = key
        schema, plain = split(table)
        steps = self.steps.of(table)
        new = self.models.part(key) if after is not None else None
        back = self.parent.code(key) if before is not None else None
        if (after is not None and new is None) or (before is not None and back is None):
            return False
        if back is not None:
            spelled = conv(name) if self.parent.facts(key).get("conv") else name
            operation = DropIndexOp(spelled, plain, schema=schema)
            operation.back = back
            steps.without_indexes.append(operation)
        if new is not None:
            steps.indexed.append(self.maker.index(new))
        return True

    def _unique(self, key: Key, before: str | None, after: str | None) -> bool:
        return self._replaced(key, before, after)

    def _foreign_key(self, key: Key, before: str | None, after: str | None) -> bool:
        return self._replaced(key, before, after)

    def _check(self, key: Key, before: str | None, after: str | None) -> bool:
        return self._replaced(key, before, after)

    def _primary_key(self, key: Key, before: str | None, after: str | None) -> bool:
        owner = self.models.table(key[1])
        if self.dialect != "sqlite" or owner is None:
            return self._replaced(key, before, after)
        if (before is None) != (after is None):  # AUTOINCREMENT: the key is said with its column, or not
            self.steps.of(key[1]).made.append(Unnamed(key[1]))
            return True
        new, back = self.maker.constraint(owner.primary_key), self.parent.code(key)
        if not isinstance(new, WrittenOp) or back is None or after is None:
            return False
        # A rebuilt table has the key that it is given last.
        self.steps.of(key[1]).made.append(WrittenOp(new.up, back, rebuilds=True))
        return True

    def _replaced(self, key: Key, before: str | None, after: str | None) -> bool:
        """A constraint that is dropped, made, or both."""
        kind, table, _ = key
        new: Any = None
        if after is not None:
            owner = self.models.table(table)
            new = owner.primary_key if kind == "primary key" and owner is not None else self.models.part(key)
            if new is None:
                return False
        if self.dialect == "sqlite" and kind == "foreign key":
            return self._link_on_sqlite(key, before, new)
        drop = self._without(key) if before is not None else None
        make = self.maker.constraint(new) if new is not None else None
        if (before is not None and drop is None) or (new is not None and make is None):
            return self._unnamed(key, before, new)
        steps = self.steps.of(table)
        links = kind == "foreign key" and self.dialect != "sqlite"
        if drop is not None:
            if links:
                self.steps.unlinked.append((table, drop))
            else:
                steps.without.append(drop)
        if make is not None:
            if links:
                self.steps.linked.append((table, make))
            else:
                steps.made.append(make)
        self._keep_comment(key, new)
        return True

    def _keep_comment(self, key: Key, new: Any) -> None:
        """A constraint that is made again loses its comment."""
        comment = self.maker.comment(new) if new is not None else None
        named = ("comment", key[1], f"constraint {key[2]}")
        if comment is not None and named not in self.changes.all and self.changes.all[key][0] is not None:
            again = WrittenOp(NOTHING, execute(comment))
            self.steps.unlinked.append((key[1], again))
            self.steps.linked.append((key[1], WrittenOp(execute(comment), NOTHING)))

    def _link_on_sqlite(self, key: Key, before: str | None, new: Any) -> bool:
        """A foreign key: without a name it goes with a rebuild that does not know it, and comes with one."""
        steps, back = self.steps.of(key[1]), self.parent.code(key)
        if before is not None:
            drop = self._without(key) if self.parent.facts(key).get("own_name") else None
            if back is None:
                return False
            steps.without.append(drop or WrittenOp(NOTHING, back, rebuilds=True))
        if new is not None:
            make = self.maker.constraint(new)
            if not isinstance(make, WrittenOp):
                return False
            named = isinstance(new.name, str)
            steps.made.append(make if named else WrittenOp(make.up, NOTHING, rebuilds=True))
        return True

    def _without(self, key: Key) -> ops.MigrateOperation | None:
        found, back = self.parent.facts(key), self.parent.code(key)
        if back is None or not found.get("name"):
            return None
        schema, plain = split(key[1])
        if found["type"] is None:
            name = re.sub(r"^\{op\}f\((.*)\)$", r"\1", found["name"]).strip("'\"")
            text = f"ALTER TABLE {self.models.quoted(key[1])} DROP CONSTRAINT {self.models.quoted_name(name)}"
            return WrittenOp(execute(text), back)
        drop = call(
            "drop_constraint", f"type_={found['type']!r}", table=plain, schema=schema, first=found["name"]
        )
        return WrittenOp(drop, back, rebuilds=True)

    def _unnamed(self, key: Key, before: str | None, new: Any) -> bool:
        """SQLite: what has no name comes and goes with a rebuild of the table, which says what there is."""
        if self.dialect != "sqlite":
            return False
        self.steps.of(key[1]).made.append(Unnamed(key[1]))
        return True
