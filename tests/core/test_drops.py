"""The tables and columns that a script drops, as its text says."""

from __future__ import annotations

import pytest

from gitmig.core.revisions.drops import drops


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("op.drop_table('t', schema='s')\nop.drop_column('t', 'x')", "s.t; t x"),
        ("with op.batch_alter_table('t') as b:\n    b.drop_column('x')", "t x"),
        ("op.execute('DROP TABLE /* old */ t')", "t"),
        ("op.execute('-- drop table t\\nselect 1')\nop.execute('/* drop table t */')", ""),
        ("op.execute(sa.text('drop table a; ' 'drop table b'))", "a; b"),
        ("op.get_bind().exec_driver_sql('alter table t drop x')", "t x"),
        ("op.execute(LATER)\nfor each in ('drop table a', 'drop table b'): op.execute(each)", "c; a; b"),
        ("op.execute('drop ' + WHAT + ' c' + ', d')", "c; d"),
        ("op.execute(f'drop table old_{name}, b')\nop.execute('alter table t drop %s' % name)", "?; b"),
        ("op.execute('drop table {}'.format(name))\nop.drop_column('t', name)\nop.drop_table(name)", "?"),
        ("op.execute(name)\nop.execute(f'insert into {name} values (1)')", ""),
        ("op.drop_index('i')\nother.execute()", ""),
    ],
)
def test_what_a_downgrade_drops(lines: str, found: str) -> None:
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    head = "LATER: str = 'drop table c'\nWHAT = 'table'\ndef upgrade():\n    op.drop_table('u')\n"
    text = f"{head}def downgrade():\n{body}"
    assert (
        "; ".join(
            "?"
            if drop.table is None
            else ".".join(filter(None, (drop.schema, drop.table)))
            + (f" {drop.column}" if drop.column else "")
            for drop in drops(text, "downgrade", "postgresql")
        )
        == found
    )


@pytest.mark.parametrize(
    ("line", "table"),
    [
        ("op.execute('DELETE FROM t WHERE x is null')", "t"),
        ("op.get_bind().execute(sa.text('truncate table only t'))", "t"),
        ("op.execute(f'delete from {name}')", None),
        ("t = sa.table('t', sa.column('x'))\n    op.execute(t.delete().where(t.c.x == 1))", "t"),
        ("op.execute(sa.delete(sa.table('t')))", "t"),
    ],
)
def test_what_an_upgrade_deletes(line: str, table: str | None) -> None:
    """A downgrade that deletes takes back what the upgrade put there."""
    text = f"def upgrade():\n    {line}\ndef downgrade():\n    {line}\n"
    (found,) = drops(text, "upgrade", "postgresql")
    assert (found.table, found.emptied) == (table, table is not None)
    assert drops(text, "downgrade", "postgresql") == ()


@pytest.mark.parametrize("line", ["session.delete(user)", "op.execute('-- delete from t')", "t.delete()"])
def test_what_deletes_nothing_by_its_text(line: str) -> None:
    assert drops(f"def upgrade():\n    {line}\n", "upgrade", "postgresql") == ()


def test_a_script_that_does_not_parse_drops_nothing() -> None:
    assert drops("def downgrade(:", "downgrade", "sqlite") == ()
