"""Changes that went wrong once: two kinds at once, implied names, sequences, labels that something compares.

Rows ``name: (databases, before, after)`` for the catalogue, each way; see ``tests/drafts.py``.
"""

from __future__ import annotations

from tests.drafts_parts import ALL, BOTH, CONVENTION, OTHER, PG, SQLITE, table

_MOOD = "sa.Column('x', sa.Enum({}, name='mood'){}){}"


def _mood(labels: str, more: str = "", beside: str = "") -> str:
    return table(_MOOD.format(", ".join(map(repr, labels)), more, beside))


def _key(columns: str) -> str:
    return f"sa.Table('t', metadata, {columns})\n"


_BARE = "sa.Column('x', sa.Integer, unique=True), sa.CheckConstraint('x > 0', name='pos')"
FOUND: dict[str, tuple[tuple[str, ...], str, str]] = {
    "naming convention arrives": (BOTH, table(_BARE), CONVENTION + table(_BARE)),
    "primary key, named": (
        BOTH,
        _key("sa.Column('a', sa.Integer, primary_key=True, autoincrement=False)"),
        _key("sa.Column('a', sa.Integer, autoincrement=False), sa.PrimaryKeyConstraint('a', name='pk')"),
    ),
    "primary key where none was": (
        BOTH,
        _key("sa.Column('a', sa.Integer, nullable=False), sa.Column('b', sa.Integer)"),
        _key("sa.Column('a', sa.Integer, primary_key=True), sa.Column('b', sa.Integer)"),
    ),
    "serial with more room": (
        PG,
        table(),
        _key("sa.Column('id', sa.BigInteger, primary_key=True)"),
    ),
    "serial that becomes an identity": (
        PG,
        table(),
        _key("sa.Column('id', sa.Integer, sa.Identity(always=True, start=100), primary_key=True)"),
    ),
    "WITHOUT ROWID": (
        (SQLITE,),
        _key("sa.Column('k', sa.String(9), primary_key=True)"),
        _key("sa.Column('k', sa.String(9), primary_key=True), sqlite_with_rowid=False"),
    ),
    "foreign key without a name, and a UNIQUE that goes": (
        BOTH,
        OTHER + table("sa.Column('x', sa.Integer, unique=True), sa.Column('o', sa.ForeignKey('o.id'))"),
        OTHER
        + table("sa.Column('x', sa.Integer), sa.Column('o', sa.ForeignKey('o.id', ondelete='CASCADE'))"),
    ),
    "Boolean with a CHECK, and a UNIQUE that goes": (
        BOTH,
        table("sa.Column('x', sa.Integer, unique=True)"),
        table("sa.Column('x', sa.Integer), sa.Column('e', sa.Boolean(create_constraint=True))"),
    ),
    "unique with INCLUDE, without a name": (
        PG,
        table("sa.Column('a', sa.Integer), sa.Column('s', sa.String(9))"),
        table(
            "sa.Column('a', sa.Integer), sa.Column('s', sa.String(9)),"
            " sa.UniqueConstraint('a', postgresql_include=['s'])"
        ),
    ),
    "check that is not validated": (
        PG,
        table("sa.Column('a', sa.Integer)"),
        table(
            "sa.Column('a', sa.Integer), sa.CheckConstraint('a > 0', name='ck', postgresql_not_valid=True)"
        ),
    ),
    "domain with another rule": (
        PG,
        table("sa.Column('x', pg.DOMAIN('positive', sa.Integer(), check='VALUE > 0'))"),
        table("sa.Column('x', pg.DOMAIN('positive', sa.Integer(), check='VALUE > -1'))"),
    ),
    "label that is a default": (
        BOTH,
        _mood("az", ", server_default='a'"),
        _mood("amz", ", server_default='m'"),
    ),
    "label of a column with a partial index": (
        PG,
        _mood("ab", beside=", sa.Index('ix', 'id', postgresql_where=sa.text(\"x = 'a'\"))"),
        _mood("abc", beside=", sa.Index('ix', 'id', postgresql_where=sa.text(\"x = 'a'\"))"),
    ),
    "label of a column with a CHECK": (
        PG,
        _mood("ab", beside=", sa.CheckConstraint(\"x <> 'b'\", name='ck')"),
        _mood("abc", beside=", sa.CheckConstraint(\"x <> 'b'\", name='ck')"),
    ),
    "labels while columns and tables of the type come and go": (
        BOTH,
        _mood("abc")
        + table("sa.Column('m', sa.Enum('a', 'b', 'c', name='mood'), server_default='b')", "old"),
        table(
            "sa.Column('y', sa.Enum('a', 'c', 'd', name='mood'), server_default='d'), sa.Column('z', sa.Date)"
        )
        + table("sa.Column('m', sa.Enum('a', 'c', 'd', name='mood'))", "new"),
    ),
    "comment of a table and a column": (
        ALL[2:],
        table("sa.Column('x', sa.Integer, comment='one')", options=", comment='x'"),
        table("sa.Column('x', sa.Integer, comment=\"it's: %two\")", options=', comment="it\'s"'),
    ),
}

