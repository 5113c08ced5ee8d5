"""One change of models on a real database with rows: drafted, applied, undone, applied again.

Each state is compared with what the models themselves make, as the database describes both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from tests import database, drafts_mariadb, servers
from tests.worker_moves.child import Child, Json, Project

OWN_TYPES = """\
from sqlalchemy.dialects import postgresql as pg


class Cents(sa.types.TypeDecorator):
    impl = sa.Integer
    cache_ok = True


class Name(sa.types.UserDefinedType):
    cache_ok = True

    def __init__(self, length):
        self.length = length

    def get_col_spec(self, **options):
        return f"VARCHAR({self.length})"


"""
Facets = list[list[str]]
_NOWHERE = {
    "postgresql": "postgresql+psycopg2://nobody@127.0.0.1:1/none",
    "mysql": "mysql+pymysql://nobody@127.0.0.1:1/none",
}
"""No draft needs a database."""


class Trip:
    """Both versions of the models, each in a worker of its own."""

    def __init__(self, project: Project, before: str, after: str, fresh: Callable[[str], str]):
        """``fresh`` makes an empty database of a name, and returns its URL."""
        self._project = project
        self._fresh = fresh
        self._before = before
        self._after = after
        self.old = self._worker(before)
        self.new = self._worker(after)
        old, new = _schema(self.old), _schema(self.new)
        keys = sorted({*old, *new})
        self.rows = [[*key, old.get(key), new.get(key)] for key in keys if old.get(key) != new.get(key)]

    def draft(self, **data: Any) -> Json:
        """The draft, without any database."""
        request = {"revision": "b2", "message": "next", "head": ["a1"], "changes": self.rows, **data}
        return self.new.request("draft", {"parent": self._parent}, **request)

    def by_alembic(self) -> Json:
        """What Alembic's own autogenerate drafts, for the project's database with the old models' tables."""
        self._part(self.old, "create", self._project.url)
        answers = {"plan": lambda ask: {"graphs": [], "steps": [], "expect": ask["heads"]}}
        request = {"revision": "b2", "message": "next", "head": ["a1"], "changes": None, "wait": 5}
        return self.new.request("draft", answers, **request)

    def travel(self, drafted: Json, *, rows: bool = True) -> None:
        """Up, down and up again, with ``rows``; fails where a state is not that of the models."""
        path = self._project.top / "alembic" / "versions" / "b2.py"
        path.write_text(drafted["text"], encoding="utf-8")
        url, wanted = self._fresh("moved"), self._fresh("models")
        excluded = self._part(self.old, "create", url)["excluded"]
        excluded += self._part(self.new, "create", wanted)["excluded"]
        if rows:
            insert_rows(url, self._before)
        start = self._described(url, excluded, self._before)
        goal = self._described(wanted, excluded, self._after)
        for source, wanted_there, models, moved in (
            ("a1", goal, self._after, {"stamp": True}),
            ("b2", start, self._before, {"down": True}),
            ("a1", goal, self._after, {}),
        ):
            self._move(url, source, str(path), **moved)
            assert _differing(self._described(url, excluded, models), wanted_there) == [], drafted["text"]

    def _worker(self, models: str) -> Child:
        self._project.models(OWN_TYPES + models)
        child = self._project.child()
        child.request("schema")  # the import has to be over before the file is another
        return child

    def _parent(self, ask: Json) -> Json:
        asked = {key: value for key, value in ask.items() if key != "ask"}
        return self.old.request("parent", **asked)

    def _described(self, url: str, excluded: list[str], models: str) -> Facets:
        if url.startswith("mysql"):
            return drafts_mariadb.described(url, metadata_of(models))
        facets: Facets = self._part(self.new, "describe", url, excluded=excluded)["facets"]
        return [*facets, *_names(url)]

    def _move(self, url: str, start: str, path: str, *, down: bool = False, stamp: bool = False) -> None:
        graph = [
            {"revision": "a1", "down_revisions": [], "step": False, "path": ""},
            {"revision": "b2", "down_revisions": ["a1"], "step": True, "path": path},
        ]
        for known in graph:
            known |= {"depends_on": [], "branch_labels": []}
        data = {"start": [start], "steps": ["b2"], "graph": graph, "down": down, "stamp": stamp}
        self._part(self.new, "upgrade", url, **data)

    @staticmethod
    def _part(child: Child, part: str, url: str, **data: Any) -> Json:
        return child.request("prove", None, part=part, url=url, limit=60, **data)


