"""Which tables, and which parts of them, take part in a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Table

_COMPARED = {"type": "compare_type", "default": "compare_server_default"}


class Filters:
    """``include_object``, ``include_name`` and the like of env.py, and the setting ``exclude``."""

    def __init__(self, options: Mapping[str, Any], exclude: Sequence[str] = ()):
        self._object = options.get("include_object")
        self._name = options.get("include_name")
        self._schemas = bool(options.get("include_schemas"))
        version_schema = options.get("version_table_schema")
        self._version_table = (version_schema, options.get("version_table") or "alembic_version")
        self._exclude = exclude
        self.uncompared = frozenset(
            part for part, option in _COMPARED.items() if options.get(option, True) is False
        )
        """The parts of columns that env.py does not want to be compared."""

    def table(self, table: Table) -> bool:
        """Whether a table takes part."""
        names = {str(table.name), table_key(table)}
        if (table.schema, table.name) == self._version_table:
            return False
        if any(fnmatchcase(name, pattern) for name in names for pattern in self._exclude):
            return False
        if self._name is not None and self._schemas and not self._name(table.schema, "schema", {}):
            return False
        return self._passes(table, table.name, "table", {"schema_name": table.schema}, table)

    def part(self, item: Any, name: Any, kind: str, table: Table) -> bool:
        """Whether a column, index, unique constraint or foreign key of a table takes part."""
        return self._passes(item, name, kind, {"schema_name": table.schema, "table_name": table.name}, table)

    def found(self, item: Any, name: Any, kind: str, table: Table) -> bool:
        """Whether something takes part that a database has and the models have not."""
        parents = {"schema_name": table.schema}
        if kind != "table":
            parents["table_name"] = table.name
        return self._passes(item, name, kind, parents, table, reflected=True)

    def _passes(
        self,
        item: Any,
        name: Any,
        kind: str,
        parents: dict[str, Any],
        table: Table,
        *,
        reflected: bool = False,
    ) -> bool:
        if self._name is not None and name is not None:
            parents["schema_qualified_table_name"] = table_key(table)
            if not self._name(name, kind, parents):
                return False
        return self._object is None or bool(self._object(item, name, kind, reflected, None))


def table_key(table: Table) -> str:
    """``schema.table``, or the name alone where no schema is set."""
    return f"{table.schema}.{table.name}" if table.schema else str(table.name)
