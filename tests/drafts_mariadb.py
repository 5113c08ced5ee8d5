"""MariaDB in the catalogue: what it knows of it, and its tables in its own words."""

from __future__ import annotations

import re

import sqlalchemy as sa

from tests import database
from tests.drafts_parts import BOTH

UNKNOWN = (
    "column, with a CHECK of its own",  # it takes one alone
    "column, beside a computed one",  # of an AUTO_INCREMENT
    "foreign key, deferrable",
    "index, expression",
    "index, partial",
    "label of a column",
    "naming convention arrives",  # its primary keys have no name
)
OPEN = {
    "primary key where none was: there": "MariaDB wants AUTO_INCREMENT and its key in one ALTER TABLE",
    "primary key where none was: and back": "MariaDB wants AUTO_INCREMENT and its key in one ALTER TABLE",
    "Boolean with a CHECK, and a UNIQUE that goes: and back": "MariaDB has given it a number for a name",
    "check, without a name: changed": "MariaDB has given it a number for a name",
    "check, without a name: dropped": "MariaDB has given it a number for a name",
}
"""What is left to a person, and why."""


def knows(name: str, on: tuple[str, ...]) -> bool:
    """Whether a change that other databases know is one for MariaDB."""
    return set(BOTH) <= set(on) and not name.startswith(UNKNOWN)


def described(url: str, models: sa.MetaData) -> list[list[str]]:
    """Lines of ``SHOW CREATE TABLE``, without the names and indexes that it has chosen itself."""
    tables = models.tables.values()
    named = {item.name for table in tables for item in table.constraints if isinstance(item.name, str)}
    indexes = {str(index.name) for table in tables for index in table.indexes}
    found = []
    for (table,) in database.query(url, database._MYSQL_TABLES):
        if "alembic_version" in str(table):
            continue
        text = str(database.query(url, f"show create table {table}")[0][1])
        for line in map(str.strip, text.splitlines()[1:]):
            said = re.match(r"(CONSTRAINT|UNIQUE KEY|KEY) `([^`]*)` (.*)", line)
            if said and said[1] == "KEY" and said[2] not in indexes:
                continue  # made for a foreign key
            if said and said[2] not in named | indexes:
                line = f"{said[1]} {said[3]}"
            found.append([str(table), re.sub(r" AUTO_INCREMENT=\d+", "", line.removesuffix(","))])
    return sorted(found)
