"""Every row that a downgrade takes is parked, or the downgrade is taken back; up again, every row is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, String, create_engine, event, inspect, text

from gitmig.worker.channel import Failure
from gitmig.worker.parking.run import ParkingPolicy
from gitmig.worker.parking.watching import Parking, parking_of
from tests import database

BASE = (
    "CREATE TABLE t (id integer primary key, name text, other integer)",
    "CREATE TABLE k (a integer, b text)",
    "CREATE TABLE alembic_version (version_num varchar(32))",
)
KEYLESS = "INSERT INTO k (a, b) VALUES (1, 'x'), (1, 'x'), (null, 'y')"
FUNCTION = "CREATE FUNCTION away(what text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE what; END $$"


@dataclass(frozen=True)
class Part:
    """One thing that a revision makes, with rows, and how its downgrade takes it away."""

    up: str
    rows: str
    down: tuple[str, ...]
    parked: bool = True
    """Whether its rows can be parked."""


def _rows(table: str, column: str) -> str:
    return f"UPDATE {table} SET {column} = coalesce(name, '') || '!' WHERE id < 3"


def _batch(table: str, column: str) -> str:
    return f"batch {table} {column}"


def tables(kind: str, n: int) -> list[Part]:
    """Tables that come and go."""
    name, made = f"m{n}", f"CREATE TABLE m{n} (id integer primary key, v text, t_id integer REFERENCES t(id))"
    rows = f"INSERT INTO m{n} VALUES (7, 'seven', 1), (8, null, null)"
    ways: list[tuple[str, ...]] = [
        (f"op table {name}",),
        (f"DROP TABLE {name}",),
        (f"-- it goes\ndrop /* table x */ table if exists {name.upper()}",),
        (f"ALTER TABLE {name} RENAME TO other{n}", f"DROP TABLE other{n}"),
        ("SAVEPOINT s", f"DROP TABLE {name}", "ROLLBACK TO SAVEPOINT s", f"DROP TABLE {name}"),
        (f"ALTER TABLE {name} RENAME TO dropped{n}", f"DROP TABLE dropped{n}"),
        (f"CREATE TABLE help{n} AS SELECT * FROM {name}", f"DROP TABLE {name}", f"DROP TABLE help{n}"),
        (f"ALTER TABLE {name} RENAME TO was{n}", f"CREATE TABLE {name} (id integer primary key)",
         f"INSERT INTO {name} SELECT id FROM was{n}", f"DROP TABLE was{n}", f"DROP TABLE {name}"),
    ]  # fmt: skip
    if kind == "postgresql":
        ways += [
            (f"DO $$ BEGIN IF true THEN EXECUTE 'DROP ' || 'TABLE {name}'; END IF; END $$",),
            (f"SELECT away('drop table {name} cascade')",),
            (f"WITH gone AS (SELECT away('drop table {name}')) SELECT * FROM gone",),
        ]
    keyless = (
        f"CREATE TABLE w{n} (x integer, y text)",
        f"INSERT INTO w{n} VALUES (1, ''), (1, '')",
    )
    return [
        *(Part(made, rows, way) for way in ways),
        Part(*keyless, (f"DROP TABLE w{n}",)),
        *(
            [Part(f"CREATE SCHEMA s{n}; CREATE TABLE s{n}.u (id int primary key, v text)",
                  f"INSERT INTO s{n}.u VALUES (1, 'u')", (f"DROP SCHEMA s{n} CASCADE",))]
            if kind == "postgresql" else []
        ),
    ]  # fmt: skip


def columns(kind: str, n: int) -> list[Part]:
    """Columns of a table that stays."""
    name = f"c{n}"
    made, rows = f"ALTER TABLE t ADD COLUMN {name} text", _rows("t", name)
    ways: list[tuple[str, ...]] = [
        (f"op column t {name}",),
        (f"ALTER TABLE t DROP COLUMN /* no; */ {name}",),
        (_batch("t", name),),
        (f"ALTER TABLE t RENAME COLUMN {name} TO d{n}", f"ALTER TABLE t DROP COLUMN d{n}"),
        (f"ALTER TABLE t RENAME COLUMN {name} TO drop{n}", f"ALTER TABLE t DROP COLUMN drop{n}"),
        (f"ALTER TABLE t RENAME COLUMN {name} TO d{n}", _batch("t", f"d{n}")),
        (
            f"ALTER TABLE t ADD COLUMN e{n} text",
            f"ALTER TABLE t DROP COLUMN {name}",
            f"ALTER TABLE t DROP e{n}",
        ),
    ]
    if kind == "postgresql":
        ways += [
            (f"DO $$ BEGIN ALTER TABLE t DROP {name}; END $$",),
            (f"SELECT away('alter table t drop {name}')",),
        ]
    found = [*(Part(made, rows, way) for way in ways)]
    required = f"required t {name}"
    found += [Part(required, rows, way) for way in ways[:3]]
    found.append(
        Part(f"ALTER TABLE k ADD COLUMN {name} text", f"UPDATE k SET {name} = b",
             (f"ALTER TABLE k DROP COLUMN {name}",), parked=False)
    )  # fmt: skip
    if kind == "postgresql":
        enum = f"CREATE TYPE e{n} AS ENUM ('a', 'b'); ALTER TABLE t ADD COLUMN {name} e{n}"
        found.append(Part(enum, f"UPDATE t SET {name} = 'b' WHERE id = 2", (f"DROP TYPE e{n} CASCADE",)))
    return found


def parts(kind: str) -> st.SearchStrategy[list[Part]]:
    each = [st.sampled_from((tables if n % 2 else columns)(kind, n)) for n in range(6)]
    return st.sets(st.integers(0, 5), min_size=1, max_size=4).flatmap(
        lambda chosen: st.tuples(*(each[n] for n in sorted(chosen))).flatmap(
            lambda several: st.permutations(several)
        )
    )


class Run:
    """A database and its parked rows, moved as the worker moves it."""

    def __init__(self, url: str, folder: Path):
        self.url, self.folder = url, folder
        self.engine = create_engine(url)
        self.kind = self.engine.dialect.name
        if self.kind == "sqlite":
            event.listen(self.engine, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
            event.listen(self.engine, "begin", lambda c: c.exec_driver_sql("BEGIN IMMEDIATE"))
        self.parking: Parking | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection

    def move(self, action: str, apply: Callable[[Operations, Connection], None]) -> list[dict[str, Any]]:
        """Apply one step; what was parked or came back."""
        parking: Parking | None = None
        try:
            with self.transaction() as connection:
                context = MigrationContext.configure(connection)
                order = ParkingPolicy(park=True, folder=str(self.folder), limit=1 << 20)
                parking = parking_of(context, order, "x", transactional=True, announced=())
                assert parking is not None
                operations = Operations(context)
                parking.watch(action, "b2", lambda: apply(operations, connection))
        finally:
            if parking is not None:
                parking.close()
        return parking.parked if action == "downgrade" else parking.back


def carry_out(operations: Operations, connection: Connection, statement: str) -> None:
    postgresql = connection.dialect.name == "postgresql"
    match statement.split():
        case ["op", "table", name]:
            operations.drop_table(name)
        case ["op", "column", table, name]:
            operations.drop_column(table, name)
        case ["batch", table, name]:
            with operations.batch_alter_table(table, recreate="auto" if postgresql else "always") as batch:
                batch.drop_column(name)
        case ["required", table, name]:
            if not postgresql:
                with operations.batch_alter_table(table) as batch:
                    batch.add_column(Column(name, String, nullable=False))
            else:
                operations.add_column(table, Column(name, String, nullable=False))
        case _:
            operations.execute(text(statement.replace(":", "\\:")))


def rows_of(run: Run) -> dict[str, list[str]]:
    """The rows of all tables; a table that was rebuilt may have its columns in another order."""
    found = {}
    with run.transaction() as connection:
        inspector = inspect(connection)
        schemas = [None] if run.kind == "sqlite" else sorted({*inspector.get_schema_names()} - _THEIRS)
        for schema in schemas:
            for table in inspector.get_table_names(schema=schema):
                rows = connection.exec_driver_sql(f'SELECT * FROM "{schema or "main"}"."{table}"').mappings()
                found[f"{schema}.{table}"] = sorted(repr(sorted(row.items())) for row in rows)
    return found


_THEIRS = {"information_schema", "pg_catalog", "gitmig"}


def check(run: Run, several: Sequence[Part], deleted: bool) -> None:
    with run.transaction() as connection:
        operations = Operations(MigrationContext.configure(connection))
        function = [FUNCTION] if run.kind == "postgresql" else []
        for statement in (*BASE, *function):
            connection.exec_driver_sql(statement)
        for part in several:
            carry_out(operations, connection, part.up)
        connection.exec_driver_sql(_filled(several))
        connection.exec_driver_sql(KEYLESS)
        for part in several:
            connection.exec_driver_sql(part.rows)
    before = rows_of(run)

    def down(operations: Operations, connection: Connection) -> None:
        for part in reversed(several):
            for statement in part.down:
                carry_out(operations, connection, statement)

    def up(operations: Operations, connection: Connection) -> None:
        for part in several:
            carry_out(operations, connection, part.up)

    if not all(part.parked for part in several):
        with pytest.raises(Failure) as refused:
            run.move("downgrade", down)
        assert refused.value.kind == "loss"
        assert rows_of(run) == before
        return
    parked = run.move("downgrade", down)
    if deleted:
        database.execute(run.url, "DELETE FROM t WHERE id = 2")
    back = run.move("upgrade", up)
    assert sum(each["rows"] for each in parked) == sum(each["rows"] + each["left"] for each in back)
    if not deleted:
        assert [each for each in back if each["left"]] == []
        assert rows_of(run) == before


def _filled(several: Sequence[Part]) -> str:
    """Rows of ``t``; a column that must not be NULL has a value in each."""
    required = [part.up.split()[2] for part in several if part.up.startswith("required")]
    names = ", ".join(("id", "name", "other", *required))
    rows = ("1, 'one', 10", "2, null, 20", "3, '', null")
    return f"INSERT INTO t ({names}) VALUES " + ", ".join(
        f"({', '.join((row, *(repr('r') for _ in required)))})" for row in rows
    )


_SETTINGS = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@_SETTINGS
@given(parts("sqlite"), st.booleans())
def test_on_sqlite(tmp_path_factory: pytest.TempPathFactory, several: list[Part], deleted: bool) -> None:
    folder = tmp_path_factory.mktemp("database")
    with _made(f"sqlite:///{folder / 'app.db'}", folder) as run:
        check(run, several, deleted)


@_SETTINGS
@given(parts("postgresql"), st.booleans())
def test_on_postgresql(postgres_url: str, tmp_path: Path, several: list[Part], deleted: bool) -> None:
    with _made(postgres_url, tmp_path) as run:
        with run.transaction() as connection:
            for (schema,) in connection.exec_driver_sql(
                "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
            ).all():
                connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
        check(run, several, deleted)


@contextmanager
def _made(url: str, folder: Path) -> Iterator[Run]:
    run = Run(url, folder / "parked")
    try:
        yield run
    finally:
        run.engine.dispose()
