"""Revision scripts read as text. Where a form can be run, what is read is compared with what Python says."""

from __future__ import annotations

import ast
import textwrap
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitmig.core.parsing import parse_module
from gitmig.core.revisions.header import Header, with_header
from gitmig.core.revisions.programs import (
    idle,
    irreversible,
    program_digest,
    same_program,
    same_upgrade,
    splits,
)
from gitmig.core.revisions.scripts import Script, Unreadable, read_script, read_script_bytes

TEMPLATE = '''\
"""Add username for user

Revision ID: 27c6a30d7c24
Revises: 3512b954651e
Create Date: 2026-11-22 17:00:00.000000

"""
from typing import Sequence, Union

from alembic import op
import sqlalchemy as sa


# revision identifiers, used by Alembic.
revision: str = '27c6a30d7c24'
down_revision: Union[str, Sequence[str], None] = '3512b954651e'
branch_labels: Union[str, Sequence[str], None] = None
depends_on: Union[str, Sequence[str], None] = None


def upgrade() -> None:
    """Upgrade schema."""
    op.add_column('user', sa.Column('username', sa.String(), nullable=True))


def downgrade() -> None:
    """Downgrade schema."""
    op.drop_column('user', 'username')
'''
HEADER = Header(
    models="0123456789abcdef",
    dialect="sqlite",
    schema="fedcba9876543210",
    change="00112233445566aa",
    sqlalchemy="2.1",
)


def read(text: str, path: str = "alembic/versions/1_x.py") -> Script:
    found = read_script(path, textwrap.dedent(text))
    assert isinstance(found, Script), found
    return found


def unreadable(text: str, path: str = "alembic/versions/1_x.py") -> Unreadable:
    found = read_script(path, textwrap.dedent(text))
    assert isinstance(found, Unreadable), found
    return found


def test_alembics_template() -> None:
    script = read(with_header(TEMPLATE, HEADER))
    assert script == Script(
        revision="27c6a30d7c24",  # type: ignore[arg-type]
        down_revisions=("3512b954651e",),  # type: ignore[arg-type]
        path="alembic/versions/1_x.py",
        message="Add username for user",
        title="Add username for user",
        header=HEADER,
    )


