"""Other identifiers for a revision, by source offset."""

from __future__ import annotations

import pytest

from gitmig.core.revisions.header import Header
from gitmig.core.revisions.rewriting import Identity, rewritten
from gitmig.core.revisions.scripts import Script, read_script_bytes
from gitmig.errors import Refused
from gitmig.wire.values import RevisionId

ALEMBIC = b'''"""Add a name

Revision ID: b2b2
Revises: a1a1
Create Date: 2026-01-01 00:00:00

"""
from alembic import op

# revision identifiers, used by Alembic.
revision = 'b2b2'  # b2b2
down_revision = 'a1a1'
branch_labels = ('one',)
depends_on = None


def upgrade():
    op.execute("a1a1 b2b2")


def downgrade():
    pass
'''


def script(data: bytes) -> Script:
    found = read_script_bytes("versions/b2b2_add.py", data)
    assert isinstance(found, Script), found
    return found


def on(data: bytes, *parents: str, revision: str | None = None, header: Header | None = None) -> bytes:
    own = script(data)
    identity = Identity(
        revision=RevisionId(revision or own.revision),
        parents=tuple(RevisionId(parent) for parent in parents),
        depends_on=own.depends_on,
    )
    return rewritten(own, data, identity, header)


def test_only_the_parent() -> None:
    assert on(ALEMBIC, "c3c3") == ALEMBIC.replace(b"Revises: a1a1", b"Revises: c3c3").replace(
        b"down_revision = 'a1a1'", b"down_revision = 'c3c3'"
    )


def test_another_id_too() -> None:
    assert on(ALEMBIC, "c3c3", revision="d4d4") == (
        ALEMBIC.replace(b"Revises: a1a1", b"Revises: c3c3")
        .replace(b"down_revision = 'a1a1'", b"down_revision = 'c3c3'")
        .replace(b"Revision ID: b2b2", b"Revision ID: d4d4")
        .replace(b"revision = 'b2b2'", b"revision = 'd4d4'")
    )


def test_several_parents_and_none() -> None:
    two = on(ALEMBIC, "c3c3", "d4d4")
    assert b"down_revision = ('c3c3', 'd4d4')\n" in two
    assert b"Revises: c3c3, d4d4\n" in two
    assert on(two, "c3c3") == on(ALEMBIC, "c3c3")
    none = on(ALEMBIC)
    assert b"down_revision = None\n" in none
    assert b"Revises: \n" in none
    assert on(none, "a1a1").replace(b'"a1a1"', b"'a1a1'") == ALEMBIC


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'revision, down_revision = "27", "26"', b'revision, down_revision = "27", "30"'),
        (b'revision: str = "27"\ndown_revision: str | None = "26"', None),
        (b'revision = "27"; down_revision = "26"', None),
        (b'revision = "27"\ndown_revision = (\n    "26",\n)', b'revision = "27"\ndown_revision = "30"'),
        (b"revision = '27'\ndown_revision = ['26']", b"revision = '27'\ndown_revision = '30'"),
        ('# ä\nnäme = "ü"; revision = "27"; down_revision = "26"'.encode(), None),
        (b'\xef\xbb\xbfrevision = "27"\r\ndown_revision = "26"\r\n', None),
        (b'# -*- coding: latin-1 -*-\n"""\xe4"""\nrevision = "27"\ndown_revision = "26"\n', None),
        (b'"""Revises: 26"""\nrevision = "27"\ndown_revision = "26"\n', None),
    ],
)
def test_the_ways_it_is_written(before: bytes, after: bytes | None) -> None:
    assert on(before, "30") == (after or before.replace(b"26", b"30"))


@pytest.mark.parametrize("spelled", [b'parent = "26"\ndown_revision = parent', b'down_revision = "2" + "6"'])
def test_what_is_not_spelled_out(spelled: bytes) -> None:
    with pytest.raises(Refused, match=r"down_revision of versions/b2b2_add\.py is not spelled out") as error:
        on(b'revision = "27"\n' + spelled, "30")
    assert error.value.hint == 'write in versions/b2b2_add.py: down_revision = "30"'


def test_a_docstring_that_says_something_else_stays() -> None:
    data = ALEMBIC.replace(b"Revises: a1a1", b"Revises: the decision of monday")
    assert b"Revises: the decision of monday" in on(data, "c3c3")


def test_with_a_record() -> None:
    header = Header(models="0" * 16)
    assert on(ALEMBIC, "c3c3", header=header) == on(ALEMBIC, "c3c3").replace(
        b"00:00:00\n", b"00:00:00\nModels: 0000000000000000\n"
    )
