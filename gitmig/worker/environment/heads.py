"""Where the configured database stands. Looking changes nothing and creates nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, Inspector, MetaData, event, inspect
from sqlalchemy.exc import DBAPIError

from ..hidden import TABLE
from ..locking.blockers import reading
from ..session import Session
from .ledger import Ledger, ledger_facts
from .run import EnvRun, database_name, run_environment
from .sqlite import has_folder, is_missing_file


def read_heads(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The ``heads`` request: ``{database, exists, versioned, heads, tables, models_tables, environment,
    ledger, databases}``.

    An SQLite file that is not there is not made: env.py is given an empty database in memory instead.
    ``tables`` counts those of the default schema without Alembic's and ours, ``models_tables`` those of the
    target metadata that are there. ``ledger`` is the last row of each revision, or None. With an env.py for
    several databases the answer is the first one, and all of them in ``databases``.
    """
    look = _Look(session.options.section)
    with no_new_files(look.missing):
        run_environment(session, look)
    return {**look.found[0], "databases": look.found}


def find_present(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """The ``present`` request: ``{there}``, for each of ``places`` ``[table, column]`` whether it is there.

    A table is named ``schema.table`` where it has a schema; without a column the table alone is asked for.
    """
    search = _Search(request["places"])
    with no_new_files([]):
        run_environment(session, search)
    return {"there": [any(found) for found in zip(*search.found, strict=True)]}


class _Search(EnvRun):
    def __init__(self, places: list[list[str]]) -> None:
        self._places = places
        self.found: list[list[bool]] = []

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        assert context.connection is not None
        with reading(context.connection):
            inspector = inspect(context.connection)
            self.found.append([self._there(inspector, *place) for place in self._places])

    def _there(self, inspector: Inspector, key: str, column: str) -> bool:
        schema, _, name = key.rpartition(".")
        if not inspector.has_table(name, schema=schema or None):
            return False
        columns = inspector.get_columns(name, schema=schema or None) if column else []
        return not column or any(each["name"] == column for each in columns)


class _Look(EnvRun):
    def __init__(self, section: str) -> None:
        self._section = section
        self.missing: list[Any] = []
        self.found: list[dict[str, Any]] = []

    def running(self, context: MigrationContext, proceed: Callable[[], None]) -> None:
        connection = context.connection
        assert connection is not None
        with reading(connection):
            self.found.append(self._seen(context, connection))

    def _seen(self, context: MigrationContext, connection: Connection) -> dict[str, Any]:
        heads = context.get_current_heads()
        inspector = inspect(connection)
        there = set(inspector.get_table_names())
        versions, schema = context.version_table, context.version_table_schema
        return {
            "database": database_name(connection.engine.url),
            "exists": not self._stands_in(connection),
            "versioned": inspector.has_table(versions, schema=schema),
            "heads": list(heads),
            "tables": len(there - {versions, TABLE}),
            "models_tables": _models_tables(context, connection, there),
            **self._ledger(context),
        }

    def _ledger(self, context: MigrationContext) -> dict[str, Any]:
        ledger = Ledger(context, self._section)
        try:
            return ledger_facts(ledger)
        except DBAPIError:
            # This user may not read it, which is no reason to say nothing of the database.
            return {"environment": ledger.environment, "ledger": None}

    def _stands_in(self, connection: Connection) -> bool:
        return any(connection.connection.dbapi_connection is made for made in self.missing)


def what_is_there(context: MigrationContext) -> dict[str, Any]:
    """``{versioned, models_tables}`` of the database that a run is connected to."""
    connection = context.connection
    assert connection is not None
    inspector = inspect(connection)
    return {
        "versioned": inspector.has_table(context.version_table, schema=context.version_table_schema),
        "models_tables": _models_tables(context, connection, set(inspector.get_table_names())),
    }


def _models_tables(context: MigrationContext, connection: Connection, there: set[str]) -> int:
    inspector = inspect(connection)
    names: dict[str | None, set[str]] = {None: there}
    count = 0
    for metadata in _metadata(context):
        for table in metadata.tables.values():
            if table.schema not in names:
                names[table.schema] = set(inspector.get_table_names(schema=table.schema))
            count += table.name in names[table.schema]
    return count


def _metadata(context: MigrationContext) -> list[MetaData]:
    target = context.opts.get("target_metadata")
    several = target if isinstance(target, (list, tuple)) else [target]
    return [metadata for metadata in several if isinstance(metadata, MetaData)]


@contextmanager
def no_new_files(missing: list[Any], *, folders: bool = True) -> Iterator[None]:
    """While this lasts, SQLite files that are not there are stood in for by empty databases in memory.

    Without ``folders`` one whose folder is not there either is not: connecting is to fail.
    """

    def connecting(dialect: Any, record: Any, arguments: Any, options: dict[str, Any]) -> Any:
        if dialect.name != "sqlite" or not arguments:
            return None
        path, uri = str(arguments[0]), bool(options.get("uri"))
        if not is_missing_file(path, uri) or not (folders or has_folder(path, uri)):
            return None
        made = dialect.connect(":memory:", **{k: v for k, v in options.items() if k != "uri"})
        missing.append(made)
        records.append(record)
        return made

    records: list[Any] = []
    event.listen(Engine, "do_connect", connecting)
    try:
        yield
    finally:
        event.remove(Engine, "do_connect", connecting)
        for record in records:
            # The project's own engine may have a pool, and would go on with the database in memory.
            record.invalidate()
