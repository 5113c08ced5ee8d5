"""The ``draft`` request: a revision out of two versions of the models. No database is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from alembic.operations import ops
from alembic.runtime.environment import EnvironmentContext
from alembic.script import write_hooks
from alembic.util import CommandError

from ..channel import Failure
from ..environment.config import alembic_config, script_directory
from ..environment.target import Configured, configured
from ..importing.tracebacks import project_code
from ..schema.facets import plain_dialect
from ..schema.filters import Filters
from ..session import Session
from .changes import Changes
from .code import RenameTableOp, Spelling
from .enums import write_enums
from .extensions import found_by_extensions, reversed_of
from .implied_names import rename_implied
from .items import rendering_context
from .making import Maker
from .objects import Key, ModelObjects, conventions, split
from .parents import REBUILD, Parent, options_of
from .parts import autogenerating, new_script, nothing, parents_of, revision_environment
from .rebuild import in_order, needs_rebuild, rebuilt
from .renames import Rename, candidates, cover_renames, renamed, write_renames
from .script import render_script
from .table_renames import table_candidates, table_renames, under_new_names
from .tables import rebuild_facts
from .writer import Writer


def draft(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Draft what the rows ``changes`` say; without them (None) see ``from_database``.

    ``head`` is the list of parents, ``renames`` rows ``[table or type, old, new]``, ``fills`` rows
    ``[table or type, column or label, value]``. Asks ``parent`` for the code of what goes. Returns
    ``{revision, folder, filename, text, uncovered, drops, rename_candidates, unfilled, warnings, unasked,
    empty}``.
    Raises Failure("no-metadata") and what the project's code raises.
    """
    if request.get("changes") is None and not request.get("empty"):
        from .from_database import draft_from_database

        return draft_from_database(session, request)
    with autogenerating(session, not request.get("empty")):
        return _Drafting(session, request).run()


