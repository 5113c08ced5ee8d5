"""docs/seeing.md and docs/proof.md show what the commands really print.

``GITMIG_WRITE_PAGES=1 pytest tests/test_pages.py`` writes the output into them.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests import database
from tests.articles import by_alembic, plain
from tests.story import Project

_DOCS = Path(__file__).resolve().parent.parent / "docs"
# Before the sealed environment drops it.
_WRITE = bool(os.environ.get("GITMIG_WRITE_PAGES"))
_BLOCK = re.compile(r"(?<=```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)


def told(folder: Path) -> Project:
    """Three revisions by plain Alembic, committed and applied; the commits have the same ids each time."""
    project = by_alembic(folder).project
    project.append("app/models.py", "    email: Mapped[str | None] = mapped_column(String(20))\n")
    plain(project, "c3c3", "b2b2", up="op.add_column('user', sa.Column('email', sa.String(20)))",
          down="op.drop_column('user', 'email')", message="Add an e-mail address")  # fmt: skip
    project.commit("Add an e-mail address")
    project.alembic("upgrade", "head")
    return project


def printed(project: Project, command: str) -> str:
    """What a command of a page prints."""
    words = shlex.split(command)
    if words[0] == "sqlite3":
        database.execute(project.url, words[2])
        return ""
    if words[0] == "sed":
        subprocess.run(words, cwd=project.top, check=True)
        return ""
    result = project.gitmig(*words[1:])
    return result.stdout + result.stderr


def shown(project: Project, block: str) -> str:
    """A block with what its commands print."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{printed(project, line[2:])}" for line in commands)


@pytest.mark.parametrize("name", ["seeing.md", "proof.md"])
def test_a_page_shows_real_output(tmp_path: Path, name: str) -> None:
    page = _DOCS / name
    text = page.read_text("utf-8")
    project = told(tmp_path)
    real = _BLOCK.sub(lambda found: shown(project, found[0]), text)
    if _WRITE:
        page.write_text(real, "utf-8")
    assert text == real
