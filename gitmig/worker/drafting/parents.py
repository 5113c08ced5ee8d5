"""The old side of a draft: what the parent's models have, as code for the way back.

Two versions of the models are never in one process. The worker of the parent's tree answers ``parent`` with
code; the one that drafts asks for it through the command line, and only for what goes or changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from alembic.autogenerate.render import _render_column, _repr_type, render_op
from alembic.operations import ops
from sqlalchemy import Column, Table
from sqlalchemy.sql.elements import conv

from ..environment.target import Configured, configured
from ..importing.tracebacks import project_code
from ..schema.facets import plain_dialect, table_key
from .code import NOTHING, Code, Spelling, WrittenOp, execute
from .items import Items, importable, rendering_context
from .making import Maker, constraint_kind
from .objects import Key, ModelObjects, conventions
from .tables import rebuild_facts

if TYPE_CHECKING:
    from ..channel import Channel
    from ..session import Session

REBUILD = "rebuild"
"""Asks for what a rebuild of an SQLite table must know."""


def describe_parent(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The ``parent`` request: code for each of ``keys`` (kind, table, name) of this worker's models.

    ``op`` and ``sa`` are the prefixes, ``tables`` the new names of tables, ``columns`` rows ``[table, old,
    new]``: what a rebuild needs has the new names, in a database that has given them already.
    ``conventions`` are those that the script will run under. Answers ``{objects}``, rows ``[kind, table,
    name, {…}]``.
    """
    targets = configured(session)
    number = request["target"]
    target = targets[number] if number < len(targets) else targets[0]
    with project_code(session):
        parent = _Parent(target, Spelling(request["op"], request["sa"]))
        keys = list(map(tuple, request["keys"]))
        gone = [key for key in keys if key[0] == "table"]
        indexes = [key for key in keys if key[0] == "index"]
        rest = [key for key in keys if key[0] not in ("table", "index")]
        theirs = request["conventions"] != conventions(target.metadata)
        with parent.models.renamed(request["tables"]), parent.models.final_names(theirs):
            objects = [*parent.tables(gone), *parent.others(indexes)]
            return {"objects": objects + parent.under_new_names(rest, request["columns"])}