def run_write_hooks(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The ``format`` request: the project's post-write hooks on the file ``path``."""
    directory: Any = script_directory(session)
    hooks = directory.hooks if hasattr(directory, "hooks") else directory.hook_config  # before Alembic 1.16
    if hooks:
        try:
            with project_code(session):
                write_hooks._run_hooks(request["path"], hooks)
        except CommandError as error:
            raise Failure("alembic", str(error)) from error
    return {}


class _Drafting:
    """One draft, with a part for each database of env.py."""

    def __init__(self, session: Session, request: dict[str, Any]):
        self._session = session
        self._request = request
        self._scripts = [new_script(request)]
        self._context: Any = None
        self._options: dict[str, Any] = {}
        self._answer = nothing()

    def run(self) -> dict[str, Any]:
        """The answer to the request."""
        if not self._request.get("empty"):
            targets = configured(self._session)
            for number, target in enumerate(targets):
                with project_code(self._session):  # render_item, types and their repr() are the project's
                    self._draft(number, target)
            self._ask_extensions()
            self._hook()
        elif revision_environment(alembic_config(self._session)):
            self._prepare(configured(self._session)[0])
            self._hook()
        if not self._scripts:
            return self._answer | {"text": "", "empty": True}
        script = self._scripts[0]
        with project_code(self._session):
            rendered = render_script(
                alembic_config(self._session),
                script_directory(self._session),
                script,
                parents_of(self._request),
                self._context,
                dict(self._options.get("template_args") or {}),
            )
        return self._answer | {
            "revision": str(script.rev_id),
            "folder": str(rendered.folder),
            "filename": rendered.filename,
            "text": rendered.text,
            "empty": all(operations.is_empty() for operations in script.upgrade_ops_list),
        }

    def _prepare(self, target: Configured) -> Any:
        environment = EnvironmentContext(alembic_config(self._session), script_directory(self._session))
        options = options_of(target) | {"script": environment.script}
        context, items = rendering_context(plain_dialect(target.dialect), options, environment=environment)
        if self._context is None:
            self._context, self._options = context, options
        return context, items, options

    def _draft(self, number: int, target: Configured) -> None:
        context, items, options = self._prepare(target)
        rows = rows_of(self._request["changes"], target.engine, first=number == 0)
        part = _Part(self._session, self._request, number, target, context, items, rows)
        operations = ops.UpgradeOps(part.operations(), upgrade_token=str(options["upgrade_token"]))
        down = ops.DowngradeOps([], downgrade_token=str(options["downgrade_token"]))
        operations.reverse_into(down)
        script = self._scripts[0]
        if number == 0:
            script.upgrade_ops, script.downgrade_ops = operations, down
        else:  # the next of several databases
            script._upgrade_ops.append(operations)
            script._downgrade_ops.append(down)
        prefix = "" if number == 0 else f"{target.engine}:"
        for key, found in part.answer.items():
            self._answer[key] = [*self._answer[key], *(_prefixed(each, prefix) for each in found)]

    def _ask_extensions(self) -> None:
        """What they find in the database comes last: views are made of tables."""
        found, self._answer["unasked"] = found_by_extensions(self._session, self._request)
        script = self._scripts[0]
        for operation in found:
            script.upgrade_ops_list[0].ops.append(operation)
            back = reversed_of(operation)
            if back is not None:
                script.downgrade_ops_list[0].ops.insert(0, back)

    def _hook(self) -> None:
        hook = self._options.get("process_revision_directives")
        if hook is not None:
            with project_code(self._session):
                hook(self._context.migration_context, tuple(parents_of(self._request)), self._scripts)
        if self._request.get("keep_id") and self._scripts:
            # A hook that numbers revisions counts the one that is redone as well.
            self._scripts[0].rev_id = self._request["revision"]


def rows_of(rows: Sequence[Any], engine: str, *, first: bool) -> list[Any]:
    """The changes of one database. Those of others than the first have its name in front."""
    prefix = f"{engine}:"
    mine = []
    for kind, table, name, before, after in rows:
        if first:
            if ":" not in (table or name):
                mine.append((kind, table, name, before, after))
        elif (table or name).startswith(prefix):
            table, name = (table[len(prefix) :], name) if table else (table, name[len(prefix) :])
            mine.append((kind, table, name, before, after))
    return mine


def _prefixed(found: Any, prefix: str) -> Any:
    if not prefix or not isinstance(found, list):
        return found
    return [found[0], prefix + found[1], *found[2:]] if len(found) == 3 else found


class _Part:
    """The draft for one database."""

    def __init__(
        self,
        session: Session,
        request: dict[str, Any],
        number: int,
        target: Configured,
        context: Any,
        items: Any,
        rows: Sequence[Any],
    ):
        self._session = session
        self._number = number
        self._context = context
        self._items = items
        self._models = ModelObjects(target.metadata, plain_dialect(target.dialect))
        self._maker = Maker(self._models, items)
        self._renames: list[Rename] = [(a, b, c) for a, b, c in request.get("renames") or ()]
        found = {(kind, table, name): (a, b) for kind, table, name, a, b in rows}
        self._tables = table_renames(found, self._renames)
        self._table_candidates = table_candidates(found, self._renames)
        self._changes = Changes(under_new_names(found, self._tables) if self._tables else found)
        self._fills = {(table, name): value for table, name, value in request.get("fills") or ()}
        self._columns: Sequence[Rename] = ()
        self._conventions = conventions(target.metadata)
        self._uncompared = Filters(target.options).uncompared
        self.answer: dict[str, list[Any]] = {}

    def operations(self) -> list[ops.MigrateOperation]:
        """All of upgrade()."""
        changes, dialect = self._changes, self._models.dialect.name
        wanted = changes.of_the_parent()
        renames = cover_renames(changes, self._renames)
        # Only SQLite's rebuilds come after the new names; elsewhere what goes is dropped before.
        self._columns = renames if dialect == "sqlite" else []
        parent = self._parent(wanted)
        if self._uncompared:
            changes.spell_out(self._models, parent, self._uncompared)
        found = [*self._table_candidates, *candidates(changes, self._renames)]
        writer = Writer(changes, self._models, self._maker, parent, self._fills)
        for old, new in self._tables.items():
            (schema, plain), (_, name) = split(old), split(new)
            writer.steps.renamed.append(RenameTableOp(plain, name, schema=schema))
        labels = []
        if dialect == "postgresql":
            labels = write_enums(writer, self._renames, self._fills)
        write_renames(writer, renames)
        if dialect == "postgresql":
            rename_implied(writer, self._tables, renames)
        writer.write()
        self.answer = {
            "uncovered": [list(key) for key in writer.uncovered],
            "drops": losses(changes, renames),
            "rename_candidates": [list(row) for row in (*found, *labels)],
            "unfilled": writer.unfilled,
            "warnings": writer.warnings,
        }
        batches = self._context.opts.get("render_as_batch")
        if dialect == "sqlite" and batches is not False:
            return self._on_sqlite(writer, batches=bool(batches))
        return in_order(writer.steps, dialect, batches=bool(batches))

    def _on_sqlite(self, writer: Writer, *, batches: bool) -> list[ops.MigrateOperation]:
        steps = writer.steps
        rebuilds = {key: one for key, one in steps.tables.items() if any(map(needs_rebuild, one.inner))}
        parent = self._parent((REBUILD, key, "") for key in rebuilds)
        done: list[ops.MigrateOperation] = []
        for key, one in sorted(rebuilds.items()):
            done += rebuilt(one, parent.facts((REBUILD, key, "")), self._facts(key))
            del steps.tables[key]
        rest = in_order(steps, "sqlite", batches=batches)
        # Tables that are made come first, those that go come last.
        place = len(steps.renamed) + len(steps.schemas) + len(steps.first) + len(steps.created)
        return [*rest[:place], *done, *rest[place:]]

    def _parent(self, keys: Iterable[Key]) -> Parent:
        spelling = Spelling.of(self._context)
        ask = {"op": spelling.op, "sa": spelling.sa, "target": self._number, "tables": self._tables}
        ask["columns"] = [list(row) for row in self._columns]
        ask["conventions"] = self._conventions
        return Parent(self._session.channel, keys, ask)

    def _facts(self, key: str) -> dict[str, Any]:
        table = self._models.table(key)
        return {} if table is None else rebuild_facts(table, self._context, self._items, self._maker)


def losses(changes: Changes, renames: Sequence[Rename]) -> list[str]:
    """Tables and columns that go with what they hold."""
    known: set[Key] = renamed(renames)
    gone = [key for key, (_, after) in changes.all.items() if after is None and key not in known]
    tables = {key[1] for key in gone if key[0] == "table"}
    lost = [f"table {table}" for table in sorted(tables)]
    return lost + [
        f"column {key[1]}.{key[2]}" for key in sorted(gone) if key[0] == "column" and key[1] not in tables
    ]