# --- forms of the identifiers (shared facts, "Reading identifiers") ---------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "revision = 'b'\ndown_revision = 'a'",
        "revision: str = 'b'\ndown_revision: str | None = 'a'",
        "revision: Final[str] = 'b'\ndown_revision: Final = 'a'",
        "revision, down_revision = 'b', 'a'",
        "(revision, down_revision) = ('b', 'a')",
        "[revision, down_revision] = ['b', 'a']",
        "revision, down_revision = PAIR = 'b', 'a'",
        "PAIR = ('b', 'a')\nrevision, down_revision = PAIR",
        "revision = 'b'; down_revision = 'a'; branch_labels = depends_on = None",
        "branch_labels = depends_on = None\nrevision = 'b'\ndown_revision = 'a'",
        "revision = 'b'\ndown_revision = ['a']",
        "revision = 'b'\ndown_revision = ('a',)",
        "revision = 'b'\ndown_revision = (\n    'a',\n)",
        "revision = ('b')\ndown_revision = {'a'}",
        "revision = 'b' ''\ndown_revision = '' + 'a'",
        "NAME = 'b'\nrevision = NAME\nOLD: str = 'a'\ndown_revision = (OLD,)",
        "N = 'b'\nrevision = f'{N}'\nDOWN = 'a'\ndown_revision = f'{DOWN!s}'",
        "revision = 'x'\nrevision = 'b'\ndown_revision = 'a'",
        "revision = 'a'\ndown_revision = 'b'\nrevision, down_revision = down_revision, revision",
        "A = ['a']\nrevision = 'b'\ndown_revision = [*A]",
        "revision = 'b'\ndown_revision = []\ndown_revision += ['a']",
        "down_revision: str\nrevision = 'b'\ndown_revision = 'a'",
        "import os, sys\nfor x in sys.path:\n    y = x\nrevision = 'b'\ndown_revision = 'a'",
        "from sqlalchemy import *\nrevision = 'b'\ndown_revision = 'a'",
        "revision = 'b'\ndown_revision = 'a'\ndef upgrade():\n    revision = compute()",
        "revision = 'b'\ndown_revision = 'a'\nclass Old:\n    down_revision = 'z'",
        "x = revision = 'b'\ndown_revision = 'a'\nrest = [revision for revision in 'xyz']",
        "\ufeffrevision = 'b'\ndown_revision = 'a'",
        "revision = 'b'\rdown_revision = 'a'\r",
        "revision = 'b'\r\ndown_revision = 'a'\r\n",
        "revision = '\\x62'\ndown_revision = r'a'",
    ],
)
def test_forms(text: str) -> None:
    script = read(text)
    assert (script.revision, script.down_revisions) == ("b", ("a",))
    assert (script.depends_on, script.branch_labels) == ((), ())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("None", ()),
        ("()", ()),
        ("[]", ()),
        ("(None,)", ()),
        ("'x'", ("x",)),
        ("('x', 'y')", ("x", "y")),
        ("['x'] + ['y']", ("x", "y")),
        ("('x', 'y', 'x')", ("x", "y")),
        ("(\n    'x',  # one\n    'y',\n)", ("x", "y")),
    ],
)
def test_one_several_or_none(value: str, expected: tuple[str, ...]) -> None:
    script = read(f"revision = 'b'\ndown_revision = {value}\ndepends_on = {value}\nbranch_labels = {value}")
    assert script.down_revisions == script.depends_on == script.branch_labels == expected


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        (
            "import os\nrevision = os.path.basename(__file__)\ndown_revision = None",
            "revision is not spelled out: `os.path.basename(__file__)` is computed",
            2,
        ),
        (
            "from ids import NEW\n\nrevision = NEW\ndown_revision = None",
            "revision is not spelled out: `NEW`: it is imported",
            3,
        ),
        (
            "from ids import revision\ndown_revision = None",
            "revision is not spelled out: it is imported",
            1,
        ),
        (
            "from ids import *\nrevision = NEW\ndown_revision = None",
            "revision is not spelled out: `NEW` may be imported",
            2,
        ),
        (
            "from ids import *\ndef upgrade():\n    pass",
            "revision is not spelled out: it is imported",
            1,
        ),
        (
            "revision = NEW\ndown_revision = None",
            "revision is not spelled out: `NEW` is not bound in the file",
            1,
        ),
        (
            "revision = 'b'\ndown_revision = previous()",
            "down_revision is not spelled out: `previous()` is computed",
            2,
        ),
        (
            "revision = 'b'\nif x:\n    down_revision = 'a'\nelse:\n    down_revision = 'c'",
            "down_revision is not spelled out: it depends on what the module does when it runs",
            2,
        ),
        (
            "revision = 'b'\ndown_revision = None\nif (down_revision := f()):\n    pass",
            "down_revision is not spelled out: it depends on what the module does when it runs",
            3,
        ),
        (
            "*revision, rest = 'b', None\ndown_revision = None",
            "revision is not spelled out: it is unpacked",
            1,
        ),
        (
            "N = 3\nrevision = f'{N:03}'\ndown_revision = None",
            "revision is not spelled out: it is a formatted text",
            2,
        ),
        ("revision = 'b'", "down_revision is missing", 1),
        ("revision = 'b'\ndown_revision = None\ndel down_revision", "down_revision is missing", 1),
        ("revision = 27\ndown_revision = None", "revision is not a text", 1),
        ("revision = ''\ndown_revision = None", "revision is not a text", 1),
        ("revision = None\ndown_revision = None", "revision is not a text", 1),
        (
            "revision = 'b'\ndown_revision = 26",
            "down_revision is neither a text, nor several, nor None",
            2,
        ),
        (
            "revision = 'b'\ndown_revision = ('a', None)",
            "down_revision is neither a text, nor several, nor None",
            2,
        ),
        (
            "revision = 'b'\ndown_revision = (('a', 'c'),)",
            "down_revision is not spelled out: it is nested",
            2,
        ),
        (
            "revision = 'a-b'\ndown_revision = None",
            "Alembic does not take - in a revision id: a-b",
            1,
        ),
        (
            'revision = "b\'; drop table x; --"\ndown_revision = None',
            "Alembic does not take ' - in a revision id: b'; drop table x; --",
            1,
        ),
        ("revision = 'b'\ndown_revision = (", "'(' was never closed", 2),
        ("<<<<<<< HEAD\nrevision = 'b'", "invalid syntax", 1),
        ("revision = 'b'\n  down_revision = 'a'", "unexpected indent", 2),
    ],
)
def test_what_only_running_it_could_tell(text: str, reason: str, line: int | None) -> None:
    assert unreadable(text) == Unreadable(path="alembic/versions/1_x.py", reason=reason, line=line)


