"""Generated pairs of branches that both change the models, and what has to be so after they were joined."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from pathlib import Path

from tests import database
from tests.branching import MODELS, parents
from tests.story import SETTINGS, Project

HEAD = '''\
"""The models."""

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
'''
TABLE = '''

class {name}(Base):
    """{table}."""

    __tablename__ = "{table}"

    id: Mapped[int] = mapped_column(primary_key=True)  # {table}

    # {table}'s a
    a: Mapped[str | None] = mapped_column(String(10))  # {table}

    # {table}'s b
    b: Mapped[str | None] = mapped_column(String(10))  # {table}

    # {table}'s c
    c: Mapped[int | None] = mapped_column(Integer)  # {table}

    # ours add to {table} here

    # theirs add to {table} here

    # end of {table}
'''
"""No line is there twice: git would take one table for the other. The comments stay, whatever becomes of the
columns: git calls two edits a conflict if no line is between them.
"""
TABLES = ("one", "two")
COLUMN = "    {name}: Mapped[{python} | None] = mapped_column({type})\n\n"
NAMES = ("x", "y", "z")
"""Few, so that both sides sometimes add the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """What became of one pair."""

    ended: str
    """``joined``, or how it was refused: ``git`` (the text conflicts) or ``GM009``."""


def begun(folder: Path, url: str | None = None) -> Project:
    """A project with two tables, a revision, and rows."""
    project = Project.create(folder, url, settings=SETTINGS)
    tables = "".join(TABLE.format(name=name.capitalize(), table=name) for name in TABLES)
    project.write(
        MODELS, f"{HEAD}{tables}\n\n# new tables of ours\n\n\n# new tables of theirs\n\n\n# the end\n"
    )
    project.gitmig("revise", "-m", "First", "--yes", check=0)
    for table in TABLES:
        for number in (1, 2):
            database.execute(
                project.url,
                f"insert into {table} (id, a, b, c) values ({number}, 'a{number}', 'b{number}', {number})",
            )
    project.hook()
    return project


def join(project: Project, seed: int | str) -> Joined:
    """Let both sides change the models at random, merge them with git, and rebase ours."""
    chance = random.Random(seed)
    project.git("switch", "--quiet", "-c", "topic")
    changed(project, chance, "ours")
    project.gitmig("switch", "main", "--yes", check=0)
    changed(project, chance, "theirs")
    project.gitmig("switch", "topic", "--yes", check=0)
    rows = _rows(project)
    commutes = project.gitmig("rebase", "--check", "--onto", "main").exit_code == 0
    if project.try_git("merge", "--no-edit", "main").exit_code:
        # Both sides edited one line: what they change is one facet.
        assert not commutes, project.git("diff")
        return Joined(ended="git")
    before = project.snapshot()
    result = project.gitmig("rebase", "--yes")
    if result.exit_code:
        assert result.stderr.startswith("Error: GM009: "), result.stderr
        assert not commutes
        assert project.snapshot() == before
        return Joined(ended="GM009")
    assert commutes, result.stderr
    _check(project, rows)
    return Joined(ended="joined")


def changed(project: Project, chance: random.Random, side: str) -> None:
    """One or two revisions, each with one or two changes."""
    for number in range(chance.randint(1, 2)):
        before = project.read(MODELS)
        for change in range(chance.randint(1, 2)):
            project.write(MODELS, _edited(project.read(MODELS), chance, side, f"{side}{number}{change}"))
        if project.read(MODELS) != before:
            _revise(project, f"{side} {number}")


def _revise(project: Project, message: str) -> None:
    """Whatever the draft drops: a drop is applied after a look."""
    project.gitmig("revise", "-m", message, "--draft", check=0)
    project.gitmig("upgrade", "--commit", "--yes", check=0)


def _edited(text: str, chance: random.Random, side: str, unique: str) -> str:
    table = chance.choice(TABLES)
    start = text.index(f'"{table}"')
    end = text.index(f"# end of {table}")
    body = text[start:end]
    match chance.choice(("add", "add", "drop", "widen", "index", "table")):
        case "add":
            name = chance.choice((*NAMES, unique))
            if f"    {name}:" not in body:
                kind = chance.choice((("str", "String"), ("int", "Integer")))
                line = COLUMN.format(name=name, python=kind[0], type=kind[1])
                mark = f"    # {side} add to {table} here"
                body = body.replace(mark, f"{line}{mark}")
        case "drop":
            body = re.sub(rf"    {chance.choice('ab')}: [^\n]*\n\n", "", body)
        case "widen":
            body = re.sub(rf"(    {chance.choice('ab')}: [^\n]*)\(String\(10\)", r"\1(String(20)", body)
        case "index":
            body = body.replace("mapped_column(Integer)  #", "mapped_column(Integer, index=True)  #")
        case "table":
            mark = f"# new tables of {side}"
            new = TABLE.format(name=unique.capitalize(), table=unique).strip("\n")
            return text.replace(mark, f"{new}\n\n\n{mark}")
    return text[:start] + body + text[end:]


def _rows(project: Project) -> dict[str, database.Rows]:
    return {
        f"{table}.{column}": database.query(project.url, f"select id, {column} from {table} order by id")
        for table in TABLES
        for column in project.columns(table)
    }


def _check(project: Project, rows: dict[str, database.Rows]) -> None:
    heads = [one for one in project.gitmig("log", "--json").json["revisions"] if one["head"]]
    assert len(heads) == 1
    assert heads[0]["tie"] == "verified"
    assert project.heads() == (heads[0]["revision"],)
    assert all(len(below) <= 1 for below in parents(project).values())
    now = _rows(project)
    for place in {*rows, *now} & {*rows}:
        assert place not in now or now[place] == rows[place], place
    status = project.gitmig("status", "--json", check=0).json
    assert (status["in_step"], status["findings"]) == (True, [])
    assert project.gitmig("check", "--base", "main", check=0).stderr == ""
    # The merged models, as the database itself describes them and what it has.
    project.gitmig("drift", check=0)
