"""A worker process, and the other end of its channel: answers what it asks from a dict of files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitmig.rpc.early import PACKAGE, inode, program
from tests import forking

Json = dict[str, Any]


class WorkerError(Exception):
    """The ``error`` object of an answer."""

    def __init__(self, error: Json):
        super().__init__(f"{error['kind']}: {error['message']}\n{error.get('full') or error.get('detail')}")
        self.error = error
        self.kind: str = error["kind"]
        self.message: str = error["message"]
        self.detail: str | None = error["detail"]


@dataclass
class Child:
    """One worker."""

    process: forking.Process | subprocess.Popen[bytes]
    asked: list[Json] = field(default_factory=list)
    opened: Json = field(default_factory=dict)
    """The answer to ``open``."""

    def ready(self) -> None:
        """Wait for its first word."""
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline()) == {"ready": True}

    def request(self, do: str, **data: object) -> Json:
        """What ``ok`` holds. Raises WorkerError."""
        self._send({"do": do, **data})
        while True:
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            assert line, self.stderr()
            message: Json = json.loads(line)
            if "ok" in message:
                answer: Json = message["ok"]
                return answer
            if "error" in message:
                raise WorkerError(message["error"])
            self.asked.append(message)

    def schema(self) -> Json:
        """The answer to ``schema``."""
        return self.request("schema")

    def tables(self) -> list[str]:
        """The tables of the schema."""
        return [table for kind, table, _, _ in self.schema()["facets"] if kind == "table"]

    def close(self) -> int:
        """Close the channel. Returns the exit code."""
        self.process.communicate(timeout=20)
        return self.process.wait()

    def stderr(self) -> str:
        """What the worker and the project's code printed; the process has to have ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def _send(self, message: Json) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()


INI = """\
[alembic]
script_location = %(here)s/alembic
prepend_sys_path = .
path_separator = os
sqlalchemy.url = sqlite:///%(here)s/app.db
"""
ENV = """\
from alembic import context
from app.models import Base

if context.is_offline_mode():
    context.configure(url=context.config.get_main_option("sqlalchemy.url"), target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
else:
    raise SystemExit("offline only")
"""
MODELS = """\
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"
    id: Mapped[int] = mapped_column(primary_key=True)
"""
FILES = {
    "alembic.ini": INI,
    "alembic/env.py": ENV,
    "alembic/versions/empty.sql": "",
    "app/__init__.py": "",
    "app/models.py": MODELS,
}


def models(table: str) -> str:
    """The models file, with the table named otherwise."""
    return MODELS.replace('"user"', repr(table))


@dataclass
class Project:
    """A folder with an Alembic project in it."""

    top: Path
    children: list[Child] = field(default_factory=list)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, paths relative to the top."""
        for name, text in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def start(
        self,
        tree: Mapping[str, str] | None = None,
        *,
        linked: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        directory: str = "",
        **options: object,
    ) -> Child:
        """A worker, opened on the disk or on ``tree``, which is laid out beside the project.

        ``linked`` is what git ignores in the project.
        """
        root = None
        if tree is not None:
            root = Path(tempfile.mkdtemp(prefix="tree-", dir=self.top.parent))
            Project(root).write(tree)
            for path in linked:
                (root / path).symlink_to(self.top / path)
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        process = forking.popen(
            [sys.executable, "-c", program(), PACKAGE, inode(PACKAGE)],
            cwd=self.top / directory,
            env={**inherited, "PYTHONHASHSEED": "0", **(env or {})},
        )
        child = Child(process)
        self.children.append(child)
        place = self.top.stat()
        request = {
            "top": str(self.top),
            "inode": [place.st_dev, place.st_ino],
            "folder": directory,
            "root": None if root is None else os.path.relpath(root, self.top),
            "ini": "alembic.ini",
        }
        child.ready()
        child.opened = child.request("open", **{**request, **options})
        return child
