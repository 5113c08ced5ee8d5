"""What a database holds, asked of its driver directly: neither SQLAlchemy's engine nor gitmig is involved."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Protocol

import psycopg2
import pymysql
from sqlalchemy import URL, make_url

Rows = tuple[tuple[object, ...], ...]


class Cursor(Protocol):
    """The part of a DB-API cursor that is used here."""

    def execute(self, statement: str, /) -> object: ...
    def fetchall(self) -> Iterable[Iterable[object]]: ...
    def close(self) -> None: ...


class Connection(Protocol):
    """The part of a DB-API connection that is used here."""

    def cursor(self) -> Cursor: ...
    def close(self) -> None: ...


_POSTGRES_DUMP = (
    "select 'schema', nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'",
    """select 'column', table_schema, table_name, column_name, udt_name, character_maximum_length,
           is_nullable, column_default, collation_name, is_identity
       from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema')
       order by table_schema, table_name, ordinal_position""",
    """select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(c.oid)
       from pg_constraint c join pg_namespace n on n.oid = connamespace
       where nspname not in ('pg_catalog', 'information_schema') order by 2, 3""",
    """select 'index', indexdef from pg_indexes
       where schemaname not in ('pg_catalog', 'information_schema') order by 2""",
    """select 'enum', typname, enumlabel from pg_enum join pg_type t on t.oid = enumtypid
       order by typname, enumsortorder""",
    "select 'sequence', schemaname, sequencename from pg_sequences order by 2, 3",
    """select 'comment', objoid::regclass::text, objsubid, description from pg_description
       where classoid = 'pg_class'::regclass and objoid >= 16384 order by 2, 3""",
)
_POSTGRES_TABLES = """select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') order by 1"""
_MYSQL_TABLES = """select concat('`', table_name, '`') from information_schema.tables
    where table_schema = database() order by 1"""


def query(url: str, statement: str) -> Rows:
    """The rows of one statement."""
    with closing(_connection(make_url(url))) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        return tuple(tuple(row) for row in cursor.fetchall())


def execute(url: str, statement: str) -> None:
    """Run one statement outside any transaction."""
    with closing(_connection(make_url(url))) as connection, closing(connection.cursor()) as cursor:
        cursor.execute(statement)


def end_sessions(url: str) -> None:
    """Have the server end all other sessions of a database, as an administrator would."""
    if url.startswith("postgresql"):
        others = "datname = current_database() and pid <> pg_backend_pid()"
        query(url, f"select pg_terminate_backend(pid) from pg_stat_activity where {others}")
        return
    others = "db = database() and id <> connection_id()"
    for (number,) in query(url, f"select id from information_schema.processlist where {others}"):
        with suppress(pymysql.err.OperationalError):  # it has just ended
            execute(url, f"kill {number}")


def exists(url: str) -> bool:
    """Whether there is a database: an SQLite file may not be there yet. Asking does not make it."""
    parsed = make_url(url)
    return parsed.get_backend_name() != "sqlite" or _file(parsed).exists()


def heads(url: str) -> tuple[str, ...]:
    """What Alembic's version table holds, sorted; nothing where there is no such table."""
    if not exists(url) or "alembic_version" not in tables(url):
        return ()
    return tuple(sorted(str(row[0]) for row in query(url, "select version_num from alembic_version")))


def tables(url: str) -> tuple[str, ...]:
    """The names of the tables, sorted, in the default schema."""
    if not exists(url):
        return ()
    match make_url(url).get_backend_name():
        case "sqlite":
            listing = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        case "postgresql":
            listing = "select tablename from pg_tables where schemaname = current_schema()"
        case _:
            listing = "select table_name from information_schema.tables where table_schema = database()"
    return tuple(sorted(str(row[0]) for row in query(url, listing)))


def columns(url: str, table: str) -> tuple[str, ...]:
    """The names of a table's columns in their order; nothing where there is no such table."""
    if not exists(url):
        return ()
    match make_url(url).get_backend_name():
        case "sqlite":
            listing = f"select name from pragma_table_info('{table}') order by cid"
        case backend:
            schema = "current_schema()" if backend == "postgresql" else "database()"
            listing = f"""select column_name from information_schema.columns
                where table_name = '{table}' and table_schema = {schema} order by ordinal_position"""
    return tuple(str(row[0]) for row in query(url, listing))


def dump(url: str) -> tuple[str, ...] | None:
    """Schema and rows as lines, equal for databases that hold the same; None for a file that is not there."""
    return tuple(_dump(url)) if exists(url) else None


def _dump(url: str) -> Iterator[str]:
    match make_url(url).get_backend_name():
        case "sqlite":
            with closing(_sqlite(_file(make_url(url)))) as connection:
                yield from connection.iterdump()
        case "postgresql":
            for statement in _POSTGRES_DUMP:
                yield from (repr(row) for row in query(url, statement))
            for (table,) in query(url, _POSTGRES_TABLES):
                yield from _rows(url, table, f"select t::text from {table} t order by 1")
        case _:
            for (table,) in query(url, _MYSQL_TABLES):
                yield from _rows(url, table, f"show create table {table}")
                yield from sorted(_rows(url, table, f"select * from {table}"))


def _rows(url: str, table: object, statement: str) -> Iterator[str]:
    return (f"{table}: {row!r}" for row in query(url, statement))


def _connection(url: URL) -> Connection:
    match url.get_backend_name():
        case "sqlite":
            return _sqlite(_file(url))
        case "postgresql":
            connection = psycopg2.connect(
                url.set(drivername="postgresql").render_as_string(hide_password=False)
            )
            connection.autocommit = True
            return connection
        case _:
            socket = url.query.get("unix_socket")
            return pymysql.connect(
                user=url.username,
                password=url.password or "",
                host=url.host,
                port=url.port or 3306,
                database=url.database,
                unix_socket=socket if isinstance(socket, str) else None,
                autocommit=True,
            )


def _sqlite(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file.resolve().as_uri() + "?mode=rw", uri=True, isolation_level=None)


def _file(url: URL) -> Path:
    return Path(url.database or "")
