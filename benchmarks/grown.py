"""Repositories of any size, made by ``git fast-import``: so many revisions, commits and other files.

Each revision changes one of the models; the database (SQLite) is at the last of them.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_INI = "[alembic]\nscript_location = %(here)s/alembic\nprepend_sys_path = .\n"
_ENV = """\
from alembic import context
from sqlalchemy import create_engine

from app.models import Base

URL = "sqlite:///app.db"
if context.is_offline_mode():
    context.configure(url=URL, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
else:
    with create_engine(URL).connect() as connection:
        context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()
"""
_SCRIPT = '''\
"""Change {number}

Revision ID: {id}
Revises: {parent}

"""
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision = {parent!r}


def upgrade():
    op.{up}


def downgrade():
    op.{down}
'''
UNRELATED = "app/unrelated.py"
"""A module that no model needs."""
_MOMENT = 1_700_000_000
_WIDEST = 4
"""Columns that a table has at most, besides its key: many revisions are not to make the models larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a repository is."""

    revisions: int
    modules: int
    files: int
    commits: int


LARGE = Size(revisions=200, modules=65, files=4_000, commits=7_000)
WIDE = Size(revisions=200, modules=65, files=60_000, commits=7_000)
HUGE = Size(revisions=10_000, modules=20, files=1_000, commits=30_000)


@dataclass(slots=True)
class _Story:
    """What the commits write."""

    size: Size
    columns: dict[int, list[int]] = field(default_factory=dict)
    parent: str | None = None

    def commits(self) -> Iterator[dict[str, str]]:
        """The files that each commit writes."""
        size = self.size
        yield self._first()
        imports = "from app.base import Base\n"
        for number in range(size.modules):
            imports += f"from app.models import m{number:02}\n"
            yield {"app/models/__init__.py": imports, **self._revision(number)}
        rest, more = size.commits - size.modules - 1, size.revisions - size.modules
        for number in range(rest):
            # Spread evenly, whatever the two numbers are.
            before, now = number * more // rest, (number + 1) * more // rest
            if now > before:
                yield self._revision(size.modules + before)
            else:
                path = f"web/part{number % 100}/file{number % size.files}.ts"
                yield {path: f"export const n = -{number};\n"}

    def _first(self) -> dict[str, str]:
        base = "from sqlalchemy.orm import DeclarativeBase\n\n\nclass Base(DeclarativeBase):\n    pass\n"
        return {
            ".gitignore": "__pycache__/\napp.db*\n",
            "pyproject.toml": '[tool.gitmig]\nmodels = ["app/models"]\n',
            "alembic.ini": _INI,
            "alembic/env.py": _ENV,
            "alembic/script.py.mako": "",
            "app/__init__.py": "",
            UNRELATED: "number = 0\n",
            "app/base.py": base,
            **{f"web/part{n % 100}/file{n}.ts": f"export const n = {n};\n" for n in range(self.size.files)},
        }

    def _revision(self, number: int) -> dict[str, str]:
        made, known = revision_id(number), self.parent
        module = number % self.size.modules
        up, down = self._changed(number, module)
        self.parent = made
        text = _SCRIPT.format(number=number, id=made, parent=known, up=up, down=down)
        return {
            f"alembic/versions/{made}_change.py": text,
            f"app/models/m{module:02}.py": self._module(module),
        }

    def _changed(self, number: int, module: int) -> tuple[str, str]:
        table = f"model_{module}"
        if module not in self.columns:
            self.columns[module] = []
            create = f'create_table("{table}", sa.Column("id", sa.Integer, primary_key=True))'
            return create, f'drop_table("{table}")'
        columns = self.columns[module]
        full = len(columns) >= _WIDEST
        column = columns.pop() if full else number
        if not full:
            columns.append(column)
        add = f'add_column("{table}", sa.Column("c{column}", sa.String))'
        drop = f'drop_column("{table}", "c{column}")'
        return (drop, add) if full else (add, drop)

    def _module(self, number: int) -> str:
        columns = "".join(f"    c{n}: Mapped[str | None]\n" for n in self.columns[number])
        return (
            "from sqlalchemy.orm import Mapped, mapped_column\n\nfrom app.base import Base\n\n\n"
            f'class Model{number}(Base):\n    __tablename__ = "model_{number}"\n'
            f"    id: Mapped[int] = mapped_column(primary_key=True)\n{columns}"
        )


def revision_id(number: int) -> str:
    """The id of a revision, by its number in the line."""
    return f"{number:012x}"


def make(top: Path, size: Size, environment: Mapping[str, str]) -> None:
    """Write the history and check it out; the database is at its head. ``top`` must not be there yet."""
    top.mkdir(parents=True)
    environment = {**environment, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"}

    def git(*args: str) -> None:
        subprocess.run(["git", *args], cwd=top, env=environment, check=True)

    git("init", "--quiet", "--initial-branch=main")
    importing = subprocess.Popen(
        ["git", "fast-import", "--quiet"], cwd=top, env=environment, stdin=subprocess.PIPE
    )
    assert importing.stdin is not None
    story = _Story(size)
    for number, written in enumerate(story.commits()):
        moment = f"{_MOMENT + number * 60} +0000"
        importing.stdin.write(f"commit refs/heads/main\ncommitter A <a@b.c> {moment}\ndata 1\nx\n".encode())
        for path, text in written.items():
            data = text.encode()
            importing.stdin.write(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
    importing.stdin.close()
    if importing.wait():
        raise SystemExit("git fast-import failed")
    git("reset", "--quiet", "--hard", "main")
    git("repack", "-adq")
    # Thousands of scripts would take minutes to run, and lead just here.
    with sqlite3.connect(top / "app.db") as database:
        for module, columns in sorted(story.columns.items()):
            named = "".join(f", c{column} VARCHAR" for column in columns)
            database.execute(f"CREATE TABLE model_{module} (id INTEGER NOT NULL PRIMARY KEY{named})")
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        database.execute("INSERT INTO alembic_version VALUES (?)", [story.parent])
    database.close()
