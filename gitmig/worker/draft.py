"""Drafts a revision: Alembic's autogenerate inside the prepared transaction, cut down to the difference.

Whatever was done to the database for it is rolled back. Nothing is written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alembic.autogenerate.api import AutogenContext, produce_migrations
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.script import write_hooks
from alembic.util import CommandError, rev_id
from sqlalchemy import Connection, MetaData

from .blind import Writer
from .capture import capture
from .channel import Failure
from .config import alembic_config, script_directory
from .enums import write_enums
from .environment import Stopped
from .heads import no_new_files
from .hidden import is_shown
from .migrate import Migration, run_migration
from .objects import DatabaseObjects, Key, ModelObjects
from .operations import Changes, find_stuck, keep
from .rebuild import keep_checks, name_constraints, needs_rebuild
from .renames import Rename, candidates, cover_renames, write_renames
from .render import render_script
from .session import Session
from .tracebacks import project_code


def draft(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The ``draft`` request; asks ``plan`` for what to apply first (rolled back with the rest).

    ``head`` is the list of parents, ``changes`` the rows of the difference or None to keep everything,
    ``renames`` rows ``[table, old, new]``. Returns ``{revision, folder, filename, text, uncovered, drops,
    rename_candidates, empty, released}``. Raises like ``migrate``, and Failure("no-metadata").
    """
    config = alembic_config(session)
    drafting = Drafting(session, request)
    wants_env = not request.get("empty") or _revision_environment(config)
    before = config.cmd_opts.autogenerate if config.cmd_opts is not None else None
    try:
        if wants_env:
            if config.cmd_opts is not None:
                config.cmd_opts.autogenerate = not request.get("empty")
            # Nothing of it stays: a database that is not there is stood in for by an empty one in memory.
            with no_new_files([]):
                run_migration(session, drafting)
    finally:
        if config.cmd_opts is not None:
            config.cmd_opts.autogenerate = before
        drafting.release()
    if drafting.released:
        return {"released": True, **_nothing()}
    return drafting.answer()


