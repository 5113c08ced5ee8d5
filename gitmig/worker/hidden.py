"""What autogenerate is not to see: the ledger's table, and rows that are parked. Alembic's plugin (1.18 or
later), our own filter.

Alembic loads it, wherever gitmig is installed, while it is itself being imported: nothing but the standard
library may be imported at the top, and nothing of Alembic's may be touched before :func:`setup` is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

SCHEMA, IN_SCHEMA, TABLE = "gitmig", "ledger", "gitmig_ledger"
_OURS = re.compile(r"ledger|parked(_\d+)?")
"""The tables that gitmig makes in its schema."""


def ledger_name(dialect: str) -> tuple[str | None, str]:
    """Schema and name of the ledger's table: a schema of its own where a database has several."""
    return (SCHEMA, IN_SCHEMA) if dialect == "postgresql" else (None, TABLE)


def is_shown(name: str | None, kind: str, parents: Mapping[str, Any]) -> bool:
    """An ``include_name`` of Alembic's: everything but the ledger, and rows that are parked."""
    if kind != "table":
        return True
    ours = parents.get("schema_name") == SCHEMA and _OURS.fullmatch(name or "")
    return name != TABLE and not ours


def setup(plugin: Any) -> None:
    """Called by Alembic, with its ``Plugin``: our filter joins those of env.py."""
    from alembic.util import DispatchPriority, PriorityDispatchResult

    def hide(context: Any, operations: Any) -> PriorityDispatchResult:
        context._name_filters.append(is_shown)
        return PriorityDispatchResult.CONTINUE

    plugin.add_autogenerate_comparator(hide, "autogenerate", priority=DispatchPriority.FIRST)


class _Plugin(ModuleType):
    """What the entry point names: Alembic 1.20.1 takes a module, 1.18.0 to 1.20.0 a list of them."""

    def __iter__(self) -> Iterator[ModuleType]:
        yield self

    @staticmethod
    def setup(plugin: Any) -> None:
        setup(plugin)


plugin = _Plugin("gitmig.worker.hidden.plugin")
"""Both at once: a module, and the one in itself (Alembic's issue 1873)."""
