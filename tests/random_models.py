"""Random models, and random changes of them, as text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

_TYPES = (
    "sa.Integer",
    "sa.BigInteger",
    "sa.String(9)",
    "sa.String(30)",
    "sa.Numeric(8, 2)",
    "sa.Boolean",
    "sa.DateTime",
    "sa.Enum('a', 'b', name='mood')",
    "sa.Enum('x', 'y', 'z', name='size')",
)
_DEFAULTS = {
    "sa.Integer": ("'1'", "sa.text('2')"),
    "sa.BigInteger": ("'7'",),
    "sa.String(9)": ("'it''s'", '"\'tis"', "sa.text(\"'5%'\")"),
    "sa.String(30)": ("'x'", "'a: b'"),
}
_NAMES = ("a", "b", "c", "d")
_COLUMNS = ("p", "q", "r", "s", "Odd name")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns by name, and its constraints and indexes as text."""

    columns: dict[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()


Models = dict[str, Table]


def random_models(random: Random) -> Models:
    """One to four tables."""
    names = random.sample(_NAMES, random.randint(1, len(_NAMES)))
    models = {name: Table(_columns(random)) for name in names}
    return {name: replace(table, parts=_parts(random, name, table, models)) for name, table in models.items()}


def changed(random: Random, models: Models) -> Models:
    """The same with a few tables, columns, constraints and indexes more, fewer or others."""
    result = dict(models)
    if random.random() < 0.3 and len(result) > 1:
        del result[random.choice(sorted(result))]
    for name in sorted(set(_NAMES) - set(result)):
        if random.random() < 0.2:
            result[name] = Table(_columns(random))
    for name, table in sorted(result.items()):
        columns = {c: text for c, text in table.columns.items() if random.random() > 0.15}
        columns |= {c: text for c, text in _columns(random).items() if random.random() < 0.35}
        result[name] = Table(columns)
    return {name: replace(table, parts=_parts(random, name, table, result)) for name, table in result.items()}


def text_of(models: Models) -> str:
    """The models' source."""
    lines = []
    for name, table in models.items():
        given = ["sa.Column('id', sa.Integer, primary_key=True)"]
        given += [f"sa.Column({column!r}, {text})" for column, text in table.columns.items()]
        lines.append(f"sa.Table({name!r}, metadata, {', '.join([*given, *table.parts])})\n")
    return "".join(lines)


def _columns(random: Random) -> dict[str, str]:
    return {name: _column(random) for name in _COLUMNS if random.random() < 0.6}


def _column(random: Random) -> str:
    kind = random.choice(_TYPES)
    text = kind
    if random.random() < 0.4 and kind in _DEFAULTS:
        text += f", server_default={random.choice(_DEFAULTS[kind])}"
    if random.random() < 0.25:
        text += ", nullable=False"
    if random.random() < 0.15:
        text += ", index=True"
    return text


def _parts(random: Random, name: str, table: Table, models: Models) -> tuple[str, ...]:
    found = []
    numbers = [c for c, text in table.columns.items() if text.startswith("sa.Integer") and c != "Odd name"]
    plain = [c for c in table.columns if c != "Odd name"]
    if numbers and random.random() < 0.5:
        label = random.choice(["", f", name='ck_{name}'"])
        found.append(f"sa.CheckConstraint('{random.choice(numbers)} > {random.randint(-3, 3)}'{label})")
    if plain and random.random() < 0.5:
        label = random.choice(["", f", name='uq_{name}'"])
        found.append(f"sa.UniqueConstraint({random.choice(plain)!r}{label})")
    if numbers and random.random() < 0.5:
        target, label = random.choice(sorted(models)), random.choice(["", f", name='fk_{name}'"])
        rule = random.choice(["", ", ondelete='CASCADE'"])
        found.append(f"sa.ForeignKeyConstraint([{random.choice(numbers)!r}], ['{target}.id']{label}{rule})")
    if plain and random.random() < 0.4:
        column, unique = random.choice(plain), random.choice([True, False])
        found.append(f"sa.Index('ix_{name}', {column!r}, unique={unique})")
    if plain and random.random() < 0.2:
        found.append(f"sa.Index('ex_{name}', sa.text('({random.choice(plain)} IS NULL)'))")
    return tuple(found)
