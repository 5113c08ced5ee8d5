"""What a person says about a draft beforehand: new names, and values for the rows that are there. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gitmig.core.schema.facets import FacetChange, FacetKey
from gitmig.errors import Refused, UsageError

Named = tuple[str, str, str]
"""Table or type; column or label; new name or value."""


def rename_of(text: str) -> Named:
    """``user.name:full_name`` as a value. Raises UsageError."""
    before, sign, new = text.rpartition(":")
    table, _, old = before.rpartition(".")
    if not sign or not old or not new:
        raise UsageError(f"--rename {text} names nothing", hint="--rename user.name:full_name")
    return table, old, new.rpartition(".")[2] if table and new.startswith(f"{table}.") else new


def fill_of(text: str) -> Named:
    """``user.name='x'`` as a value. Raises UsageError."""
    before, sign, value = text.partition("=")
    table, _, column = before.strip().rpartition(".")
    if not sign or not table or not column or not value.strip():
        raise UsageError(f"--fill {text} names nothing", hint="--fill user.name=\"''\"")
    return table, column, value.strip()


def under_new_tables(renames: Sequence[Named]) -> tuple[Named, ...]:
    """The renames with the new names of tables that get one too."""
    tables = _renamed_tables(renames)
    return tuple((tables.get(table, table), old, new) for table, old, new in renames)


def require_known_names(
    changes: Sequence[FacetChange] | None, renames: Sequence[Named], fills: Iterable[Named]
) -> None:
    """Raises UsageError for a new name or a value that has nothing to do with the difference."""
    keys = {change.key: change for change in changes or ()}
    before = {after: name for name, after in _renamed_tables(renames).items()}
    for table, old, new in renames:
        gone, come = FacetKey("column", before.get(table, table), old), FacetKey("column", table, new)
        if not (
            _comes_and_goes(keys, gone, come)
            or _comes_and_goes(keys, *(FacetKey("table", _qualified(table, name), "") for name in (old, new)))
            or FacetKey("enum", "", table) in keys
        ):
            name = _qualified(table, old)
            raise UsageError(
                f"--rename {name}:{new} is not what the models changed: not both that {name} went and that "
                f"{_qualified(table, new)} came",
                hint="gitmig revise --draft --dry-run",
            )
    for table, column, value in fills:
        change = keys.get(FacetKey("column", table, column))
        if (change is None or not _needs_value(change)) and FacetKey("enum", "", table) not in keys:
            raise UsageError(
                f"--fill {table}.{column}={value} is of no use: the models do not change {table}.{column}",
                hint="gitmig revise --draft --dry-run",
            )


def require_filled(columns: Sequence[str], changes: Iterable[FacetChange]) -> None:
    """Raises Refused if rows that are there would have no value in a column."""
    if columns:
        types = {f"{one.key.table}.{one.key.name}": one.after for one in changes if one.key.kind == "column"}
        more = f" (and {', '.join(columns[1:])})" if columns[1:] else ""
        fills = " ".join(f'--fill {column}="{_example(types.get(column))}"' for column in columns)
        raise Refused(
            f"{columns[0]} may not be NULL{more}, and the rows that are there have no value for it",
            hint=f"say which, as SQL: gitmig revise {fills}",
        )


_EXAMPLES = {
    "BOOL": "false",
    "TIMESTAMP|DATETIME": "CURRENT_TIMESTAMP",
    "DATE": "CURRENT_DATE",
    r"(VAR)?CHAR|\w*TEXT": "''",
    r"(SMALL|BIG|TINY)?INT(EGER)?\b|NUMERIC|DECIMAL|FLOAT|REAL|DOUBLE": "0",
}


def _example(ddl: str | None) -> str:
    """A value of a column's type."""
    found = (value for words, value in _EXAMPLES.items() if re.match(words, ddl or "", re.IGNORECASE))
    return next(found, "VALUE")


def _renamed_tables(renames: Iterable[Named]) -> dict[str, str]:
    return {_qualified(schema, old): _qualified(schema, new) for schema, old, new in renames}


def _comes_and_goes(keys: dict[FacetKey, FacetChange], old: FacetKey, new: FacetKey) -> bool:
    gone, come = keys.get(old), keys.get(new)
    return gone is not None and gone.after is None and come is not None and come.before is None


def _qualified(schema: str, name: str) -> str:
    return f"{schema}.{name}" if schema else name


def _needs_value(change: FacetChange) -> bool:
    """Whether rows may want a value: as the column comes or changes, or in the downgrade if it goes."""
    return change.after is not None or " NOT NULL" in (change.before or "")
