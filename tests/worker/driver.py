"""A worker process, and the other end of its channel: answers what it asks from a dict of files."""

from __future__ import annotations

import base64
import json
import os
import posixpath
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitmig.prestart import BOOT, PACKAGE
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
    """One worker. ``tree`` answers its asks; None: it imports from disk."""

    process: forking.Process | subprocess.Popen[bytes]
    tree: Mapping[str, str] | None = None
    ignored: tuple[str, ...] = ()
    asked: list[Json] = field(default_factory=list)
    opened: Json = field(default_factory=dict)
    """The answer to ``open``."""

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
            self._send(self._answer(message))

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

    def _answer(self, ask: Json) -> Json:
        path = ask["path"]
        if ask["ask"] == "ignored":
            return {"ignored": path in self.ignored}
        assert ask["ask"] == "folder"
        assert self.tree is not None
        return _folder(self.tree, path)


def _folder(tree: Mapping[str, str], path: str) -> Json:
    inside = {posixpath.relpath(name, path or "."): text for name, text in tree.items() if _below(name, path)}
    if not inside:
        return {"absent": True}
    folders = {name.partition("/")[0] for name in inside if "/" in name}
    without_code = [
        f for f in folders if not any(n.startswith(f + "/") and n.endswith(".py") for n in inside)
    ]
    data = {
        name: text
        for name, text in inside.items()
        if path and name.partition("/")[0] in without_code and "/" in name
    }
    files = {name: text for name, text in inside.items() if "/" not in name}
    return {"files": _encoded(files), "folders": sorted(folders), "data": _encoded(data)}


def _below(name: str, path: str) -> bool:
    return not path or name.startswith(path + "/")


def _encoded(files: Mapping[str, str]) -> dict[str, str]:
    return {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}


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
        ignored: tuple[str, ...] = (),
        env: Mapping[str, str] | None = None,
        directory: str = "",
        **options: object,
    ) -> Child:
        """A worker, opened on the disk or on ``tree``."""
        cwd = self.top / directory
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        process = forking.popen(
            [sys.executable, "-c", BOOT, str(PACKAGE)],
            cwd=cwd,
            env={**inherited, "PYTHONHASHSEED": "0", **(env or {})},
        )
        child = Child(process, tree, ignored)
        self.children.append(child)
        request = {"top": str(self.top), "directory": str(cwd), "ini": "alembic.ini", **options}
        child.opened = child.request("open", tree=tree is not None, **request)
        return child