def test_what_would_fill_the_memory_is_not_evaluated() -> None:
    doubling = "a = 'xxxxxxxxxx'\n" + "a = a + a\n" * 60
    assert unreadable(doubling + "revision = a\ndown_revision = None").reason.endswith("it is too long")
    lists = "a = ['x']\n" + "a = a + a\n" * 60
    assert isinstance(read_script("x.py", lists + "revision = 'b'\ndown_revision = a"), Unreadable)


@pytest.mark.parametrize(
    "text",
    [
        "revision = " + "(" * 500 + "'b'" + ")" * 500,
        "revision = " + "-" * 5_000 + "1",
        "revision = " + "+".join(["'b'"] * 20_000) + "\ndown_revision = None",
        "revision = 'b\0'",
        "revision = '\ud800'\nx = \ud800",
    ],
)
def test_what_python_cannot_parse_is_unreadable(text: str) -> None:
    assert unreadable(text).reason


@pytest.mark.parametrize(
    "text",
    [
        "",
        "'''Helpers for migrations.'''\n\ndef add(): ...",
        "from alembic import op\ndown_revision = 'a'",
        "from sqlalchemy import *",
        "def f():\n    revision = 'b'",
        "import revision as other",
    ],
)
def test_what_is_no_revision(text: str) -> None:
    assert read_script("alembic/versions/tools.py", text) is None


def test_alembics_old_way_of_naming() -> None:
    assert read("down_revision = None", "v/1975ea83b712.py").revision == "1975ea83b712"
    assert read_script("v/1975ea83b712_x.py", "down_revision = None") is None
    assert read_script("v/1975ea83b712.py", "x = 1") is None


identifiers = st.text(alphabet="abc019_", min_size=1, max_size=5)
values = st.one_of(
    st.none(), identifiers, st.lists(identifiers, max_size=3), st.tuples(identifiers, identifiers)
)


@settings(max_examples=200, deadline=None)
@given(
    identifiers, values, values, values, st.sampled_from(["{n} = {v}", "{n}: object = {v}", "x = {n} = {v}"])
)
def test_what_is_read_is_what_python_binds(
    revision: str, down: object, needs: object, labels: object, form: str
) -> None:
    lines = [
        form.format(n=name, v=repr(value))
        for name, value in (
            ("revision", revision),
            ("down_revision", down),
            ("depends_on", needs),
            ("branch_labels", labels),
        )
    ]
    text = "\n".join(lines)
    module: dict[str, object] = {}
    exec(text, module)
    script = read(text)
    assert script.revision == module["revision"]
    for name, found in (
        ("down_revision", script.down_revisions),
        ("depends_on", script.depends_on),
        ("branch_labels", script.branch_labels),
    ):
        value = module[name]
        several = (
            [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []
        )
        assert found == tuple(dict.fromkeys(several))


# --- bytes ------------------------------------------------------------------------------------------

BODY = "revision = 'b'\ndown_revision = None\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (f"'''Größe'''\n{BODY}".encode(), "Größe"),
        (f"\ufeff'''Größe'''\n{BODY}".encode(), "Größe"),
        (f"# -*- coding: latin-1 -*-\n'''Größe'''\n{BODY}".encode("latin-1"), "Größe"),
        (f"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\n'''€'''\n{BODY}".encode("cp1252"), "€"),
    ],
)
def test_encodings(data: bytes, message: str) -> None:
    script = read_script_bytes("x.py", data)
    assert isinstance(script, Script)
    assert script.message == message


