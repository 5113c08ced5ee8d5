"""A catalogue of changes of models: each is drafted, applied with rows, undone and applied again.

An entry is made of what a table has: nothing, one form of it, another form. So each gives three changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests import drafts_mariadb
from tests.drafts_found import FILLED, FOUND, RENAMED
from tests.drafts_parts import ALL as ALL
from tests.drafts_parts import BOTH as BOTH
from tests.drafts_parts import CONVENTION, OTHER, PG
from tests.drafts_parts import MYSQL as MYSQL
from tests.drafts_parts import POSTGRESQL as POSTGRESQL
from tests.drafts_parts import SQLITE as SQLITE
from tests.drafts_parts import table as table


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Models before and after, on the databases that know them."""

    name: str
    before: str
    after: str
    on: tuple[str, ...]
    fills: tuple[tuple[str, str, str], ...] = ()
    renames: tuple[tuple[str, str, str], ...] = ()


A = "sa.Column('a', sa.Integer), sa.Column('s', sa.String(20))"

# name: (databases, what is always there, one form, another form); the forms are parts of the table t.
PARTS: dict[str, tuple[tuple[str, ...], str, str, str]] = {
    "column, String": (BOTH, "", "sa.Column('x', sa.String(9))", "sa.Column('x', sa.String(30))"),
    "column, Integer": (BOTH, "", "sa.Column('x', sa.Integer)", "sa.Column('x', sa.BigInteger)"),
    "column, Numeric": (BOTH, "", "sa.Column('x', sa.Numeric(8, 2))", "sa.Column('x', sa.Numeric(10, 4))"),
    "column, Boolean": (
        BOTH,
        "",
        "sa.Column('x', sa.Boolean)",
        "sa.Column('x', sa.Boolean, server_default=sa.true())",
    ),
    "column, DateTime": (
        BOTH,
        "",
        "sa.Column('x', sa.DateTime)",
        "sa.Column('x', sa.DateTime, server_default=sa.func.current_timestamp())",
    ),
    "column, with a CHECK of its own": (
        BOTH,
        "",
        "sa.Column('x', sa.Integer, sa.CheckConstraint('x > 0'))",
        "sa.Column('x', sa.Integer, sa.CheckConstraint('x > -1'), sa.CheckConstraint('x < 9', name='ck'))",
    ),
    "column, beside a computed one": (
        BOTH,
        "sa.Column('c', sa.Integer, sa.Computed('id * 2', persisted=True))",
        "sa.Column('x', sa.String(9))",
        "sa.Column('x', sa.String(30))",
    ),
    "column, LargeBinary": (
        BOTH,
        "",
        "sa.Column('x', sa.LargeBinary)",
        "sa.Column('x', sa.LargeBinary, index=True)",
    ),
    "column, JSON": (BOTH, "", "sa.Column('x', sa.JSON)", "sa.Column('x', sa.JSON, server_default='{}')"),
    "column, ARRAY": (
        PG,
        "",
        "sa.Column('x', sa.ARRAY(sa.Integer))",
        "sa.Column('x', sa.ARRAY(sa.BigInteger))",
    ),
    "column, JSONB": (
        PG,
        "",
        "sa.Column('x', pg.JSONB, server_default=sa.text(\"'{}'::jsonb\"))",
        'sa.Column(\'x\', pg.JSONB, server_default=sa.text("\'{\\"a\\": \\"b c\\"}\'::jsonb"))',
    ),
    "column, UUID": (
        PG,
        "",
        "sa.Column('x', pg.UUID)",
        "sa.Column('x', pg.UUID, server_default=sa.func.gen_random_uuid())",
    ),
    "column, time zone": (
        PG,
        "",
        "sa.Column('x', sa.DateTime)",
        "sa.Column('x', sa.DateTime(timezone=True))",
    ),
    "column, INTERVAL": (PG, "", "sa.Column('x', sa.Interval)", "sa.Column('x', pg.INTERVAL(precision=3))"),
    "column, INET": (PG, "", "sa.Column('x', pg.INET)", "sa.Column('x', pg.CIDR)"),
    "column, TSVECTOR": (PG, "", "sa.Column('x', pg.TSVECTOR)", "sa.Column('x', pg.TSVECTOR, index=True)"),
    "column, type of one's own": (BOTH, "", "sa.Column('x', Cents)", "sa.Column('x', Name(9))"),
    "default, text": (
        BOTH,
        "",
        "sa.Column('x', sa.String(9), server_default='a')",
        "sa.Column('x', sa.String(9), server_default='y:z %')",
    ),
    "default, quotation marks": (
        BOTH,
        "",
        "sa.Column('x', sa.String(9), server_default=\"'tis\")",
        "sa.Column('x', sa.String(9), server_default=\"it's'\")",
    ),
    "default, per cent": (
        BOTH,
        "",
        "sa.Column('x', sa.String(9), server_default=sa.text(\"'10%'\"))",
        "sa.Column('x', sa.String(9), server_default=sa.text(\"'5%%'\"))",
    ),
    "default, colon": (
        BOTH,
        "",
        "sa.Column('x', sa.String(9), server_default=sa.text(r\"' \\:a'\"))",
        "sa.Column('x', sa.String(9), server_default=sa.text(r\"'\\:b'\"))",
    ),
    "default, number": (
        BOTH,
        "",
        "sa.Column('x', sa.Integer, server_default=sa.text('1'))",
        "sa.Column('x', sa.Integer, server_default='2')",
    ),
    "default, cast": (
        PG,
        "",
        "sa.Column('x', sa.Text, server_default=sa.text(\"'a'::text\"))",
        "sa.Column('x', sa.Text, server_default=sa.text(\"upper('b'::text)\"))",
    ),
    "NOT NULL with a default": (
        BOTH,
        "",
        "sa.Column('x', sa.Integer, nullable=False, server_default='3')",
        "sa.Column('x', sa.Integer, server_default='3')",
    ),
    "unique, named": (
        BOTH,
        A,
        "sa.UniqueConstraint('a', name='uq')",
        "sa.UniqueConstraint('a', 's', name='uq')",
    ),
    "unique, without a name": (BOTH, A, "sa.UniqueConstraint('a')", "sa.UniqueConstraint('a', 's')"),
    "unique, deferrable": (
        PG,
        A,
        "sa.UniqueConstraint('a', name='uq')",
        "sa.UniqueConstraint('a', name='uq', deferrable=True, initially='DEFERRED')",
    ),
    "unique, nulls not distinct": (
        PG,
        A,
        "sa.UniqueConstraint('a', name='uq')",
        "sa.UniqueConstraint('a', name='uq', postgresql_nulls_not_distinct=True)",
    ),
    "check, named": (
        BOTH,
        A,
        "sa.CheckConstraint('a > 0', name='ck')",
        "sa.CheckConstraint('a > -1', name='ck')",
    ),
    "check, without a name": (BOTH, A, "sa.CheckConstraint('a > 0')", "sa.CheckConstraint('a > -1')"),
    "check, per cent and quotes": (
        BOTH,
        A,
        "sa.CheckConstraint(\"s <> 'it''s 5%'\", name='ck')",
        "sa.CheckConstraint(\"s <> 'a:b %s'\", name='ck')",
    ),
    "check, of an expression": (
        BOTH,
        "",
        "sa.Column('a', sa.Integer), sa.CheckConstraint(sa.column('a') > 0, name='ck')",
        "sa.Column('a', sa.Integer), sa.CheckConstraint(sa.column('a') > -7, name='ck')",
    ),
    "foreign key, named": (
        BOTH,
        A,
        "sa.ForeignKeyConstraint(['a'], ['o.id'], name='fk')",
        "sa.ForeignKeyConstraint(['a'], ['o.id'], name='fk', ondelete='CASCADE')",
    ),
    "foreign key, without a name": (
        BOTH,
        A,
        "sa.ForeignKeyConstraint(['a'], ['o.id'])",
        "sa.ForeignKeyConstraint(['a'], ['o.id'], onupdate='CASCADE')",
    ),
    "foreign key, deferrable": (
        BOTH,
        A,
        "sa.ForeignKeyConstraint(['a'], ['o.id'], name='fk')",
        "sa.ForeignKeyConstraint(['a'], ['o.id'], name='fk', deferrable=True, initially='DEFERRED')",
    ),
    "foreign key, of a column": (
        BOTH,
        "",
        "sa.Column('x', sa.Integer, sa.ForeignKey('o.id'))",
        "sa.Column('x', sa.Integer, sa.ForeignKey('o.id', ondelete='SET NULL'))",
    ),
    "foreign key, to itself": (
        BOTH,
        "",
        "sa.Column('x', sa.Integer, sa.ForeignKey('t.id', name='fk'))",
        "sa.Column('x', sa.Integer, sa.ForeignKey('t.id', name='fk', ondelete='CASCADE'))",
    ),
    "index": (BOTH, A, "sa.Index('ix', 'a')", "sa.Index('ix', 'a', unique=True)"),
    "index, of a column": (
        BOTH,
        "",
        "sa.Column('x', sa.Integer, index=True)",
        "sa.Column('x', sa.Integer, unique=True)",
    ),
    "index, expression": (
        BOTH,
        A,
        "sa.Index('ix', sa.text('lower(s)'))",
        "sa.Index('ix', sa.text('upper(s)'), unique=True)",
    ),
    "index, descending": (
        BOTH,
        A,
        "sa.Index('ix', sa.text('a DESC'))",
        "sa.Index('ix', sa.text('a DESC'), 's')",
    ),
    "index, partial": (
        BOTH,
        A,
        "sa.Index('ix', 'a', postgresql_where=sa.text('a > 3'), sqlite_where=sa.text('a > 3'))",
        "sa.Index('ix', 'a', postgresql_where=sa.text('a > 4'), sqlite_where=sa.text('a > 4'))",
    ),
    "index, method": (
        PG,
        A,
        "sa.Index('ix', 'a', postgresql_using='hash')",
        "sa.Index('ix', 'a', postgresql_using='brin')",
    ),
    "index, operator class": (
        PG,
        A,
        "sa.Index('ix', 's', postgresql_ops={'s': 'text_pattern_ops'})",
        "sa.Index('ix', 's', postgresql_ops={'s': 'varchar_pattern_ops'})",
    ),
    "index, INCLUDE": (
        PG,
        A,
        "sa.Index('ix', 'a', postgresql_include=['s'])",
        "sa.Index('ix', 'a', postgresql_include=['id'])",
    ),
    "index, nulls not distinct": (
        PG,
        A,
        "sa.Index('ix', 'a', unique=True)",
        "sa.Index('ix', 'a', unique=True, postgresql_nulls_not_distinct=True)",
    ),
    "index, storage": (
        PG,
        A,
        "sa.Index('ix', 'a', postgresql_with={'fillfactor': 50})",
        "sa.Index('ix', 'a', postgresql_with={'fillfactor': 70})",
    ),
    "exclusion": (
        PG,
        A,
        "pg.ExcludeConstraint(('a', '='), name='ex', using='btree')",
        "pg.ExcludeConstraint(('a', '='), name='ex', using='btree', where=sa.text('a > 3'))",
    ),
    "comment of a column": (
        PG,
        "",
        "sa.Column('x', sa.Integer, comment='one')",
        "sa.Column('x', sa.Integer, comment=\"it's: %two\")",
    ),
    "comment of a constraint": (
        PG,
        A,
        "sa.CheckConstraint('a > 0', name='ck', comment='one')",
        "sa.CheckConstraint('a > 0', name='ck', comment='two')",
    ),
    "collation": (
        (SQLITE,),
        "",
        "sa.Column('x', sa.String(9, collation='NOCASE'))",
        "sa.Column('x', sa.String(9, collation='RTRIM'))",
    ),
    "collation of PostgreSQL": (
        PG,
        "",
        "sa.Column('x', sa.String(9, collation='C'))",
        "sa.Column('x', sa.String(9, collation='POSIX'))",
    ),
    "identity": (
        PG,
        "",
        "sa.Column('x', sa.Integer, sa.Identity())",
        "sa.Column('x', sa.Integer, sa.Identity(always=True, start=5, increment=2))",
    ),
    "computed": (
        PG,
        "",
        "sa.Column('x', sa.Integer, sa.Computed('id * 2', persisted=True))",
        "sa.Column('x', sa.Integer, sa.Computed('id * 3', persisted=True))",
    ),
    "computed, virtual": (
        (SQLITE,),
        "",
        "sa.Column('x', sa.Integer, sa.Computed('id * 2'))",
        "sa.Column('x', sa.Integer, sa.Computed('id * 3'))",
    ),
    "enumeration": (
        BOTH,
        "",
        "sa.Column('x', sa.Enum('a', 'b', name='mood'))",
        "sa.Column('x', sa.Enum('a', \"it's\", 'b', name='mood'))",
    ),
    "enumeration with a default": (
        PG,
        "",
        "sa.Column('x', sa.Enum('a', 'b', name='mood'), server_default='a')",
        "sa.Column('x', sa.Enum('a', name='mood'), server_default='a')",
    ),
    "enumeration in an array": (
        PG,
        "",
        "sa.Column('x', sa.ARRAY(sa.Enum('a', 'b', name='mood')))",
        "sa.Column('x', sa.ARRAY(sa.Enum('a', 'b', 'c', name='mood')))",
    ),
    "enumeration by a CHECK": (
        BOTH,
        "",
        "sa.Column('x', sa.Enum('a', 'b', name='mood', native_enum=False, create_constraint=True))",
        "sa.Column('x', sa.Enum('a', 'c', 'b', name='mood', native_enum=False, create_constraint=True))",
    ),
    "domain": (
        PG,
        "",
        "sa.Column('x', pg.DOMAIN('positive', sa.Integer(), check='VALUE > 0'))",
        "sa.Column('x', pg.DOMAIN('positive', sa.Integer(), check='VALUE > 0'), index=True)",
    ),
}

