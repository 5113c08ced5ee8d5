"""Run code that may connect to a database, without one: what it asks is answered with nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

from sqlalchemy.engine import Engine


class Nothing:
    """An empty result: false, of no length, and whatever is asked of it is nothing again."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in ("scalar", "scalar_one_or_none", "first", "fetchone", "one_or_none"):
            return lambda *args, **kw: None
        if name in ("all", "fetchall", "fetchmany"):
            return lambda *args, **kw: []
        return Nothing()

    def __call__(self, *args: Any, **kw: Any) -> Any:
        """Nothing again."""
        return self

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class OfflineConnection(Nothing):
    """Stands in for a Connection: it has a dialect and an engine, and sends nothing anywhere."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.dialect = engine.dialect

    def __bool__(self) -> bool:
        return True

    def in_transaction(self) -> bool:
        """No transaction is ever begun."""
        return False

    def execution_options(self, **options: Any) -> OfflineConnection:
        """The same connection, as for a real one."""
        return self


@dataclass
class Asked:
    """Whether anybody wanted a connection."""

    connections: int = 0


@contextmanager
def without_database() -> Iterator[Asked]:
    """Let every Engine give out connections that lead nowhere while the block runs."""
    asked = Asked()
    connect, raw = Engine.connect, Engine.raw_connection

    def connect_nowhere(engine: Engine) -> OfflineConnection:
        asked.connections += 1
        return OfflineConnection(engine)

    def refuse(engine: Engine) -> NoReturn:
        asked.connections += 1
        raise RuntimeError("the models are read without a database")

    Engine.connect = connect_nowhere  # type: ignore[method-assign, assignment]
    Engine.raw_connection = refuse  # type: ignore[method-assign, assignment]
    try:
        yield asked
    finally:
        Engine.connect = connect  # type: ignore[method-assign]
        Engine.raw_connection = raw  # type: ignore[method-assign]