class _Parent:
    """Writes code for the objects of one MetaData, with their own types and with plain ones."""

    def __init__(self, target: Configured, spelling: Spelling):
        dialect = plain_dialect(target.dialect)
        self.models = ModelObjects(target.metadata, dialect)
        self._contexts = []
        for plain in (False, True):
            options = {**options_of(target), "alembic_module_prefix": spelling.op}
            options["sqlalchemy_module_prefix"] = spelling.sa
            context, items = rendering_context(dialect, options, plain=plain)
            self._contexts.append((context, items, Maker(self.models, items)))
        self._maker = self._contexts[0][2]
        self._sqlite = dialect.name == "sqlite"

    def tables(self, keys: Iterable[tuple[str, ...]]) -> list[Any]:
        """Tables that go, in the order in which they are made again."""
        found = [table for key in keys if (table := self.models.table(key[1])) is not None]
        order, apart = self._maker.ordered(found)
        rows: list[Any] = []
        for table in order:
            code = self._code(lambda maker, table=table: [maker.table(table, apart), *_own(maker, table)])
            rows.append(["table", table_key(table), "", code | {"columns": _columns(table)}])
        for constraint in sorted(apart, key=lambda item: (str(item.table.key), str(item.name))):
            code = self._code(lambda maker, item=constraint: [maker.constraint(item)])
            rows.append(["apart", table_key(constraint.table), "", code | self._named(constraint)])
        return rows

    def others(self, keys: Iterable[tuple[str, ...]]) -> list[Any]:
        """Columns, constraints and indexes that go or change."""
        rows: list[Any] = []
        for kind, table, name in keys:
            found: dict[str, Any] | None = None
            if kind == "column":
                found = self._column(table, name)
            elif kind == REBUILD:
                found = self._rebuilt(table)
            elif kind not in ("table", "comment"):
                found = self._part((kind, table, name))
            if found is not None:
                rows.append([kind, table, name, found])
        return rows

    def under_new_names(self, keys: Iterable[tuple[str, ...]], columns: Sequence[Sequence[str]]) -> list[Any]:
        """The same, where the database has renamed these columns; the keys have the old names."""
        names: dict[str, dict[str, str]] = {}
        for table, old, new in columns:
            names.setdefault(table, {})[old] = new
        rows: list[Any] = []
        with self.models.renamed_columns(columns):
            for kind, table, name in keys:
                here = names.get(table, {})
                for _, items, _ in self._contexts:
                    items.names = here
                asked = here.get(name, name) if kind == "column" else name
                rows += [[kind, table, name, row[3]] for row in self.others([(kind, table, asked)])]
        return rows

    def _column(self, table: str, name: str) -> dict[str, Any] | None:
        column = self.models.column(table, name)
        if column is None:
            return None
        owner: Any = column.table

        def made(maker: Maker) -> list[ops.MigrateOperation]:
            copied = maker.column_of(column)
            return [ops.AddColumnOp(str(owner.name), copied, schema=owner.schema)]

        relaxed = self._maker.column_of(column)
        relaxed.nullable = True
        return self._code(made) | {
            "type": self._each(lambda context, items: [str(_type_code(column, context, items))]),
            "relaxed": self._each(lambda context, items: [str(_render_column(relaxed, context))]),
            "comment": column.comment,
            "ddl": self.models.column_ddl(column),
        }

    def _part(self, key: Key) -> dict[str, Any] | None:
        if key[0] == "primary key":
            table = self.models.table(key[1])
            item: Any = table.primary_key if table is not None else None
        else:
            item = self.models.part(key)
        if item is None:
            return None
        if key[0] == "index":
            return self._code(lambda maker: [maker.index(item)]) | {
                "name": str(item.name),
                "conv": isinstance(item.name, conv),
            }
        return self._code(lambda maker: _with_comment(maker, item)) | self._named(item)

    def _named(self, item: Any) -> dict[str, Any]:
        spelled = self._maker.spelled(item)
        own_name = isinstance(item.name, str)
        of_column = isinstance(item.parent, Column)
        return {"name": spelled, "type": constraint_kind(item), "own_name": own_name, "of_column": of_column}

    def _rebuilt(self, table: str) -> dict[str, Any] | None:
        found = self.models.table(table)
        if found is None:
            return None
        return rebuild_facts(found, *self._contexts[0])

    def _code(self, made: Any) -> dict[str, Any]:
        def lines(number: int) -> dict[str, Any]:
            context, _, maker = self._contexts[number]
            operations = [each for each in made(maker) if each is not None]
            return rendered(operations, context)

        return self._variants(lines)

    def _each(self, write: Any) -> dict[str, Any]:
        def lines(number: int) -> dict[str, Any]:
            context, items, _ = self._contexts[number]
            context.imports = set()
            found = write(context, items)
            return {"plain": found, "batch": found, "imports": sorted(context.imports)}

        return self._variants(lines)

    @staticmethod
    def _variants(lines: Any) -> dict[str, Any]:
        return {"own": lines(0), "simple": lines(1)}


_OFFLINE = ("literal_binds", "as_sql", "output_buffer", "transactional_ddl", "url", "connection")
"""What a run without a database needs besides."""


def _with_comment(maker: Maker, item: Any) -> list[ops.MigrateOperation | None]:
    comment = maker.comment(item)
    said = [] if comment is None else [WrittenOp(execute(comment), NOTHING)]
    return [maker.constraint(item), *said]


