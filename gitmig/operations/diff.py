"""``diff``: the schema difference of two refs, revisions, the index, the work tree, or the live database."""

from __future__ import annotations

from dataclasses import dataclass

from gitmig.core.ddl import statements
from gitmig.core.differences import Rename, TableChanges, by_table, renames
from gitmig.core.schema.facets import FacetChange, Schema, difference
from gitmig.errors import Refused
from gitmig.facts.sides import DATABASE, ComparedSide, schemas_of, side
from gitmig.hooks.notes import note_seen
from gitmig.judging.described import live_beside
from gitmig.project.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """What it takes to get from ``old`` to ``new``."""

    old: ComparedSide
    new: ComparedSide
    dialect: str
    changes: tuple[FacetChange, ...]
    tables: tuple[TableChanges, ...]
    renames: tuple[Rename, ...]
    sql: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not self.changes


def diff(project: Project, a: str, b: str) -> Diff:
    """Compare two sides. Changes nothing; no database is looked at unless ``db`` is named.

    Models that are not in the cache are imported. Raises UnknownRef, Refused, ProjectCodeError; with ``db``
    also DatabaseUnreachable and Unproven.
    """
    old, new = side(project, a), side(project, b)
    if DATABASE in (a, b):
        one, two = _with_database(project, old, new)
    else:
        one, two = schemas_of(project, (old, new))
    changes = difference(one, two)
    return Diff(
        old=old,
        new=new,
        dialect=two.dialect,
        changes=changes,
        tables=by_table(changes),
        renames=renames(changes),
        sql=_statements(one, two, keep=old.is_database),
        warnings=tuple(warning for s in (old, new) if (warning := s.warning)),
    )


def _statements(one: Schema, two: Schema, *, keep: bool) -> tuple[str, ...]:
    """The statements; with ``keep`` a table that only the first has is left alone: it may be another's."""
    tables = [{key.table for key in schema.facets if key.kind == "table"} for schema in (one, two)]
    alone = tables[0] - tables[1] if keep else set()
    kept = {key: ddl for key, ddl in one.facets.items() if key.table not in alone}
    left = [f"-- the table {table} is in the database alone, and is left alone" for table in sorted(alone)]
    return (*left, *statements(Schema(one.dialect, one.sqlalchemy, kept), two))


def _with_database(project: Project, old: ComparedSide, new: ComparedSide) -> tuple[Schema, Schema]:
    """Both sides as the database describes them."""
    other = new if old.is_database else old
    if not other.is_database and not other.is_nothing and other.tree is None:
        raise Refused(
            f"the models of {other.revision} are in no commit: its tables cannot be made on scratch",
            hint="gitmig log",
        )
    with project.workers.one() as worker:
        state = worker.heads()
        note_seen(project, state.name, state.heads)
        found = live_beside(project, other.tree, worker)
    if other.is_database:
        return found.found, found.found
    return (found.found, found.wanted) if old.is_database else (found.wanted, found.found)