@contextmanager
def trip(
    dialect: str,
    before: str,
    after: str,
    fresh: servers.Fresh,
    top: Path,
    options: str = "",
    url: str | None = None,
) -> Iterator[Trip]:
    """A trip of a project that is made in ``top``, at ``url``, else without a database."""
    top.mkdir()
    project = Project.make(top, url or _NOWHERE.get(dialect, f"sqlite:///{top}/x.db"), options=options)
    try:
        yield Trip(project, before, after, lambda name: fresh(dialect, name))
    finally:
        for child in project.children:
            child.close()


def _names(url: str) -> Iterator[list[str]]:
    """Of all that PostgreSQL has a name for, also if models give none (a NOT NULL is found by its column)."""
    if url.startswith("postgresql"):
        for (name,) in database.query(url, _NAMES):
            yield ["name", str(name)]


_NAMES = """
    select name from (
      select conname as name, connamespace as schema from pg_constraint where contype <> 'n'
      union all select relname, relnamespace from pg_class
    ) as named
    where schema::regnamespace::text not similar to 'pg_%|information_schema' and name not like 'alembic%'
    order by 1
"""


def _differing(found: Facets, wanted: Facets) -> Facets:
    return [["found", *row] for row in found if row not in wanted] + [
        ["wanted", *row] for row in wanted if row not in found
    ]


def _schema(child: Child) -> dict[tuple[str, str, str], str]:
    return {(kind, table, name): ddl for kind, table, name, ddl in child.request("schema")["facets"]}


def metadata_of(models: str) -> sa.MetaData:
    """The metadata of models that are given as text."""
    names: dict[str, Any] = {"sa": sa}
    exec("import sqlalchemy as sa\nmetadata = sa.MetaData()\n" + OWN_TYPES + models, names)
    metadata: sa.MetaData = names["metadata"]
    return metadata


def insert_rows(url: str, models: str) -> None:
    """A row in each table of the models, with values for all that may be given."""
    with _connected(url) as connection:
        for table in metadata_of(models).tables.values():
            values = dict(_values(table))
            text = ", ".join(connection.dialect.identifier_preparer.quote(name) for name in values)
            marks = ", ".join(values.values())
            full = connection.dialect.identifier_preparer.format_table(table)
            connection.exec_driver_sql(
                f"INSERT INTO {full} ({text}) VALUES ({marks})"
                if values
                else f"INSERT INTO {full} DEFAULT VALUES"
            )


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET session_replication_role = replica")
        yield connection


def _values(table: sa.Table) -> Iterator[tuple[str, str]]:
    for column in table.columns:
        if column.computed is not None or column.identity is not None:
            continue
        if column.foreign_keys and not column.primary_key:
            continue
        type_: Any = column.type
        if isinstance(type_, sa.Enum):
            yield str(column.name), "'" + str(type_.enums[0]).replace("'", "''") + "'"
        elif (
            isinstance(type_, (sa.Integer, sa.Numeric))
            or getattr(type_, "impl", None).__class__ is sa.Integer
        ):
            yield str(column.name), "1"
        elif isinstance(type_, sa.String) and not isinstance(type_, pg.DOMAIN):
            yield str(column.name), "'1'"
        elif not column.nullable and not column.primary_key and column.server_default is None:
            yield from (
                (str(column.name), value) for kind, value in _OTHERS.items() if isinstance(type_, kind)
            )


_OTHERS = {sa.Boolean: "false", sa.DateTime: "CURRENT_TIMESTAMP", sa.JSON: "'{}'"}
