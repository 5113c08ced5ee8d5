"""Long lines of a script are wrapped, and mean the same."""

from __future__ import annotations

import ast

import pytest

from gitmig.worker.drafting.wrapping import WIDTH, wrapped

LINES = (
    "op.add_column('user', sa.Column('created_at', sa.DateTime(timezone=True), "
    "server_default=sa.text('now()')))",
    "op.add_column('t', sa.Column('x', postgresql.ENUM('a,b', 'c(', \"it's\", 'd', "
    "name='mood', create_type=False)))",
    "with op.batch_alter_table('user', table_args=(sa.UniqueConstraint('mail'),), "
    "recreate='always') as batch_op: pass",
    "op.execute(\"UPDATE t SET x = '%' || 'a  b' || '\\\\n' WHERE x IS NULL AND y IS NULL OR z = 2\")",
    "op.drop_constraint(next(one['name'] for one in sa.inspect(op.get_bind()).get_foreign_keys('post')"
    " if one['constrained_columns'] == ['user_id']), 'post', type_='foreignkey')",
    "op.create_table_comment('t', 'a comment of many words that is longer than any line should be', "
    "existing_comment=None)",
    "op.alter_column('t', 'x', comment='a comment of many words that is longer than any line of a file "
    "should be, or not')",
)


@pytest.mark.parametrize("line", LINES)
def test_a_long_line_is_wrapped_and_means_the_same(line: str) -> None:
    found = wrapped(line)
    assert ast.dump(ast.parse(found)) == ast.dump(ast.parse(line))
    assert max(map(len, found.splitlines())) <= WIDTH


def test_short_lines_comments_and_parts_of_a_statement_stay() -> None:
    body = (
        "op.create_table('t',\n"
        "    sa.Column('id', sa.Integer(), nullable=False),\n"
        "    schema='s'\n"
        "    )\n"
        f"    # gitmig: write by hand: {'x, ' * 40}\n"
        "    op.drop_table('u')"
    )
    assert wrapped(body) == body


def test_a_long_column_of_a_table_is_wrapped_where_it_stands() -> None:
    labels = ", ".join(f"'label {number}'" for number in range(12))
    found = wrapped(
        f"op.create_table('t',\n    sa.Column('x', sa.Enum({labels}, name='mood'), nullable=True),\n    )"
    )
    assert found.splitlines()[1:5] == [
        "    sa.Column(",
        "        'x',",
        "        sa.Enum(",
        "            'label 0',",
    ]
