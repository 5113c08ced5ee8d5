"""The history of a shop's schema, of any size, written by one ``git fast-import``.

Each commit brings a revision by plain Alembic with its models, but for some that change no schema. The same
numbers give the same history, commit for commit.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.articles import ONE
from tests.story import FIRST_MOMENT, SETTINGS, Project

_NOUNS = """customer product order supplier invoice payment shipment address warehouse category
    employee coupon review cart delivery contract message ticket campaign report
    account currency tax region device"""
_PARTS = ("", "_item", "_event", "_note", "_setting", "_tag", "_file", "_version")
_COLUMNS = """name title code status description quantity price weight colour email phone language position
    started_on ended_on created_at updated_at is_active priority remark source reference"""
_TYPES = (
    ("String(40)", "sa.String(40)", "str"),
    ("String(200)", "sa.String(200)", "str"),
    ("Integer", "sa.Integer", "int"),
    ("Numeric(10, 2)", "sa.Numeric(10, 2)", "float"),
    ("DateTime", "sa.DateTime", "datetime"),
    ("Boolean", "sa.Boolean", "bool"),
)
_AUTHORS = ("Ada Lovelace", "Grace Hopper", "Barbara Liskov", "Radia Perlman")
_IMPORTS = (
    '"""The models."""\n\nfrom datetime import datetime\n\n'
    "from sqlalchemy import Boolean, DateTime, ForeignKey, Integer, Numeric, String\n"
    "from sqlalchemy.orm import Mapped, mapped_column\n\nfrom app.database import Base\n"
)


@dataclass(slots=True)
class _Shop:
    random: Random
    tables: dict[str, dict[str, tuple[str, str, str]]] = field(default_factory=dict)
    """By table: by column its type in the models, in a revision, and in Python."""
    references: dict[tuple[str, str], str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def models(self, table: str) -> str:
        """The class of one table."""
        lines = [f"class {table.title().replace('_', '')}(Base):", f'    __tablename__ = "{table}"\n']
        lines.append("    id: Mapped[int] = mapped_column(primary_key=True)")
        for column, (made_of, _, python) in self.tables[table].items():
            target = self.references.get((table, column))
            what = f'ForeignKey("{target}.id", name="fk_{table}_{column}")' if target else made_of
            lines.append(f"    {column}: Mapped[{python} | None] = mapped_column({what})")
        return "\n".join(lines) + "\n"

    def table(self, name: str) -> tuple[str, str, str]:
        """A new table, with keys to some that there are: upgrade, downgrade, message."""
        chosen = self.random.sample(_COLUMNS.split(), self.random.randint(2, 6))
        targets = self._targets(name)
        self.tables[name] = {f"{target}_id": ("Integer", "sa.Integer", "int") for target in targets}
        self.references.update({(name, f"{target}_id"): target for target in targets})
        self.tables[name] |= {column: self.random.choice(_TYPES) for column in chosen}
        parts = ['sa.Column("id", sa.Integer, primary_key=True)']
        for column, (_, spelled, _) in self.tables[name].items():
            target = self.references.get((name, column))
            key = f', sa.ForeignKey("{target}.id", name="fk_{name}_{column}")' if target else ""
            parts.append(f'sa.Column("{column}", {spelled}{key})')
        up = f'op.create_table(\n        "{name}",\n        ' + ",\n        ".join(parts) + ",\n    )"
        return up, f'op.drop_table("{name}")', f"Add table {name}"

    def change(self) -> tuple[str, str, str]:
        """A column that comes, goes or becomes another: upgrade, downgrade, message."""
        table = self.random.choice(list(self.tables))
        columns = self.tables[table]
        free = [column for column in _COLUMNS.split() if column not in columns]
        own = [column for column in columns if (table, column) not in self.references]
        kind = self.random.choice(("add", "add", "add", "drop", "rename")) if len(own) > 1 else "add"
        if kind == "add":
            column = self.random.choice(free)
            columns[column] = self.random.choice(_TYPES)
            added = f'op.add_column("{table}", sa.Column("{column}", {columns[column][1]}))'
            return added, f'op.drop_column("{table}", "{column}")', f"Add {table}.{column}"
        column = self.random.choice(own)
        type_ = columns.pop(column)
        if kind == "drop":
            back = f'op.add_column("{table}", sa.Column("{column}", {type_[1]}))'
            return f'op.drop_column("{table}", "{column}")', back, f"Drop {table}.{column}"
        columns[free[0]] = type_
        there, back = (
            f'op.alter_column("{table}", "{old}", new_column_name="{new}")'
            for old, new in ((column, free[0]), (free[0], column))
        )
        return there, back, f"Rename {table}.{column} to {free[0]}"

    def _targets(self, name: str) -> list[str]:
        owner = name.partition("_")[0]
        found = [owner] if owner in self.tables else []
        others = [table for table in self.tables if "_" not in table and table not in found]
        return found + self.random.sample(others, min(len(others), self.random.choice((0, 1, 1, 2))))


def shop(folder: Path, *, tables: int, revisions: int, remarks: int = 0) -> Project:
    """A project of that size, without a database; ``remarks`` is how many commits bring no revision."""
    project = Project.create(folder, name="shop", settings=SETTINGS.replace("app/models.py", "app/models"))
    project.path("app/models.py").unlink()
    project.commit("The models become a package")
    stream = b"".join(_commits(project, tables, revisions, remarks))
    subprocess.run(
        ["git", "fast-import", "--quiet"],
        input=stream, cwd=project.top, env={**os.environ, **project.environment()}, check=True,
    )  # fmt: skip
    project.git("reset", "--hard", "--quiet", "main")
    return project


def _commits(project: Project, tables: int, revisions: int, remarks: int) -> Iterator[bytes]:
    made = _Shop(Random(tables))
    names = [noun + part for part in _PARTS for noun in _NOUNS.split()][:tables]
    yield b"reset refs/heads/main\nfrom " + project.git("rev-parse", "HEAD").encode() + b"\n\n"
    parent: str | None = None
    for number in range(revisions):
        # Tables come all the time, and all are there in the end.
        due = names[len(made.tables) : -(-(number + 1) * tables // revisions)]
        steps = [made.table(name) for name in due] or [made.change()]
        up = "\n    ".join(step[0] for step in steps)
        down = "\n    ".join(step[1] for step in reversed(steps))
        message = steps[0][2] + (f" and {len(steps) - 1} more" if len(steps) > 1 else "")
        revision = f"{made.random.getrandbits(48):012x}"
        script = ONE.format(message=message, revision=revision, parent=parent, up=up, down=down)
        made.files[f"alembic/versions/{revision}_{number:03}.py"] = script
        _write_models(made)
        yield _commit(made, number * 2, message)
        parent = revision
        if remarks and number % max(1, revisions // remarks) == 0:
            some = made.random.choice(list(made.tables))
            made.files[f"app/models/{some.partition('_')[0]}.py"] = _file(made, some) + "# Seen again.\n"
            yield _commit(made, number * 2 + 1, f"Say more about {some}")


def _write_models(made: _Shop) -> None:
    owners = dict.fromkeys(table.partition("_")[0] for table in made.tables)
    for owner in owners:
        made.files[f"app/models/{owner}.py"] = _file(made, owner)
    lines = "".join(f"from app.models import {owner} as {owner}\n" for owner in sorted(owners))
    made.files["app/models/__init__.py"] = f"from app.database import Base as Base\n{lines}"


def _file(made: _Shop, table: str) -> str:
    owner = table.partition("_")[0]
    mine = [name for name in made.tables if name.partition("_")[0] == owner]
    return _IMPORTS + "".join(f"\n\n{made.models(name)}" for name in mine)


def _commit(made: _Shop, number: int, message: str) -> bytes:
    who = _AUTHORS[number // 2 % len(_AUTHORS)]
    when = FIRST_MOMENT + number * 40_000
    person = f"{who} <{who.partition(' ')[0].lower()}@example.org> {when} +0000\n"
    parts = [
        f"commit refs/heads/main\nauthor {person}committer {person}".encode(),
        b"data %d\n%s\n" % (len(message.encode()), message.encode()),
    ]
    for path, text in made.files.items():
        data = text.encode()
        parts.append(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data))
    made.files.clear()
    return b"".join(parts)
