"""PostgreSQL's extensions that the revisions make: a scratch database for the models has them too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from ..environment.config import script_directory
from ..session import Session

_MADE = re.compile(
    r"""\bCREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?[\\"']*([\w-]+)"""  # SQL, in a text of any kind
    r"""|\bPGExtension\([^)]*?signature\s*=\s*["']([\w-]+)""",  # as alembic-utils has it
    re.IGNORECASE,
)


def make_extensions(session: Session, connection: Connection) -> None:
    """Make those that the server has. What it lacks is named when a table cannot be made without it."""
    if connection.dialect.name != "postgresql" or not session.options.configured:
        return
    for name in sorted(set(_named(session))):
        with suppress(SQLAlchemyError), connection.begin_nested():
            connection.execute(text(f'CREATE EXTENSION IF NOT EXISTS "{name}"'))


def _named(session: Session) -> Iterator[str]:
    script = script_directory(session)
    for place in script.version_locations or [os.path.join(script.dir, "versions")]:
        for folder, _, files in os.walk(str(place)):
            for file in files:
                if file.endswith((".py", ".sql")):
                    with open(os.path.join(folder, file), encoding="utf-8", errors="replace") as source:
                        yield from (one or other for one, other in _MADE.findall(source.read()))