@pytest.mark.parametrize(
    ("data", "reason", "line"),
    [
        (b"# coding: klingon\n", "unknown encoding: klingon", None),
        (b"# ok\nx = '\xe9'\n", "invalid or missing encoding declaration", None),
        (b"#\n#\n#\nx = '\xe9'\n", "it is not utf-8 text", 4),
        (
            b"# coding: hex\n00",
            "'hex' is not a text encoding; use codecs.decode() to handle arbitrary codecs",
            None,
        ),
        (b"revision = '\0'\n", "source code string cannot contain null bytes", None),
    ],
)
def test_bytes_that_are_no_text(data: bytes, reason: str, line: int | None) -> None:
    assert read_script_bytes("x.py", data) == Unreadable(path="x.py", reason=reason, line=line)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")))
)
def test_no_bytes_make_it_fail(data: bytes) -> None:
    read_script_bytes("x.py", data)


def test_odd_escapes_do_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read("'''a \\d'''\nrevision = 'b'\ndown_revision = None").message == "a \\d"


# --- message, open lines ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("docstring", "message"),
    [
        ("'''Add it'''", "Add it"),
        ("'''\n\n  Add it\n  all\n\nRevision ID: b\n'''", "Add it all"),
        ("'''Add it\nRevision ID: b\nRevises: a'''", "Add it"),
        ("'''Add it\n   \t\nRevision ID: b'''", "Add it"),
        ("'''Revision ID: b\nRevises: a'''", ""),
        ("'''\nModels: 0123456789abcdef\n'''", ""),
        ("'Add ' 'it'", "Add it"),
        ("f'no {docstring}'", ""),
        ("b'no docstring'", ""),
        ("", ""),
    ],
)
def test_messages(docstring: str, message: str) -> None:
    assert read(f"{docstring}\nrevision = 'b'\ndown_revision = None").message == message


@pytest.mark.parametrize(
    ("docstring", "title"),
    [
        ("'''Add it'''", "Add it"),
        ("'''\n\n  Add it  \n  all of it\n\nRevision ID: b\n'''", "Add it"),
        ("'''Revision ID: b\nRevises: a'''", ""),
        ("", ""),
    ],
)
def test_titles(docstring: str, title: str) -> None:
    assert read(f"{docstring}\nrevision = 'b'\ndown_revision = None").title == title


def test_a_title_below_the_name_of_the_file_and_a_licence() -> None:
    text = "'''Location: ./versions/b_x.py\nCopyright us\n\nAdd it\n\nRevision ID: b\n\nMore of it\n'''\n"
    script = read(text + "revision = 'b'\ndown_revision = None", path="db/versions/b_x.py")
    assert (script.title, script.message) == ("Add it", "Add it")


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("import os\n\n'''Add it\n\nRevision ID: b\n'''", "Add it"),
        ("# Ours\n\nimport os\n\n# Add it\n#\n# Revision ID: b\n# Revises: a", "Add it"),
        ("# Ours\n#\n# Add it\n# all\n#\n# Revision ID: b", "Add it"),
        ("#\r\n# Add it\r\n# Revision ID: b\r\n", "Add it"),
        ("# Revision ID: b", ""),
        ("# Ours\n\n# Revision ID: b", ""),
        ("import os\n'not of this'", ""),
    ],
)
def test_a_title_that_is_no_docstring(text: str, title: str) -> None:
    assert read(f"{text}\nrevision = 'b'\ndown_revision = None").title == title