def run_write_hooks(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The ``format`` request: the project's post-write hooks on the file ``path``."""
    directory = script_directory(session)
    if directory.hooks:
        try:
            with project_code(session):
                write_hooks._run_hooks(request["path"], directory.hooks)
        except CommandError as error:
            raise Failure("alembic", str(error)) from error
    return {}


class Drafting(Migration):
    """A run of env.py that ends in a drafted script instead of a commit."""

    def __init__(self, session: Session, request: dict[str, Any]):
        super().__init__(session, request)
        self._request = request
        self._batch_said = True
        self._dialect = ""
        self.released = True
        self._drafted = False
        self._context: AutogenContext | None = None
        self._uncovered: list[Key] = []
        self._drops: list[str] = []
        self._candidates: list[Rename] = []
        self._arguments: dict[str, Any] = {}
        empty = bool(request.get("empty"))
        if empty:
            self.released = False
        self._scripts = [self._script()]

    def configuring(self, connection: Connection, options: dict[str, Any]) -> None:
        """As for a migration; notes whether env.py decides on batches, and keeps the ledger out of sight."""
        super().configuring(connection, options)
        theirs = options.get("include_name") or (lambda name, kind, parents: True)
        options["include_name"] = lambda *asked: is_shown(*asked) and theirs(*asked)
        self._batch_said = "render_as_batch" in options
        options["template_args"] = {**(options.get("template_args") or {})}
        self._arguments = options["template_args"]

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        """Apply what the plan says comes first, then draft."""
        if self._request.get("empty"):
            self._context = AutogenContext(context, autogenerate=False)
            self._hook(context)
            self._drafted = True
            return
        heads = self.prepare(context)
        if self._plan(context, heads):
            proceed()
            self._verify(context)
        self.released = False
        self._draft(context)
        self._hook(context)
        self._drafted = True

    def finish(self) -> None:
        """Nothing is meant to be committed."""

    def answer(self) -> dict[str, Any]:
        """The answer to the request."""
        if not self._scripts:
            return {
                "released": False,
                **_nothing(),
                "rename_candidates": [list(row) for row in self._candidates],
            }
        script = self._scripts[0]
        rendered = render_script(
            alembic_config(self.session),
            script_directory(self.session),
            script,
            _parents(self._request),
            self._context,
            self._arguments,
        )
        return {
            "released": False,
            "revision": str(script.rev_id),
            "folder": str(rendered.folder),
            "filename": rendered.filename,
            "text": rendered.text,
            "uncovered": [list(key) for key in self._uncovered],
            "drops": self._drops,
            "rename_candidates": [list(row) for row in self._candidates],
            "empty": all(operations.is_empty() for operations in script.upgrade_ops_list),
        }

    def _script(self) -> ops.MigrationScript:
        request = self._request
        return ops.MigrationScript(
            request.get("revision") or rev_id(),
            ops.UpgradeOps([]),
            ops.DowngradeOps([]),
            message=request.get("message"),
            splice=request.get("splice"),
            branch_label=request.get("branch_label"),
            version_path=request.get("version_path"),
            depends_on=request.get("depends_on"),
        )

    def _draft(self, context: MigrationContext) -> None:
        connection = context.connection
        assert connection is not None
        self._dialect = context.dialect.name
        metadata = _target(self.session, context)
        produced = produce_migrations(context, metadata)  # type: ignore[arg-type]
        assert produced.upgrade_ops is not None
        found = list(produced.upgrade_ops.ops)
        self._context = AutogenContext(context, autogenerate=False)
        rows = self._request.get("changes")
        upgrade = found if rows is None else self._cut_down(found, rows, metadata, connection)
        name_constraints(upgrade, self._dialect)
        if self._dialect == "sqlite":
            if not self._batch_said and any(map(needs_rebuild, upgrade)):
                self._context.opts["render_as_batch"] = True
            if self._context.opts.get("render_as_batch"):
                keep_checks(upgrade, DatabaseObjects(connection), [row[3] for row in rows or () if row[3]])
        operations = ops.UpgradeOps(upgrade, upgrade_token=context.opts["upgrade_token"])
        down = operations.reverse_into(ops.DowngradeOps([], downgrade_token=context.opts["downgrade_token"]))
        if not self._drafted:
            self._scripts[0].upgrade_ops, self._scripts[0].downgrade_ops = operations, down
        else:  # the next of several databases
            self._scripts[0]._upgrade_ops.append(operations)
            self._scripts[0]._downgrade_ops.append(down)

    def _cut_down(
        self, found: list[ops.MigrateOperation], rows: Sequence[Any], metadata: Any, connection: Connection
    ) -> list[ops.MigrateOperation]:
        database = DatabaseObjects(connection)
        changes = Changes(
            {(kind, table, name): (before, after) for kind, table, name, before, after in rows},
            database.default_schema,
        )
        renames = [(table, old, new) for table, old, new in self._request.get("renames") or ()]
        self._candidates += candidates(changes, renames)
        renames = cover_renames(changes, renames)
        self._drops += _losses(changes, renames)
        several = list(metadata) if isinstance(metadata, (list, tuple)) else [metadata]
        models = ModelObjects(several, connection)
        upgrade = _kept(found, changes, _renamed(renames))
        writer = Writer(upgrade, changes, models, database, self._dialect)
        write_renames(upgrade, changes, renames, models, database, writer)
        if self._dialect == "postgresql":
            write_enums(upgrade, changes, models)
        writer.write()
        self._uncovered += writer.uncovered
        return [
            operation
            for operation in upgrade
            if not isinstance(operation, ops.ModifyTableOps) or operation.ops
        ]

    def _hook(self, context: MigrationContext) -> None:
        hook = context.opts.get("process_revision_directives")
        if hook:
            hook(context, tuple(_parents(self._request)), self._scripts)

    def _confirm(self, connection: Connection) -> None:
        # Before the draft this is a transaction of its own: the plan was told so.
        if self._drafted:
            connection.connection.rollback()
            raise Stopped

    def _committing(self, connection: Connection) -> None:
        if self._drafted:
            self._confirm(connection)
        super()._committing(connection)


def _kept(
    found: Sequence[ops.MigrateOperation], changes: Changes, renamed: set[Key]
) -> list[ops.MigrateOperation]:
    kept: list[ops.MigrateOperation] = []
    for operation in found:
        for inner in operation.ops if isinstance(operation, ops.ModifyTableOps) else ():
            find_stuck(inner, changes)
    for operation in found:
        if isinstance(operation, ops.ModifyTableOps):
            few = [
                each
                for each in operation.ops
                if not _is_renamed(each, changes, renamed) and keep(each, changes)
            ]
            kept.append(ops.ModifyTableOps(operation.table_name, few, schema=operation.schema))
        elif keep(operation, changes):
            kept.append(operation)
    return kept


def _is_renamed(operation: ops.MigrateOperation, changes: Changes, renamed: set[Key]) -> bool:
    if isinstance(operation, ops.AddColumnOp):
        name = str(operation.column.name)
    elif isinstance(operation, ops.DropColumnOp):
        name = operation.column_name
    else:
        return False
    return any(
        ("column", table, name) in renamed for table in changes.tables(operation.schema, operation.table_name)
    )


def _renamed(renames: Sequence[Rename]) -> set[Key]:
    return {("column", table, name) for table, old, new in renames for name in (old, new)}


def _losses(changes: Changes, renames: Sequence[Rename]) -> list[str]:
    """Tables and columns that go with what they hold."""
    renamed = _renamed(renames)
    gone = [key for key, (_, after) in changes.all.items() if after is None and key not in renamed]
    tables = {key[1] for key in gone if key[0] == "table"}
    lost = [f"table {table}" for table in sorted(tables)]
    return lost + [
        f"column {key[1]}.{key[2]}" for key in sorted(gone) if key[0] == "column" and key[1] not in tables
    ]


def _target(session: Session, context: MigrationContext) -> MetaData | Sequence[MetaData]:
    target: MetaData | Sequence[MetaData] | None = context.opts.get("target_metadata")
    if target is None and session.options.metadata:
        target = capture(session).targets[0].metadata
        context.opts["target_metadata"] = target
    if target is None:
        raise Stopped(Failure("no-metadata", "env.py gives configure() no target_metadata"))
    return target


def _parents(request: dict[str, Any]) -> list[str]:
    head = request.get("head") or []
    return [head] if isinstance(head, str) else list(head)


def _revision_environment(config: Any) -> bool:
    option = getattr(config, "get_alembic_option", config.get_main_option)("revision_environment")
    return str(option).lower() in ("true", "1", "yes", "on", "t", "y")


def _nothing() -> dict[str, Any]:
    return {
        "revision": "",
        "folder": "",
        "filename": "",
        "text": "",
        "uncovered": [],
        "drops": [],
        "rename_candidates": [],
        "empty": True,
    }