NAMED = (
    A
    + ", sa.CheckConstraint('a > 0', name='positive'), sa.UniqueConstraint('a'),"
    + " sa.ForeignKeyConstraint(['a'], ['o.id'])"
)
CIRCLE = (
    "sa.Table('x', metadata, sa.Column('id', sa.Integer, primary_key=True),"
    " sa.Column('y', sa.ForeignKey('y.id'{0})))\n"
    "sa.Table('y', metadata, sa.Column('id', sa.Integer, primary_key=True),"
    " sa.Column('x', sa.ForeignKey('x.id')))\n"
)
SHARED = (
    "mood = sa.Enum('a', 'b', name='mood')\n"
    + table("sa.Column('m', mood)", "x")
    + table("sa.Column('m', mood)", "y")
)

# name: (databases, before, after)
WHOLES: dict[str, tuple[tuple[str, ...], str, str]] = {
    "table": (BOTH, OTHER, OTHER + table(NAMED + ", sa.Index('ix', 's')")),
    "table with a comment": (PG, "", table(A, options=", comment='x'")),
    "comment of a table": (PG, table(options=", comment='x'"), table(options=', comment="it\'s"')),
    "tables in a circle": (BOTH, "", CIRCLE.format("")),
    "tables in a circle, use_alter": (BOTH, "", CIRCLE.format(", use_alter=True, name='alone'")),
    "enumeration of two tables": (BOTH, "", SHARED),
    "enumeration, one user more": (
        BOTH,
        "mood = sa.Enum('a', 'b', name='mood')\n" + table("sa.Column('m', mood)", "x"),
        SHARED,
    ),
    "naming convention": (BOTH, CONVENTION + OTHER + table(A), CONVENTION + OTHER + table(NAMED)),
    "naming convention, new table": (BOTH, CONVENTION + OTHER, CONVENTION + OTHER + table(NAMED)),
    "schema": (PG, "", table(A, options=", schema='other'")),
    "sequence": (PG, "", "sa.Sequence('counter', start=5, metadata=metadata)\n"),
    "sequence of a key": (
        PG,
        "",
        "ids = sa.Sequence('ids', metadata=metadata)\n"
        "sa.Table('t', metadata, sa.Column('id', sa.Integer, ids, primary_key=True))\n",
    ),
    "sequence, other steps": (
        PG,
        "sa.Sequence('counter', increment=1, metadata=metadata)\n",
        "sa.Sequence('counter', increment=5, metadata=metadata)\n",
    ),
    "serial": (
        PG,
        "sa.Table('t', metadata, sa.Column('id', sa.Integer, primary_key=True, autoincrement=False))\n",
        table(),
    ),
    "primary key": (
        BOTH,
        "sa.Table('t', metadata, sa.Column('k', sa.Integer, primary_key=True, autoincrement=False),"
        " sa.Column('l', sa.Integer, nullable=False))\n",
        "sa.Table('t', metadata, sa.Column('k', sa.Integer, primary_key=True, autoincrement=False),"
        " sa.Column('l', sa.Integer, primary_key=True, autoincrement=False))\n",
    ),
    "key that refers": (
        BOTH,
        OTHER,
        OTHER + "sa.Table('t', metadata, sa.Column('id', sa.ForeignKey('o.id'), primary_key=True))\n",
    ),
    "column and foreign key to a new table": (
        BOTH,
        table(),
        table("sa.Column('x', sa.ForeignKey('o.id'))") + OTHER,
    ),
    "type, text to number": (PG, table("sa.Column('x', sa.Numeric)"), table("sa.Column('x', sa.String(40))")),
    "type, number to text with a default": (
        PG,
        table("sa.Column('x', sa.Integer, server_default='1')"),
        table("sa.Column('x', sa.Text, server_default='1')"),
    ),
    "AUTOINCREMENT": ((SQLITE,), table(), table(options=", sqlite_autoincrement=True")),
    "table info": (BOTH, "", "class Thing:\n    pass\n" + table(options=", info={'thing': Thing()}")),
    "key of another name in Python": (
        BOTH,
        table(),
        table("sa.Column('x', sa.Integer, key='y', index=True)"),
    ),
    "names that need quotes": (
        BOTH,
        table(name="order"),
        table(
            "sa.Column('Group By', sa.String(9), server_default='x'),"
            " sa.CheckConstraint('\"Group By\" IS NOT NULL', name='C k')",
            "order",
        ),
    ),
}