@pytest.mark.parametrize(
    "more",
    ["depends_on = needed()", "branch_labels = [x for x in y]", "from shop.labels import branch_labels"],
)
def test_what_is_computed_beside_plain_ids(more: str) -> None:
    """The revision is in the graph, without what cannot be read."""
    script = read(f"revision = 'b'\ndown_revision = 'a'\n{more}")
    assert (script.revision, script.down_revisions, script.depends_on, script.branch_labels) == (
        "b",
        ("a",),
        (),
        (),
    )
    assert script.nameless_branch is ("branch_labels" in more)


def test_open_lines() -> None:
    text = "revision = 'b'\ndown_revision = None\ndef upgrade():\n"
    text += "    # gitmig: write by hand: ~ user.age CHECK\n    x = '# gitmig: write by hand:'\n"
    text += "    pass  # gitmig: write by hand: no line of its own\n#gitmig: write by hand: +\n"
    assert read(text).open_lines == (4, 7)
    assert read(text.replace("\n", "\r\n")).open_lines == (4, 7)
    assert read(TEMPLATE).open_lines == ()


# --- comparing ----------------------------------------------------------------------------------------


_PROGRAMS = [
    ("x=1", "x  =  (1)  # one", True),
    ("'''a'''\nx = 1", "'''b'''\nx = 1", True),
    ("x = 1", "'''b'''\nx = 1", True),
    ("def f():\n  'a'", "def f():\n  'b'", False),
    ("x = 1", "x = 2", False),
    ("x = 1", "x = '1'", False),
    ("x = 1", "x = 1.0", False),
    ("'a'\n'b'", "'c'\n'b'", True),
    ("x = (", "x = (", True),
    ("x = (", "x = ( ", False),
    ("x = (", "x = 1", False),
]


@pytest.mark.parametrize(("old", "new", "same"), _PROGRAMS)
def test_same_program(old: str, new: str, same: bool) -> None:
    assert same_program(old, new) is same
    assert same_program(new, old) is same


@pytest.mark.parametrize("case", _PROGRAMS)
def test_equal_digests_are_one_program(case: tuple[str, str, bool]) -> None:
    old, new, same = case
    digests = [program_digest(text.encode()) for text in (old, new)]
    if None not in digests:
        assert (digests[0] == digests[1]) is same


def test_the_digest_of_a_program_is_the_same_in_every_version_of_python() -> None:
    text = b'"""Doc."""\nx: int = 1\n\ndef f(a, *, b=None):\n    return f"{a!r}", [*b], {**a}, lambda: 0.5\n'
    assert program_digest(text) == "cafb32c04e0818bf"
    assert program_digest(b"x = (") is None
    assert program_digest(b"# coding: no-such\nx = 1") is None
    latin = "# coding: latin-1\nx = 'é'".encode("latin-1")
    assert program_digest(latin) == program_digest("x = 'é'".encode())


def test_the_header_does_not_change_the_program() -> None:
    assert same_program(TEMPLATE, with_header(TEMPLATE, HEADER))


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("'username', sa.S", "\n        'username',\n        sa.S", True),
        ("op.drop_column('user', 'username')", "raise NotImplementedError", True),
        ("'3512b954651e'\nbranch", "('x', 'y')\nbranch", True),
        ('"""Upgrade schema."""', '"""Up."""', True),
        ('    """Upgrade schema."""\n', "", True),
        ("Union[str, Sequence[str], None] = ", "str | None = ", True),
        ("nullable=True", "nullable=False", False),
        ("import sqlalchemy as sa", "import mine as sa", False),
        ("# revision identifiers", "revision_length = 3\n# revision identifiers", False),
        ("def upgrade", "def upgrade(", False),
    ],
)
def test_same_upgrade(old: str, new: str, same: bool) -> None:
    assert old in TEMPLATE
    assert same_upgrade(TEMPLATE, TEMPLATE.replace(old, new)) is same