def options_of(target: Configured) -> dict[str, Any]:
    """What env.py gave ``configure()``, under the names that rendering looks for, with its defaults."""
    defaults = {
        "alembic_module_prefix": "op.",
        "sqlalchemy_module_prefix": "sa.",
        "user_module_prefix": None,
        "upgrade_token": "upgrades",
        "downgrade_token": "downgrades",
        "render_item": None,
        "process_revision_directives": None,
    }
    given = {key: value for key, value in target.options.items() if key not in _OFFLINE}
    return {**defaults, **given, "target_metadata": list(target.metadata)}


def rendered(operations: list[ops.MigrateOperation], context: Any) -> dict[str, Any]:
    """The lines of operations, outside of a batch and in one, with their imports."""
    context.imports = set()
    variants: dict[str, Any] = {}
    for name, batch in (("plain", False), ("batch", True)):
        context._has_batch = batch
        variants[name] = [line for operation in operations for line in render_op(context, operation)]
    context._has_batch = False
    return variants | {"imports": sorted(context.imports)}


def _type_code(column: Column[Any], context: Any, items: Items) -> str:
    return str(_repr_type(column.type, context))


def _columns(table: Table) -> list[str]:
    return [str(column.name) for column in table.columns]


def _own(maker: Maker, table: Table) -> list[Any]:
    """What is made after a table: its indexes, and constraints that Alembic has no words for in it."""
    made: list[Any] = [
        maker.constraint(item)
        for item in sorted(table.constraints, key=lambda one: str(one.name))
        if maker.is_of_its_own(item) and maker.exists(item)
    ]
    return [*made, *(maker.index(item) for item in sorted(table.indexes, key=lambda one: str(one.name)))]


class Parent:
    """What the drafting worker knows of the old models."""

    def __init__(self, channel: Channel, keys: Iterable[Key], ask: dict[str, Any]):
        """``ask``: what else the ``parent`` request says."""
        self._objects: dict[Key, dict[str, Any]] = {}
        self.order: list[str] = []
        """The tables that go, in the order in which they would be made."""
        self.apart: list[tuple[str, dict[str, Any]]] = []
        """The foreign keys that close a circle among them."""
        wanted = sorted(keys)
        if not wanted:
            return
        answer = channel.ask("parent", keys=[list(key) for key in wanted], **ask)
        for kind, table, name, found in answer.get("objects") or ():
            if kind == "apart":
                self.apart.append((table, found))
                continue
            if kind == "table":
                self.order.append(table)
            self._objects[kind, table, name] = found

    def code(self, key: Key) -> Code | None:
        """How an object is made again, or None if the old models do not have it."""
        found = self._objects.get(key)
        return None if found is None else code_of(found)

    def facts(self, key: Key) -> dict[str, Any]:
        """What else is known of it."""
        return self._objects.get(key) or {}

    def type_of(self, key: Key) -> tuple[str, tuple[str, ...]] | None:
        """The code of a column's type, with its imports."""
        found = self._objects.get(key)
        if found is None:
            return None
        chosen = _chosen(found["type"])
        return chosen["plain"][0], tuple(chosen["imports"])


def code_of(found: dict[str, Any]) -> Code:
    """The code in an answer: with the project's own types if they are still there."""
    chosen = _chosen(found)
    return Code(
        lambda spelling: chosen["batch" if spelling.batch else "plain"],
        tuple(chosen["imports"]),
    )


def _chosen(found: dict[str, Any]) -> dict[str, Any]:
    own: dict[str, Any] = found["own"]
    modules = [
        [line.removeprefix("import ").strip(), ""] for line in own["imports"] if line.startswith("import ")
    ]
    text = "\n".join(own["plain"])
    classes = [[module, name] for module, _ in modules for name in _names_after(text, module)]
    simple: dict[str, Any] = found["simple"]
    return own if importable(tuple(own["imports"]), classes) else simple


def _names_after(text: str, module: str) -> list[str]:
    import re

    return re.findall(rf"(?<![\w.]){re.escape(module)}\.(\w+)\(", text)