_LINKED = "sa.Column({0!r}, sa.Integer, sa.ForeignKey({1!r})), sa.Column({2!r}, sa.Integer)"
NAMED = (
    table("sa.Column('x', sa.Integer), sa.UniqueConstraint('x', name='uq_a')", "a")
    + table(_LINKED.format("a_id", "a.id", "y") + ", sa.UniqueConstraint('y', name='uq_b')", "b"),
    table("sa.Column('x2', sa.Integer), sa.UniqueConstraint('x2', name='uq_a2')", "a2")
    + table(_LINKED.format("a2_id", "a2.id", "y2") + ", sa.UniqueConstraint('y2', name='uq_b2')", "b2"),
)
RENAMED = {
    "two tables renamed, with their columns and a UNIQUE": (
        NAMED[0],
        NAMED[1],
        (("", "a", "a2"), ("", "b", "b2"), ("a2", "x", "x2"), ("b2", "a_id", "a2_id"), ("b2", "y", "y2")),
    ),
    "column renamed that is called as a word of Python": (
        table(
            "sa.Column('nullable', sa.String(length=9), nullable=False, server_default='nullable'),"
            " sa.Column('b', sa.Integer, unique=True), sa.CheckConstraint(\"nullable <> 'nullable'\")"
        ),
        table(
            "sa.Column('maybe', sa.String(length=9), nullable=False, server_default='nullable'),"
            " sa.Column('b', sa.Integer), sa.CheckConstraint(\"maybe <> 'nullable'\")"
        ),
        (("t", "nullable", "maybe"),),
    ),
    "columns renamed, with comments, a default and a computed column": (
        table(
            "sa.Column('x', sa.String(9), comment='one', server_default='x'),"
            " sa.Column('y', sa.String(9), comment='one'),"
            " sa.Column('g', sa.String(9), sa.Computed(\"coalesce(x, 'x')\", persisted=True))"
        ),
        table(
            "sa.Column('x2', sa.String(9), comment='one', server_default='x'),"
            " sa.Column('y2', sa.String(9), comment='two'),"
            " sa.Column('g', sa.String(9), sa.Computed(\"coalesce(x2, 'x')\", persisted=True))"
        ),
        (("t", "x", "x2"), ("t", "y", "y2")),
    ),
}
FILLED = {
    "NOT NULL, filled, while a UNIQUE without a name goes": (
        ALL,
        table("sa.Column('x', sa.Integer, unique=True)"),
        table("sa.Column('x', sa.Integer), sa.Column('y', sa.Integer, nullable=False)"),
        (("t", "y", "7"),),
    ),
    "NOT NULL without a default, of many types: dropped": (
        ALL,
        table(
            "sa.Column('x', sa.String(9), nullable=False), sa.Column('n', sa.Numeric(8, 2), nullable=False),"
            " sa.Column('b', sa.Boolean, nullable=False), sa.Column('d', sa.DateTime, nullable=False),"
            " sa.Column('e', sa.Enum('a\\'b', 'c', name='mood'), nullable=False),"
            " sa.Column('j', sa.JSON, nullable=False), sa.CheckConstraint('b in (false, true)', name='ck')"
        ),
        table(),
        (),
    ),
    "NOT NULL and unique, filled: dropped": (
        ALL,
        table("sa.Column('x', sa.String(9), unique=True, nullable=False, comment='one')"),
        table(),
        (("t", "x", "id"),),
    ),
    "NOT NULL with a collation: dropped": (
        ALL[:1],
        table("sa.Column('x', sa.String(9, collation='NOCASE'), nullable=False)"),
        table(),
        (),
    ),
}
