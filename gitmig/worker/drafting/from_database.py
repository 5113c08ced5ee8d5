"""A draft against the reached database: Alembic's own autogenerate, for a parent whose models do not import.

Whatever was done to the database for it is rolled back. Nothing is written to disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alembic.autogenerate.api import AutogenContext, produce_migrations
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, MetaData

from ..channel import Failure
from ..environment.config import alembic_config, script_directory
from ..environment.heads import no_new_files
from ..environment.run import EnvRunStopped
from ..environment.target import capture
from ..hidden import is_shown
from ..moving.migration import Migration, run_migration
from ..session import Session
from .parts import autogenerating, new_script, nothing, parents_of
from .rebuild import needs_rebuild
from .script import render_script


def draft_from_database(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Every difference of the database; asks ``plan`` for what to apply first. Raises like ``migrate``."""
    drafting = FromDatabase(session, request)
    try:
        # Nothing of it stays: a database that is not there is stood in for by an empty one in memory.
        with autogenerating(session, True), no_new_files([]):
            run_migration(session, drafting)
    finally:
        drafting.release()
    return drafting.answer()


class FromDatabase(Migration):
    """A run of env.py that ends in a drafted script instead of a commit."""

    def __init__(self, session: Session, request: dict[str, Any]):
        super().__init__(session, request)
        self._request = request
        self._batch_said = True
        self._drafted = False
        self._context: AutogenContext | None = None
        self._arguments: dict[str, Any] = {}
        self._scripts = [new_script(request)]
        self.found: list[ops.MigrateOperation] = []
        """What autogenerate found there."""

    def configuring(self, connection: Connection, options: dict[str, Any]) -> None:
        """As for a migration; notes whether env.py decides on batches, and keeps the ledger out of sight."""
        super().configuring(connection, options)
        theirs = options.get("include_name") or (lambda name, kind, parents: True)
        options["include_name"] = lambda *asked: is_shown(*asked) and theirs(*asked)
        self._batch_said = "render_as_batch" in options
        self._arguments = options["template_args"] = {**(options.get("template_args") or {})}

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        """Apply what the plan says comes first, then draft."""
        heads = self.prepare(context)
        if self._plan(context, heads):
            proceed()
            self._verify(context)
        self._draft(context)
        hook = context.opts.get("process_revision_directives")
        if hook:
            hook(context, tuple(parents_of(self._request)), self._scripts)
        self._drafted = True

    def finish(self) -> None:
        """Nothing is meant to be committed."""

    def answer(self) -> dict[str, Any]:
        """The answer to the request."""
        if not self._drafted or not self._scripts:
            return nothing()
        script = self._scripts[0]
        rendered = render_script(
            alembic_config(self.session),
            script_directory(self.session),
            script,
            parents_of(self._request),
            self._context,
            self._arguments,
        )
        return nothing() | {
            "revision": str(script.rev_id),
            "folder": str(rendered.folder),
            "filename": rendered.filename,
            "text": rendered.text,
            "empty": all(operations.is_empty() for operations in script.upgrade_ops_list),
        }

    def _draft(self, context: MigrationContext) -> None:
        metadata = _target(self.session, context)
        produced = produce_migrations(context, metadata)  # type: ignore[arg-type]
        assert produced.upgrade_ops is not None
        found = list(produced.upgrade_ops.ops)
        self.found += found
        self._context = AutogenContext(context, autogenerate=False)
        if context.dialect.name == "sqlite" and not self._batch_said and any(map(_rebuilds, found)):
            self._context.opts["render_as_batch"] = True
        operations = ops.UpgradeOps(found, upgrade_token=context.opts["upgrade_token"])
        down = operations.reverse_into(ops.DowngradeOps([], downgrade_token=context.opts["downgrade_token"]))
        if not self._drafted:
            self._scripts[0].upgrade_ops, self._scripts[0].downgrade_ops = operations, down
        else:  # the next of several databases
            self._scripts[0]._upgrade_ops.append(operations)
            self._scripts[0]._downgrade_ops.append(down)

    def _confirm(self, connection: Connection) -> None:
        # Before the draft this is a transaction of its own: the plan knows.
        if self._drafted:
            connection.connection.rollback()
            raise EnvRunStopped

    def _committing(self, connection: Connection) -> None:
        if self._drafted:
            self._confirm(connection)
        super()._committing(connection)


def _rebuilds(operation: ops.MigrateOperation) -> bool:
    if isinstance(operation, ops.ModifyTableOps):
        return any(map(_rebuilds, operation.ops))
    return needs_rebuild(operation) or isinstance(operation, ops.AddConstraintOp | ops.DropConstraintOp)


def _target(session: Session, context: MigrationContext) -> MetaData | Sequence[MetaData]:
    target: MetaData | Sequence[MetaData] | None = context.opts.get("target_metadata")
    if target is None and session.options.metadata:
        target = capture(session).targets[0].metadata
        context.opts["target_metadata"] = target
    if target is None:
        raise EnvRunStopped(Failure("no-metadata", "env.py gives configure() no target_metadata"))
    return target
