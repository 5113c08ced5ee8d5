"""What a database holds of what the models describe, as the proofs and ``drift`` compare it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Set
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    UniqueConstraint,
)

from ..environment.target import Configured, capture
from ..importing.tracebacks import project_code
from ..schema.column_parts import without
from ..schema.description import describe
from ..schema.facets import Facet, facets_of, plain_dialect
from ..schema.filters import Filters
from ..session import Session
from .scratch import Unprovable

_NAME = re.compile(r'CONSTRAINT ("(?:[^"]|"")+"|\S+) ')
_ASKED = {
    "table": "table",
    "column": "column",
    "index": "index",
    "unique": "unique_constraint",
    "foreign key": "foreign_key_constraint",
}
"""What env.py's filters call the kinds of facets that they are asked about."""

_COMPUTED = re.compile(r" GENERATED ALWAYS AS \((?!.*\) (?:STORED|VIRTUAL)\b)", re.DOTALL)
Guard = Callable[[Connection], AbstractContextManager[Any]]


def models_facets(session: Session) -> list[Facet]:
    """The facets of the models here."""
    target = only_target(session)
    with project_code(session):
        filters = Filters(target.options, session.options.exclude)
        return facets_of(target.metadata, plain_dialect(target.dialect), filters)


def only_target(session: Session) -> Configured:
    """What env.py configures when it runs offline. Raises Unprovable if it does so for several databases."""
    targets = capture(session).targets
    if len(targets) > 1:
        raise Unprovable("env.py is for several databases")
    return targets[0]


class DatabaseReader:
    """Describes databases by env.py's filters, beside the models here or those whose facets are ``like``.

    Made before env.py is run for a connection: the filters are what it says when it runs offline.
    """

    def __init__(
        self,
        session: Session,
        excluded: Iterable[str],
        like: Iterable[Any] | None = None,
        named: Iterable[tuple[str, ...]] = (),
        target: Configured | None = None,
    ):
        target = target or only_target(session)
        facets = [tuple(row) for row in like] if like is not None else models_facets(session)
        schemas = {table.rpartition(".")[0] or None for kind, table, _, _ in facets if kind == "table"}
        self._schemas = schemas | {t.schema for item in target.metadata for t in item.tables.values()}
        self._named = frozenset(
            (kind, table, found[1].strip('"'))
            for kind, table, _, ddl in facets
            if (found := _NAME.match(ddl)) is not None
        ) | {(kind, table, name) for kind, table, name in named}
        # What a computed column is if its model does not say so depends on PostgreSQL's version.
        self._left_open = {facet[:3] for facet in facets if _COMPUTED.search(facet[3])}
        filters = Filters(target.options, session.options.exclude)
        self._uncompared = filters.uncompared
        self._wanted = _Wanted(filters, facets, excluded)
        self._session = session

    def describe(
        self, connection: Connection, guard: Guard = nullcontext, tables: Set[str] | None = None
    ) -> list[Facet]:
        """What a database holds, read under a guard; of its tables just some, if they are named."""

        def wanted(kind: str, table: str, name: str) -> bool:
            return (tables is None or not table or table in tables) and self._wanted(kind, table, name)

        with project_code(self._session), guard(connection):
            found = describe(connection, self._schemas, self._named, wanted)
        of_columns = self._of_columns(connection)
        return [
            (kind, table, name, of_columns((kind, table, name), ddl) if kind == "column" else ddl)
            for kind, table, name, ddl in found
        ]

    def _of_columns(self, connection: Connection) -> Callable[[tuple[str, str, str], str], str]:
        """What makes columns comparable: without what env.py does not compare, whatever the version."""
        version = connection.dialect.server_version_info or ()
        usual = " VIRTUAL" if version >= (18,) else " STORED"
        left_open = self._left_open if connection.dialect.name == "postgresql" else set()

        def comparable(place: tuple[str, str, str], ddl: str) -> str:
            ddl = without(ddl, self._uncompared) if self._uncompared else ddl
            return ddl.replace(f"){usual}", ")") if place in left_open else ddl

        return comparable


class _Wanted:
    """What of a database is described: of what the models do not have, what env.py would let pass."""

    def __init__(self, filters: Filters, facets: Iterable[tuple[Any, ...]], excluded: Iterable[str]):
        self._filters = filters
        self._known = {facet[:3] for facet in facets}
        self._excluded = frozenset(excluded)

    def __call__(self, kind: str, table: str, name: str) -> bool:
        if (kind, table, name) in self._known or kind not in _ASKED:
            return True
        schema, _, plain_name = table.rpartition(".")
        stub = Table(plain_name, MetaData(), Column(name or "id", Integer), schema=schema or None)
        if kind == "table":
            return (
                table not in self._excluded
                and self._filters.table(stub)
                and self._filters.found(stub, stub.name, "table", stub)
            )
        column = stub.columns[0]
        item: Any = column
        match kind:
            case "index":
                item = Index(name, column)
            case "unique":
                item = UniqueConstraint(column, name=name)
            case "foreign key":
                item = ForeignKeyConstraint([column], [column], name=name)
        return self._filters.found(item, name, _ASKED[kind], stub)
