"""Writes docs/drafts.md: every change of the catalogue, drafted by gitmig and by Alembic's autogenerate.

    .venv/bin/python -m benchmarks.drafts

Takes half an hour. A draft is right if it leads to the models' tables, back, and there again, with rows.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import alembic
import sqlalchemy as sa

from tests import servers
from tests.drafting import trip
from tests.drafts import MYSQL, POSTGRESQL, SQLITE, Change, changes
from tests.worker_moves.child import Failed

PAGE = Path(__file__).parent.parent / "docs" / "drafts.md"
HEAD = f"""\
# What is drafted

Each line is a change of models. Its draft was applied to a database with a row in each table, undone, and
applied again; each time the database was compared with one that the models themselves had made, in its own
words. The second word is what `alembic revision --autogenerate` wrote for it (Alembic {alembic.__version__},
SQLAlchemy {sa.__version__}), judged alike. "right": all three; "wrong": something differs; "fails": it does
not run.

"open" is a line for a person to write (`# gitmig: write by hand: …`), with the reason. gitmig leaves some:
a column that is computed from now on, or not any more; options of a MariaDB table; a CHECK without a name,
or one of a column, that MariaDB has already; AUTO_INCREMENT that comes or goes there with the key.

A name that PostgreSQL has made of a table's or a column's name follows the new one. What env.py does not
want to be compared (`compare_type=False`, `compare_server_default=False`) is no difference; a function given
for it is not asked.

| change | SQLite | autogenerate | PostgreSQL | autogenerate | MariaDB | autogenerate |
|---|---|---|---|---|---|---|
"""


def main() -> None:
    """Write the page."""
    lines = []
    with tempfile.TemporaryDirectory(prefix="gitmig-drafts-") as folder:
        running = Path(folder) / "server"
        found = {POSTGRESQL: servers.postgres(running), MYSQL: os.environ.get("GITMIG_TEST_MYSQL_URL")}
        try:
            for change in changes():
                words = [
                    _judged(change, dialect, own, found.get(dialect), Path(folder))
                    if dialect in change.on and found.get(dialect, "") is not None
                    else ""
                    for dialect in (SQLITE, POSTGRESQL, MYSQL)
                    for own in (True, False)
                ]
                lines.append(f"| {change.name} | {' | '.join(words)} |")
                print(lines[-1], flush=True)
        finally:
            servers.stop(running)
    PAGE.write_text(HEAD + "\n".join(joined(lines)) + "\n", encoding="utf-8")


def joined(lines: Sequence[str]) -> Iterator[str]:
    """The rows of a table, changes of one kind with the same words in one row."""

    def key(line: str) -> tuple[str, str]:
        name, _, words = line.removeprefix("| ").partition(" | ")
        return name.rpartition(": ")[0], words

    for (kind, words), rows in itertools.groupby(lines, key):
        if not kind:
            yield from rows
            continue
        names = ", ".join(row.removeprefix("| ").partition(" | ")[0].rpartition(": ")[2] for row in rows)
        yield f"| {kind}: {names} | {words}"


def _judged(change: Change, dialect: str, own: bool, server: str | None, folder: Path) -> str:
    top = folder / uuid.uuid4().hex[:12]
    with ExitStack() as stack:

        def fresh(kind: str, name: str) -> str:
            if server is None:
                return f"sqlite:///{top}/{name}.db"
            return stack.enter_context(servers.fresh_database(server))

        url = fresh(dialect, "project")
        options = "include_schemas=True" if dialect != MYSQL else ""
        made = stack.enter_context(trip(dialect, change.before, change.after, fresh, top, options, url))
        try:
            drafted = made.draft(renames=change.renames, fills=change.fills) if own else made.by_alembic()
            if drafted["uncovered"]:
                return "open"
            made.travel(drafted)
        except AssertionError:
            return "wrong"
        except Failed:
            return "fails"
    return "right"


if __name__ == "__main__":
    main()
