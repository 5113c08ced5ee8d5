"""A worker process and a small Alembic project to move with it, spoken to in the protocol's own words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import alembic.context

from gitmig.rpc.early import PACKAGE, inode, program
from tests import database, forking

Json = dict[str, Any]
Answer = Callable[[Json], Json]


class Failed(Exception):
    """The worker's error object."""

    def __init__(self, error: Json):
        super().__init__(f"{error['kind']}: {error['message']}\n{error.get('detail') or ''}")
        self.error = error
        self.kind: str = error["kind"]
        self.message: str = error["message"]


@dataclass
class Child:
    """One worker process."""

    process: forking.Process | subprocess.Popen[bytes]
    notes: list[Json] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)

    @classmethod
    def start(cls, top: Path, env: Mapping[str, str] | None = None, **options: object) -> Child:
        """Start a worker in ``top`` and open it there."""
        process = forking.popen(
            [sys.executable, "-c", program(), PACKAGE, inode(PACKAGE)],
            cwd=top,
            env={**os.environ, **(env or {}), "PYTHONHASHSEED": "0"},
        )
        child = cls(process)
        assert child.receive() == {"ready": True}
        place = top.stat()
        where: Json = {
            "top": str(top),
            "inode": [place.st_dev, place.st_ino],
            "ini": "alembic.ini",
            **options,
        }
        child.request("open", None, **where)
        return child

    def send(self, message: Json) -> None:
        """Write one object."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def receive(self) -> Json:
        """Read one object."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            assert self.process.stderr is not None
            raise AssertionError(self.process.stderr.read().decode())
        message: Json = json.loads(line)
        return message

    def request(self, do: str, answers: Mapping[str, Answer] | None = None, **data: object) -> Json:
        """Make a request, answering what is asked; returns what ``ok`` holds, raises Failed."""
        self.send({"do": do, **data})
        while True:
            message = self.receive()
            if "ok" in message:
                answer: Json = message["ok"]
                return answer
            if "error" in message:
                raise Failed(message["error"])
            if "note" in message:
                self.notes.append(message)
            else:
                self.asked.append(message)
                self.send((answers or {})[message["ask"]](message))

    def close(self) -> int:
        """End of input, if that was not already; returns the exit code."""
        assert self.process.stdin is not None
        if not self.process.stdin.closed:
            self.process.communicate(timeout=20)
        return self.process.wait()


GENERIC_ENV = """
from logging.config import fileConfig
from alembic import context
from sqlalchemy import engine_from_config, pool
from models import metadata as target_metadata

config = context.config

def run(connection):
    context.configure(connection=connection, target_metadata=target_metadata, {options})
    with context.begin_transaction():
        context.run_migrations()

if context.is_offline_mode():
    context.configure(url=config.get_main_option("sqlalchemy.url"), target_metadata=target_metadata)
    context.run_migrations()
else:
    section = config.get_section("alembic", {{}})
    engine = engine_from_config(section, prefix="sqlalchemy.", poolclass=pool.NullPool)
    with engine.connect() as connection:
        run(connection)
"""

ENFORCED = GENERIC_ENV.replace(
    "    with engine.connect()",
    "    from sqlalchemy import event\n"
    "    event.listen(engine, 'connect', lambda c, r: c.execute('PRAGMA foreign_keys=ON'))\n"
    "    with engine.connect()",
)
"""The same with foreign keys enforced in SQLite."""

MAKO = Path(alembic.context.__file__).parent / "templates" / "generic" / "script.py.mako"


@dataclass
class Project:
    """An Alembic project in a folder, and its revisions."""

    top: Path
    url: str
    scripts: list[Json] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)

    @classmethod
    def make(cls, top: Path, url: str, options: str = "", env: str = GENERIC_ENV, ini: str = "") -> Project:
        """Write the files; ``options`` go into env.py's `configure()`."""
        (top / "alembic" / "versions").mkdir(parents=True)
        (top / "alembic" / "env.py").write_text(env.format(options=options))
        (top / "alembic" / "script.py.mako").write_text(MAKO.read_text())
        (top / "models.py").write_text("from sqlalchemy import MetaData\nmetadata = MetaData()\n")
        (top / "alembic.ini").write_text(
            "[alembic]\nscript_location = %(here)s/alembic\nprepend_sys_path = .\n"
            f"sqlalchemy.url = {url.replace('%', '%%')}\n{ini}"
        )
        return cls(top, url)

    def models(self, text: str) -> None:
        """Write models.py."""
        (self.top / "models.py").write_text("import sqlalchemy as sa\nmetadata = sa.MetaData()\n" + text)

    def script(
        self,
        revision: str,
        upgrade: str = "pass",
        downgrade: str = "pass",
        *,
        down: Sequence[str] | None = None,
        depends_on: Sequence[str] = (),
    ) -> Json:
        """Write a revision script; its parent is the one before unless ``down`` says so."""
        if down is None:
            down = [self.scripts[-1]["revision"]] if self.scripts else []
        path = self.top / "alembic" / "versions" / f"{revision}.py"
        body = "\n".join(f"    {line}" for line in upgrade.splitlines())
        undo = "\n".join(f"    {line}" for line in downgrade.splitlines())
        path.write_text(
            f'"""{revision}"""\nimport sqlalchemy as sa\nfrom alembic import op\n'
            f"revision = {revision!r}\ndown_revision = {tuple(down) or None!r}\n"
            f"depends_on = {tuple(depends_on) or None!r}\nbranch_labels = None\n\n"
            f"def upgrade():\n{body}\n\ndef downgrade():\n{undo}\n"
        )
        known = {
            "revision": revision,
            "down_revisions": list(down),
            "depends_on": list(depends_on),
            "branch_labels": [],
            "path": str(path),
        }
        self.scripts.append(known)
        return known

    def table(self, revision: str, name: str) -> Json:
        """A revision that makes a table."""
        return self.script(
            revision, f"op.create_table({name!r}, sa.Column('id', sa.Integer()))", f"op.drop_table({name!r})"
        )

    def child(self, env: Mapping[str, str] | None = None, **options: object) -> Child:
        """A worker for this project."""
        child = Child.start(self.top, env, **options)
        self.children.append(child)
        return child

    def plan(self, *steps: str, expect: Sequence[str]) -> Json:
        """The answer to ``plan``: steps written ``+id`` and ``-id``."""
        names = {"+": "upgrade", "-": "downgrade"}
        return {
            "graphs": [self.scripts],
            "steps": [{"action": names[step[0]], "revision": step[1:], "graph": 0} for step in steps],
            "expect": list(expect),
        }

    def migrate(
        self,
        *steps: str,
        expect: Sequence[str],
        commit: bool = True,
        child: Child | None = None,
        **data: object,
    ) -> Json:
        """Carry out steps in a worker of their own."""
        child = child or self.child()
        answers: dict[str, Answer] = {
            "plan": lambda ask: self.plan(*steps, expect=expect),
            "commit": lambda ask: {"commit": commit},
        }
        return child.request("migrate", answers, **{"wait": 5, **data})

    def tables(self) -> tuple[str, ...]:
        """The tables that are there, without Alembic's."""
        return tuple(name for name in database.tables(self.url) if name != "alembic_version")

    def heads(self) -> tuple[str, ...]:
        """What the version table holds."""
        return database.heads(self.url)