def test_a_comparison_leaves_what_was_parsed_as_it_is() -> None:
    """Syntax trees are kept for the next question."""
    text = 'def upgrade():\n    """Up."""\n    op.x()\n\n\ndef downgrade():\n    op.y()\n'
    before = ast.dump(parse_module(text))
    assert same_upgrade(text, text.replace("Up.", "Upgrade."))
    assert ast.dump(parse_module(text)) == before


# --- what it does -------------------------------------------------------------------------------------

UP = "def upgrade():\n    op.x()\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TEMPLATE, None),
        (UP, "it has no downgrade()"),
        (UP + "def downgrade():\n    pass", "its downgrade() does nothing"),
        (UP + "def downgrade():\n    '''Not needed.'''", "its downgrade() does nothing"),
        (UP + "def downgrade(): ...", "its downgrade() does nothing"),
        (UP + "def downgrade():\n    return None", "its downgrade() does nothing"),
        (
            UP + "def downgrade():\n    '''No.'''\n    raise NotImplementedError()",
            "its downgrade() raises an error",
        ),
        (UP + "def downgrade():\n    pass\n    raise X", "its downgrade() raises an error"),
        (UP + "def downgrade():\n    op.y()\n    raise X", None),
        (UP + "def downgrade():\n    return op.y()", None),
        ("def upgrade():\n    pass\ndef downgrade():\n    pass", None),
        ("def upgrade():\n    pass\ndef downgrade():\n    raise X", "its downgrade() raises an error"),
        (UP + "from shared import downgrade", None),
        (UP + "downgrade = upgrade", None),
        (UP + "if x:\n    def downgrade(): ...", None),
        (UP + "def downgrade():\n    op.y()\ndef downgrade():\n    pass", "its downgrade() does nothing"),
        ("def upgrade(", "it cannot be read: '(' was never closed"),
    ],
)
def test_irreversible(text: str, reason: str | None) -> None:
    assert irreversible(text) == reason


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        (TEMPLATE, False),
        ("def upgrade():\n    pass", True),
        ("def upgrade():\n    '''Nothing.'''\n    return", True),
        ("from shared import upgrade", False),
        ("def upgrade(", False),
    ],
)
def test_idle(text: str, nothing: bool) -> None:
    assert idle(text) is nothing


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (TEMPLATE, False),
        ("def upgrade():\n    with op.get_context().autocommit_block():\n        op.execute('x')", True),
        ("def upgrade():\n    '''No autocommit_block here.'''", False),
        ("def upgrade(\n    autocommit_block", True),
    ],
)
def test_splits(text: str, found: bool) -> None:
    assert splits(text, "upgrade") is found


SPLITS_UP = (
    "def helper():\n    with op.get_context().autocommit_block():\n        op.execute('x')\n\n\n"
    "def upgrade():\n    helper()\n\n\ndef downgrade():\n    op.drop_table('t')\n"
)


def test_what_only_the_other_direction_does_does_not_split() -> None:
    assert splits(SPLITS_UP, "upgrade") is True
    assert splits(SPLITS_UP, "downgrade") is False
    assert splits(SPLITS_UP.replace("op.drop_table('t')", "helper()"), "downgrade") is True
    assert splits(SPLITS_UP.replace("def downgrade", "def other") + "downgrade = other", "downgrade") is True


def test_where_the_identifiers_stand() -> None:
    """A formatter that moves them makes no other revision of it."""
    script = read_script("1_x.py", '"""Message"""\n\nx = 1\nrevision: str = "b"\n\ndown_revision = "a"\n')
    assert isinstance(script, Script)
    assert (script.revision_line, script.parents_line) == (4, 6)
    tight = read_script("1_x.py", '"""Message"""\nrevision, down_revision = "b", "a"\n')
    assert isinstance(tight, Script)
    assert (tight.revision_line, tight.parents_line) == (2, 2)
    assert tight == script
