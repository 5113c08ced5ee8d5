"""A page of ``gitmig report``, made once in each process, for tests that use it in a browser."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.articles import plain
from tests.shop import shop
from tests.story import Project

EVIL = "<img src=x onerror=document.title='evil'>"
EVIL_COLUMN = "</script><script>document.title='evil'</script>"
_EVIL_CLASS = f'''

from app.database import Base
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column


class Evil(Base):
    """What no page may run."""

    __tablename__ = {EVIL!r}

    id: Mapped[int] = mapped_column(primary_key=True)
    column: Mapped[str | None] = mapped_column({EVIL_COLUMN!r}, String(9), server_default="<b>")
'''
_MANY = """
from app.database import Base
from sqlalchemy import Column, ForeignKey, Integer, Table

for number in range(90):
    others = {number // 3, number // 7} - {number}
    keys = [Column(f"n{n}_id", ForeignKey(f"many_{n:02}.id")) for n in others]
    Table(f"many_{number:02}", Base.metadata, Column("id", Integer, primary_key=True), *keys)
"""


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and the project that it is of."""

    path: Path
    home: str
    """The home folder with which it was made: under another one nothing is known of the models."""

    def ask(self, *words: str) -> Any:
        """What another command says of the same project."""
        return Project(self.path.parent).gitmig(*words, "--json", env={"HOME": self.home}).json

    def revisions(self) -> list[str]:
        """All revisions, newest first."""
        return [one["revision"] for one in self.ask("log")["revisions"]]

    def at(self, revision: str, tab: str, **words: str) -> str:
        """The words of an address."""
        return urlencode({"at": revision, "tab": tab, **words})


@functools.cache
def made() -> Page:
    """A shop of eight tables and 14 revisions, applied; one with evil names; 90 tables in no revision."""
    folder = Path(tempfile.mkdtemp(prefix="gitmig-report-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project = shop(folder, tables=8, revisions=14, remarks=2)
    project.git("tag", "v1.0", "HEAD~6")
    project.gitmig("upgrade", "--yes", check=0)
    (head,) = project.heads()
    made = f"op.create_table({EVIL!r}, sa.Column('id', sa.Integer, primary_key=True))"
    plain(project, "e1e1", head, up=made, down=f"op.drop_table({EVIL!r})", message=f"Add {EVIL}")
    project.write("app/models/evil.py", _EVIL_CLASS)
    project.append("app/models/__init__.py", "from app.models import evil as evil\n")
    project.commit(f"Add {EVIL_COLUMN}")
    project.write("app/models/many.py", _MANY)
    project.append("app/models/__init__.py", "from app.models import many as many\n")
    project.gitmig("report", check=0)
    return Page(project.path("gitmig-report.html"), os.environ["HOME"])
