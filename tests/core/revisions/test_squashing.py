"""One script out of many."""

from __future__ import annotations

import ast

import pytest

from gitmig.core.revisions.graph import Graph
from gitmig.core.revisions.scripts import Script, read_script
from gitmig.core.revisions.squashing import (
    Part,
    chain,
    composed,
    kept,
    kept_path,
    old_scripts,
    segments,
    squashed_by,
    with_squashes,
)
from gitmig.errors import Refused
from gitmig.wire.values import RevisionId

FIRST = '''"""Add a name

Revision ID: b2
Revises: a1
"""
from __future__ import annotations
from alembic import op
import sqlalchemy as sa

revision, down_revision = "b2", "a1"
branch_labels: str = "one"
SIZE = 10


def helper():
    return """two
lines"""


def upgrade():
    op.add_column("t", sa.Column("name", sa.String(SIZE)))


def downgrade():
    op.drop_column("t", "name")
'''
SECOND = """revision = "c3"
down_revision = "b2"
depends_on = ("z9", "b2")
from alembic import op


def upgrade():
    if op:
        return
    op.execute("never")
"""


def part(path: str, text: str) -> Part:
    script = read_script(path, text)
    assert isinstance(script, Script)
    return Part(script=script, text=text)


PARTS = (part("v/b2.py", FIRST), part("v/c3.py", SECOND))
SCRIPTS = [each.script for each in PARTS]


def test_composed() -> None:
    text = composed(PARTS, SCRIPTS, "Both", "2026-01-01")
    script = read_script("v/c3.py", text)
    assert isinstance(script, Script)
    assert (script.revision, script.down_revisions, script.squashes) == ("c3", ("a1",), ("b2", "c3"))
    assert (script.branch_labels, script.depends_on, script.message) == (("one",), ("z9",), "Both")
    compile(text, "c3.py", "exec")
    upgrade = ast.parse(text).body[-2]
    assert isinstance(upgrade, ast.FunctionDef)
    assert [n.name for n in upgrade.body if isinstance(n, ast.FunctionDef)] == ["upgrade_b2", "upgrade_c3"]
    assert 'raise NotImplementedError("c3 has no downgrade()")'.replace('"', "'") in text
    assert "two\nlines" in text or "two\\nlines" in text


def test_a_star_cannot_be_moved() -> None:
    star = part("v/d4.py", 'from app import *\nrevision = "d4"\ndown_revision = "c3"\ndef upgrade(): pass\n')
    with pytest.raises(Refused, match=r"v/d4\.py imports \*, which cannot be moved into a function"):
        composed([*PARTS, star], [*SCRIPTS, star.script], "All", "2026-01-01")


def test_segments_and_the_line() -> None:
    plain = part("v/e5.py", 'revision = "e5"\ndown_revision = "c3"\ndef upgrade(): op.drop_table("t")\n')
    more = part("v/f6.py", 'revision = "f6"\ndown_revision = "e5"\ndef upgrade(): pass\n')
    found = segments([*PARTS, plain, more])
    assert [[each.script.revision for each in one] for one in found] == [["b2"], ["c3"], ["e5", "f6"]]
    text = with_squashes(FIRST, squashed_by(SCRIPTS))
    assert text == FIRST.replace("Revises: a1\n", "Revises: a1\nSquashes: b2 c3\n")


def test_kept_and_read() -> None:
    data = kept(PARTS, {RevisionId("a0"): {"path": "v/a0.py", "text": "old"}})
    assert old_scripts(data) == {
        "a0": {"path": "v/a0.py", "text": "old"},
        "b2": {"path": "v/b2.py", "text": FIRST},
        "c3": {"path": "v/c3.py", "text": SECOND},
    }
    assert kept_path("v/c3_x.py") == "v/c3_x.squashed.json"
    with pytest.raises(ValueError, match="these are no old scripts"):
        old_scripts(b"[]")


def test_chains() -> None:
    def graph(**parents: str) -> Graph:
        return Graph.of(
            Script(
                revision=RevisionId(name),
                down_revisions=tuple(map(RevisionId, text.split())),
                path=f"{name}.py",
            )
            for name, text in parents.items()
        )

    line = graph(a="", b="a", c="b")
    assert chain(line, None, RevisionId("c")) == ("a", "b", "c")
    assert chain(line, RevisionId("a"), RevisionId("c")) == ("b", "c")
    with pytest.raises(Refused, match="a merge: what is squashed must be one line"):
        chain(graph(a="", b="a", c="a", d="b c"), None, RevisionId("d"))
    with pytest.raises(Refused, match="x follows or needs b, which would be gone"):
        chain(graph(a="", b="a", c="b", x="b"), RevisionId("a"), RevisionId("c"))