def changes() -> Iterator[Change]:
    """All of them. MariaDB has what both others have, but for what it does not know."""
    for change in _changes():
        yield replace(change, on=ALL) if drafts_mariadb.knows(change.name, change.on) else change


def _changes() -> Iterator[Change]:
    for name, (on, always, one, other) in PARTS.items():
        start = OTHER + table(always)
        first, second = (OTHER + table(", ".join(filter(None, (always, form)))) for form in (one, other))
        yield Change(name=f"{name}: added", before=start, after=first, on=on)
        yield Change(name=f"{name}: changed", before=first, after=second, on=on)
        yield Change(name=f"{name}: dropped", before=second, after=start, on=on)
    for name, (on, before, after) in (WHOLES | FOUND).items():
        yield Change(name=f"{name}: there", before=before, after=after, on=on)
        yield Change(name=f"{name}: and back", before=after, after=before, on=on)
    for name, (before, after, renames) in RENAMED.items():
        back = tuple((_before(table, renames), new, old) for table, old, new in renames)
        yield Change(name=f"{name}: there", before=before, after=after, on=BOTH, renames=renames)
        yield Change(name=f"{name}: and back", before=after, after=before, on=BOTH, renames=back)
    for name, (on, before, after, fills) in FILLED.items():
        yield Change(name=name, before=before, after=after, on=on, fills=fills)
    yield from _answered()


