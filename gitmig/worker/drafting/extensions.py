"""What extensions of autogenerate look into a database for: views, say, which no MetaData holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from alembic.autogenerate import comparators
from alembic.operations import ops

from ..channel import Failure
from ..environment.heads import no_new_files
from ..environment.run import run_environment
from ..session import Session
from .from_database import FromDatabase

_WITH_FACETS = (
    *(ops.ModifyTableOps, ops.CreateTableOp, ops.DropTableOp, ops.CreateIndexOp, ops.DropIndexOp),
    *(ops.AddConstraintOp, ops.DropConstraintOp, ops.CreateTableCommentOp, ops.DropTableCommentOp),
    *(ops.AddColumnOp, ops.DropColumnOp, ops.AlterColumnOp),
)
"""What the difference of the models says already."""


def extensions() -> list[str]:
    """The modules that have registered with autogenerate, but for Alembic's own, and one for enumerations."""
    modules = {str(function.__module__) for function in _functions(comparators._registry.values())}
    mine = ("alembic.", "_gitmig.", "gitmig.", "alembic_postgresql_enum")
    return sorted({module for module in modules if not module.startswith(mine)})


def found_by_extensions(
    session: Session, request: dict[str, Any]
) -> tuple[list[ops.MigrateOperation], list[str]]:
    """Their operations for the reached database; and in words what was not asked, if none can be reached.

    Asks ``plan`` for what to apply first; everything is rolled back.
    """
    names = extensions()
    if not names:
        return [], []
    looking = FromDatabase(session, request)
    try:
        with no_new_files([]):
            run_environment(session, looking)
    except Failure as failure:
        if failure.kind != "database":
            raise
        return [], [f"{name} was not asked: the database cannot be reached" for name in names]
    finally:
        looking.release()
    # An env.py that registers something does so each time that it runs.
    once = {str(each.to_diff_tuple()): each for each in looking.found if not isinstance(each, _WITH_FACETS)}
    return list(once.values()), []


def reversed_of(operation: ops.MigrateOperation) -> ops.MigrateOperation | None:
    """The way back, if the extension has one."""
    try:
        return operation.reverse()
    except NotImplementedError:
        return None


def _functions(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if callable(value):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _functions(value)
