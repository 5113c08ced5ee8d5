"""Constraints and indexes of tables that stay: dropped, made, or both."""

from __future__ import annotations

import re
from typing import Any

from alembic.operations import ops
from sqlalchemy import Column
from sqlalchemy.sql.elements import conv

from .changes import Changes
from .code import NOTHING, Code, DropIndexOp, WrittenOp, call, execute
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
    reasons: dict[Key, str]

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
        if self.dialect not in ("mysql", "mariadb"):
            return self._replaced(key, before, after)
        new = self.models.part(key) if after is not None else None
        if isinstance(getattr(new, "parent", None), Column) or self.parent.facts(key).get("of_column"):
            self.reasons[key] = "MariaDB has it in the column's definition: MODIFY the column with it"
            return False
        if before is not None and not self.parent.facts(key).get("own_name"):
            self.reasons[key] = "MariaDB has given it a number for a name: look it up, and drop it by that"
            return False
        return self._replaced(key, before, after)

    def _primary_key(self, key: Key, before: str | None, after: str | None) -> bool:
        owner = self.models.table(key[1])
        if self.dialect != "sqlite" or owner is None:
            return self._replaced(key, before, after)
        new, facts = owner.primary_key, self.parent.facts(key)
        make, back = self.maker.constraint(new), self.parent.code(key) or NOTHING
        if not isinstance(make, WrittenOp):
            return False
        # With AUTOINCREMENT the key is said with its column: then there is no facet.
        was = None if before is None else bool(facts.get("own_name"))
        now = None if after is None else isinstance(new.name, str)
        gone = call("drop_constraint", "type_='primary'", first=facts.get("name") or "")
        up, down = _key_code(was, now, make.up, gone), _key_code(now, was, back, make.down)
        self.steps.of(key[1]).made.append(WrittenOp(up, down, rebuilds=True))
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


def _key_code(was: bool | None, now: bool | None, make: Code, drop: Code) -> Code:
    """A rebuilt table has the key that it is given last; one without a name is said with the table.

    ``was`` and ``now``: whether the key has a name, None if there is none.
    """
    if now or (now is False and was is False):
        return make
    return drop if was else NOTHING
