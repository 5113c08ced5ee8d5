"""What a script does beyond the schema."""

from __future__ import annotations

import pytest

from gitmig.core.revisions.effects import makes, moves_data


@pytest.mark.parametrize(
    ("body", "moves"),
    [
        ("pass", False),
        ("op.add_column('t', sa.Column('c', sa.String(length=3), server_default=sa.text('1')))", False),
        ("op.create_index(op.f('ix'), 't', ['c'])", False),
        ("with op.batch_alter_table('t') as batch_op:\n        batch_op.drop_column('c')", False),
        ("op.alter_column('t', 'c', type_=postgresql.ENUM('a', name='e'))", False),
        ("op.execute('UPDATE t SET c = 1')", True),
        ("op.bulk_insert(t, [{'c': 1}])", True),
        ("bind = op.get_bind()\n    bind.execute(x)", True),
        ("fill()", True),
        ("op.add_column('t', models.T.c.copy())", True),
    ],
)
def test_moves_data(body: str, moves: bool) -> None:
    assert moves_data(f"from alembic import op\n\ndef upgrade():\n    {body}\n") is moves


def test_what_cannot_be_said_has_to_be_tried() -> None:
    assert moves_data("def upgrade(:")
    assert moves_data("from elsewhere import upgrade")


def test_makes() -> None:
    text = """
def upgrade():
    op.create_table('a', sa.Column('id', sa.Integer))
    op.create_table('b', schema='s')
    op.add_column('c', sa.Column('d', sa.String))
    op.create_index('ix', 'c', ['d'])
    with op.batch_alter_table('e', schema=None) as batch_op:
        batch_op.add_column(sa.Column('f', sa.String))
        batch_op.drop_column('g')
    op.add_column(TABLE, sa.Column('h', sa.String))

def downgrade():
    op.create_table('no')
"""
    assert makes(text) == (("a", ""), ("s.b", ""), ("c", "d"), ("e", "f"))
    assert makes("upgrade = None") == ()
    assert makes("def (") == ()
