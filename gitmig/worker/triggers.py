"""What a database does of itself when rows are written: triggers, late constraints, sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from .tables import Place, quoted, run

_ENABLED = {"O": "ENABLE", "A": "ENABLE ALWAYS", "R": "ENABLE REPLICA"}


@contextmanager
def silenced(connection: Connection, place: Place) -> Iterator[None]:
    """Without the table's own triggers: rows that come back did not change."""
    if connection.dialect.name == "sqlite":
        found = run(
            connection,
            "SELECT name, sql FROM main.sqlite_master WHERE type = 'trigger' AND tbl_name = :table",
            table=place.table,
        ).all()
        for name, _ in found:
            run(connection, f"DROP TRIGGER main.{quoted(name)}")
        yield
        for _, sql in found:
            connection.exec_driver_sql(sql)
        return
    found = run(
        connection,
        "SELECT tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal AND tgenabled::text <> 'D' "
        "AND tgrelid = to_regclass(CAST(:name AS text))",
        name=place.sql.replace("\\:", ":"),
    ).all()
    for name, _ in found:
        run(connection, f"ALTER TABLE {place.sql} DISABLE TRIGGER {quoted(name)}")
    yield
    for name, state in found:
        run(connection, f"ALTER TABLE {place.sql} {_ENABLED[state]} TRIGGER {quoted(name)}")


@contextmanager
def late_constraints(connection: Connection, constraints: Sequence[tuple[Place, str]]) -> Iterator[None]:
    """Foreign keys that are looked at when everything is written; they are as before afterwards.

    Raises DBAPIError at the end where one is violated. SQLite looks at none while a migration runs.
    """
    late = [] if connection.dialect.name == "sqlite" else list(constraints)
    before = []
    for place, name in late:
        kind = run(
            connection,
            "SELECT condeferrable, condeferred FROM pg_constraint WHERE conname = :name AND contype = 'f' "
            "AND conrelid = to_regclass(CAST(:table AS text))",
            name=name,
            table=place.sql.replace("\\:", ":"),
        ).one()
        before.append(
            "NOT DEFERRABLE"
            if not kind[0]
            else f"DEFERRABLE INITIALLY {'DEFERRED' if kind[1] else 'IMMEDIATE'}"
        )
        run(
            connection,
            f"ALTER TABLE {place.sql} ALTER CONSTRAINT {quoted(name)} DEFERRABLE INITIALLY DEFERRED",
        )
    yield
    for (place, name), kind in zip(late, before, strict=True):
        run(connection, f"SET CONSTRAINTS {quoted(place.schema)}.{quoted(name)} IMMEDIATE")
        run(connection, f"ALTER TABLE {place.sql} ALTER CONSTRAINT {quoted(name)} {kind}")


def check_late(connection: Connection, place: Place, without: set[str]) -> None:
    """Look at the table's own late constraints now: what waits for them keeps the table from being altered.

    ``without`` are those that :func:`late_constraints` looks at. Raises DBAPIError where one is violated.
    """
    if connection.dialect.name == "sqlite":
        return
    found = run(
        connection,
        "SELECT conname FROM pg_constraint WHERE condeferred AND conrelid = to_regclass(CAST(:name AS text))",
        name=place.sql.replace("\\:", ":"),
    ).scalars()
    late = [f"{quoted(place.schema)}.{quoted(name)}" for name in found if name not in without]
    if late:
        run(connection, f"SET CONSTRAINTS {', '.join(late)} IMMEDIATE")
        run(connection, f"SET CONSTRAINTS {', '.join(late)} DEFERRED")


def advance_sequences(connection: Connection, place: Place, columns: Sequence[str]) -> None:
    """Sequences that fill these columns go on after the largest value. SQLite's do so by themselves."""
    if connection.dialect.name == "sqlite":
        return
    table = place.sql.replace("\\:", ":")
    for column in columns:
        sequence = run(
            connection,
            "SELECT pg_get_serial_sequence(CAST(:table AS text), CAST(:column AS text))",
            table=table,
            column=column,
        ).scalar()
        if sequence is not None:
            name = str(sequence).replace(":", "\\:")
            run(
                connection,
                f"SELECT setval(CAST(:sequence AS regclass), largest) FROM (SELECT max({quoted(column)}) "
                f"AS largest FROM {place.sql}) found WHERE largest >= (SELECT last_value FROM {name})",
                sequence=sequence,
            )