def _before(name: str, renames: tuple[tuple[str, str, str], ...]) -> str:
    return next((old for schema, old, new in renames if not schema and new == name), name)


def _answered() -> Iterator[Change]:
    filled = (("t", "x", "'?'"),)
    strict = "sa.Column('x', sa.String(9), nullable=False)"
    yield Change(name="NOT NULL, filled: added", before=table(), after=table(strict), on=BOTH, fills=filled)
    yield Change(
        name="NOT NULL, filled: changed",
        before=table("sa.Column('x', sa.String(9))"),
        after=table(strict),
        on=BOTH,
        fills=filled,
    )
    old = "sa.Column('x', sa.String(9), index=True), sa.CheckConstraint(\"x <> 'no'\", name='ck')"
    yield Change(
        name="column renamed",
        before=table(old),
        after=table(old.replace("'x'", "'y'").replace("x <>", "y <>")),
        on=BOTH,
        renames=(("t", "x", "y"),),
    )
    yield Change(
        name="column renamed, with another type, while a constraint goes",
        before=table("sa.Column('x', sa.String(9)), sa.Column('z', sa.Integer, unique=True)"),
        after=table("sa.Column('y', sa.String(30)), sa.Column('z', sa.Integer)"),
        on=BOTH,
        renames=(("t", "x", "y"),),
    )
    parts = (
        "sa.Column('x', sa.String(9), index=True), sa.UniqueConstraint('x', name='uq'),"
        " sa.UniqueConstraint('x', 'id'),"
        " sa.CheckConstraint(\"x <> 'no'\", name='ck')"
    )
    refers = table("sa.Column('t', sa.ForeignKey('{}.id'))", "o")
    yield Change(
        name="table renamed",
        before=table(parts) + refers.format("t"),
        after=table(parts, "u") + refers.format("u"),
        on=BOTH,
        renames=(("", "t", "u"),),
    )
    yield Change(
        name="table renamed, with other columns",
        before=table("sa.Column('x', sa.String(9)), sa.Column('z', sa.Integer)"),
        after=table("sa.Column('x', sa.String(30)), sa.Column('y', sa.Integer)", "u"),
        on=BOTH,
        renames=(("", "t", "u"),),
    )
    yield Change(
        name="table renamed, and a column",
        before=table("sa.Column('x', sa.String(9), index=True)"),
        after=table("sa.Column('y', sa.String(9), index=True)", "u"),
        on=BOTH,
        renames=(("", "t", "u"), ("u", "x", "y")),
    )
    label = "sa.Column('x', sa.Enum('a', 'b', name='mood'))"
    yield Change(
        name="label renamed",
        before=table(label),
        after=table(label.replace("'b'", "'c'")),
        on=PG,
        renames=(("mood", "b", "c"),),
    )
    default = "sa.Column('x', sa.Enum('a', 'b', name='mood'), server_default='b')"
    yield Change(
        name="label renamed that is a default",
        before=table(default),
        after=table(default.replace("'b'", "'c'")),
        on=PG,
        renames=(("mood", "b", "c"),),
    )
    yield Change(
        name="label gone, filled",
        before=table(label),
        after=table(label.replace("'b', ", "")),
        on=PG,
        fills=(("mood", "b", "a"),),
    )
