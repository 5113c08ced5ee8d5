"""The ``migrate`` request: move the database on the command line's word."""

from __future__ import annotations

from typing import Any

from ..environment.heads import no_new_files
from ..moving.migration import Migration, run_migration
from ..session import Session


def migrate(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The ``migrate`` request: asks ``plan`` under the lock, applies, asks ``commit``.

    An SQLite file that is not there is made only once a plan for it is to be carried out: ``plan`` is asked
    on an empty database in memory first, with ``provisional``, and then again. ``operation`` is one that the
    command line asks about: ``plan`` says how many rows the ledger has of it.

    Returns ``{heads, committed, database, steps, parked, back, unparked, unread}``: ``committed`` whether
    everything planned was committed, ``steps`` how many steps were, ``heads`` what the version table holds
    now; the last four are those of :class:`Parking`. Raises Failure("migration") with ``committed`` (steps),
    ``revision``, ``action``, ``previous`` (the step before), ``statement``, ``sqlstate``, ``partial``: the
    revision of which something was committed before its step was done, or None; where the database takes no
    DDL back, the one that failed. Failure("blocked") has the same, where a statement waited for another
    session's lock in vain; Failure("lock") has ``holder``, and ``lost`` where the lock was held and is not
    any more.
    """
    missing: list[Any] = []
    migration = Migration(session, request, missing)
    with no_new_files(missing, folders=False):
        _run(session, migration)
    if migration.again:
        migration = Migration(session, request, [])
        _run(session, migration)
    migration.finish()
    return migration.result()


def _run(session: Session, migration: Migration) -> None:
    try:
        run_migration(session, migration)
    finally:
        migration.release()
