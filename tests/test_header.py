"""Header lines in docstrings: where they go, and that nothing else moves."""

from __future__ import annotations

import ast
import io
import re
import tokenize

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitmig.core.revisions.header import Header, read_header, with_header, without_header
from gitmig.core.revisions.programs import same_program
from gitmig.core.revisions.scripts import Script, read_script

HEADER = Header(
    models="0123456789abcdef",
    dialect="postgresql",
    schema="fedcba9876543210",
    change="00112233445566aa",
    sqlalchemy="2.1",
)
OTHER = Header(
    models="aaaaaaaaaaaaaaaa",
    dialect="sqlite",
    schema="bbbbbbbbbbbbbbbb",
    change="cccccccccccccccc",
    sqlalchemy="2.0",
)
MODELS = "Models: 0123456789abcdef"
SCHEMA = "Schema: postgresql fedcba9876543210 change 00112233445566aa sqlalchemy 2.1"
CODE = "revision = 'b'\ndown_revision = None\n"


def header_of(text: str) -> Header:
    script = read_script("x.py", text)
    assert isinstance(script, Script), script
    return script.header


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # Alembic's template.
        (
            '"""Add it\n\nRevision ID: b\nRevises: \nCreate Date: 2026-11-22\n\n"""\n',
            f'"""Add it\n\nRevision ID: b\nRevises: \nCreate Date: 2026-11-22\n{MODELS}\n{SCHEMA}\n\n"""\n',
        ),
        # Further text below, without and with a blank line.
        (
            '"""Add it\n\nRevision ID: b\nRevises: a\nand more text\n"""\n',
            f'"""Add it\n\nRevision ID: b\nRevises: a\n{MODELS}\n{SCHEMA}\nand more text\n"""\n',
        ),
        # The quotes right behind the last line.
        (
            '"""Add it\n\nRevision ID: b\nRevises: a"""\n',
            f'"""Add it\n\nRevision ID: b\nRevises: a\n{MODELS}\n{SCHEMA}"""\n',
        ),
        # Other quotes, a prefix, indented lines, comments above.
        (
            "#!/usr/bin/python\n# licence\n\nr'''Add it\n\n    Revision ID: b\n    Revises: a\n    '''\n",
            "#!/usr/bin/python\n# licence\n\nr'''Add it\n\n    Revision ID: b\n    Revises: a\n"
            f"    {MODELS}\n    {SCHEMA}\n    '''\n",
        ),
        # No "Revision ID:" at all.
        ('"""Add it."""\n', f'"""Add it.\n\n{MODELS}\n{SCHEMA}\n"""\n'),
        ('"""Add it.\n\nIn two steps.\n"""\n', f'"""Add it.\n\nIn two steps.\n\n{MODELS}\n{SCHEMA}\n"""\n'),
        ('""""""\n', f'"""\n{MODELS}\n{SCHEMA}\n"""\n'),
        # A literal of one line becomes one of several.
        ("'Add \"it\"'\n", f"'''Add \"it\"\n\n{MODELS}\n{SCHEMA}\n'''\n"),
        ('"Say \\"it\\""  # why\n', f'"""Say \\"it\\"\n\n{MODELS}\n{SCHEMA}\n"""  # why\n'),
        # A concatenation: the last piece is edited.
        (
            '("Add "  # "not\n "it")\n',
            f'("Add "  # "not\n """it\n\n{MODELS}\n{SCHEMA}\n""")\n',
        ),
        # No docstring.
        ("", f'"""\n{MODELS}\n{SCHEMA}\n"""\n'),
        ("import os\n", f'"""\n{MODELS}\n{SCHEMA}\n"""\nimport os\n'),
        (
            "#!/bin/python\n# -*- coding: utf-8 -*-\n\n# for x\nimport os\n",
            f'#!/bin/python\n# -*- coding: utf-8 -*-\n"""\n{MODELS}\n{SCHEMA}\n"""\n\n# for x\nimport os\n',
        ),
        (
            "\n# coding: latin-1\nimport os\n",
            f'\n# coding: latin-1\n"""\n{MODELS}\n{SCHEMA}\n"""\nimport os\n',
        ),
        ("f'{1}'\n", f'"""\n{MODELS}\n{SCHEMA}\n"""\nf\'{{1}}\'\n'),
        # The byte order mark stays in front.
        ("\ufeffimport os\n", f'\ufeff"""\n{MODELS}\n{SCHEMA}\n"""\nimport os\n'),
        ('\ufeff"""Ä"""\n', f'\ufeff"""Ä\n\n{MODELS}\n{SCHEMA}\n"""\n'),
        # Characters of several bytes before and inside.
        (
            '"""Größe 😀"""; x = "Ä"\n',
            f'"""Größe 😀\n\n{MODELS}\n{SCHEMA}\n"""; x = "Ä"\n',
        ),
        # A form feed is no line end.
        (
            '# a\x0cb\n"""Add\x0c\n\nRevision ID: b\n"""\n',
            f'# a\x0cb\n"""Add\x0c\n\nRevision ID: b\n{MODELS}\n{SCHEMA}\n"""\n',
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_where_the_lines_go(before: str, after: str, end: str) -> None:
    before, after = (before + CODE).replace("\n", end), (after + CODE).replace("\n", end)
    written = with_header(before, HEADER)
    # A file without a single line end has no style to keep.
    assert written == after
    assert header_of(written) == HEADER
    assert same_program(before, written)
    assert with_header(written, HEADER) == written


def test_only_a_comment_without_a_line_end() -> None:
    assert with_header("# nothing", HEADER) == f'# nothing\n"""\n{MODELS}\n{SCHEMA}\n"""\n'


def test_lines_that_are_there_are_replaced() -> None:
    text = '"""Add it\n\nRevision ID: b\nRevises: a\n\n"""\n' + CODE
    assert with_header(with_header(text, OTHER), HEADER) == with_header(text, HEADER)


def test_lines_elsewhere_come_to_their_place() -> None:
    text = f'"""{MODELS}\nAdd it\n\nRevision ID: b\n\n{SCHEMA}\n"""\n' + CODE
    assert with_header(text, OTHER) == with_header('"""Add it\n\nRevision ID: b\n\n"""\n' + CODE, OTHER)


def test_mixed_line_ends_follow_the_line_above() -> None:
    text = '"""Add it\r\n\nRevision ID: b\nCreate Date: x\r\n"""\n' + CODE
    written = with_header(text, HEADER)
    assert written == text.replace("Create Date: x\r\n", f"Create Date: x\r\n{MODELS}\r\n{SCHEMA}\r\n")


@pytest.mark.parametrize(
    ("header", "lines"),
    [
        (Header(models=HEADER.models), [MODELS]),
        (
            Header(dialect="postgresql", schema=HEADER.schema, change=HEADER.change, sqlalchemy="2.1"),
            [SCHEMA],
        ),
        (Header(models=HEADER.models, dialect="postgresql", schema=HEADER.schema), [MODELS]),
        (Header(), []),
    ],
)
def test_parts_that_are_none_are_not_written(header: Header, lines: list[str]) -> None:
    text = '"""Add it\n\nRevision ID: b\n"""\n' + CODE
    for start in (text, with_header(text, OTHER)):
        written = with_header(start, header)
        assert written == text.replace("ID: b\n", "\n".join(["ID: b", *lines, ""]))


def test_without_any_part_no_docstring_is_added() -> None:
    assert with_header(CODE, Header()) == CODE


@pytest.mark.parametrize(
    "line",
    [
        "Models: user, address",
        "Models: 0123456789ABCDEF",
        "Models: 0123456789abcdef0",
        "Models: 0123456789abcdef and more",
        "Schema: public",
        "Schema: sqlite fedcba9876543210",
        "Schema: sqlite fedcba9876543210 change 1 sqlalchemy 2.1",
        "models: 0123456789abcdef",
        "* Models: 0123456789abcdef",
    ],
)
def test_what_is_no_header_line_is_text(line: str) -> None:
    text = f'"""Add it\n\n{line}\n"""\n{CODE}'
    assert header_of(text) == Header()
    assert without_header(text) == text
    assert line in with_header(text, HEADER)


def test_two_that_differ_count_as_absent() -> None:
    lines = f"{MODELS}\nModels: aaaaaaaaaaaaaaaa\n{SCHEMA}\n{SCHEMA}\n"
    assert read_header(lines) == Header(
        dialect="postgresql", schema=HEADER.schema, change=HEADER.change, sqlalchemy="2.1"
    )
    assert read_header(f"{MODELS}\n{SCHEMA}\n{SCHEMA.replace('postgresql', 'sqlite')}") == Header(
        models=HEADER.models
    )
    text = f'"""Add it\n\n{lines}"""\n{CODE}'
    assert header_of(with_header(text, HEADER)) == HEADER


def test_what_does_not_parse_is_raised() -> None:
    with pytest.raises(SyntaxError):
        with_header("x = (", HEADER)
    with pytest.raises(SyntaxError):
        without_header("x = (")


@pytest.mark.parametrize("end", ["\\ ", "\\\n", "\\\r\n", "\\\\"])
def test_what_a_backslash_belongs_to_is_kept(end: str) -> None:
    text = f"r'''Add it{end}'''\n{CODE}"
    written = with_header(text, HEADER)
    newline = "\r\n" if "\r" in end else "\n"
    assert written.startswith(f"r'''Add it{end}{newline}{newline}{MODELS}{newline}")
    assert header_of(written) == HEADER
    assert with_header(written, HEADER) == written


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'''Say 'it'\n{}'''\n", "'''Say 'it'\n'''\n"),
        ("'''Say \"it\"\n{}'''\n", "'''Say \"it\"'''\n"),
        ("'''Say it\\\n{}'''\n", "'''Say it\\\n'''\n"),
        ("'''Say it\\'\n{}'''\n", "'''Say it\\''''\n"),
        ("'''Say it\n{}'''\n", "'''Say it'''\n"),
        ("'''{}'''\n", "''''''\n"),
    ],
)
def test_the_closing_quotes_stay_what_they_are(before: str, after: str) -> None:
    text = before.format(MODELS) + CODE
    assert without_header(text) == after + CODE
    assert same_program(text, without_header(text))


# --- any docstring ------------------------------------------------------------------------------------

ends = st.sampled_from(["\n", "\r\n", "\r"])
words = st.text(alphabet="abÄ😀\"'# :\\\t\x0c", max_size=8)
lines = st.one_of(
    words,
    st.sampled_from(
        ["Revision ID: b", "Revises: ", "Create Date: x", "  Revision ID: b", MODELS, SCHEMA, "Models: x", ""]
    ),
)
prefixes = st.sampled_from(["", "r", "R", "u"])
quotes = st.sampled_from(['"""', "'''", '"', "'"])


@st.composite
def modules(draw: st.DrawFn) -> str:
    """A module that parses, with a docstring of many kinds or none."""
    above = draw(
        st.sampled_from(["", "# a comment\n", "#!/usr/bin/python\n# coding: utf-8\n\n", "\n", "\ufeff"])
    )
    kind = draw(st.sampled_from(["docstring", "concatenated", "none"]))
    literals = [] if kind == "none" else [_literal(draw)]
    docstring = f"('Add ' {literals[0]})\n" if kind == "concatenated" else "".join([*literals, "\n"])
    return (above + docstring + CODE).replace("\n", draw(ends))


def _literal(draw: st.DrawFn) -> str:
    prefix, quote = draw(prefixes), draw(quotes)
    body = "\n".join(draw(st.lists(lines, max_size=5)))
    if len(quote) == 1:
        body = body.replace("\n", " ")
    literal = f"{prefix}{quote}{body}{quote}"
    try:
        tokens = [token.string for token in tokenize.generate_tokens(io.StringIO(f"({literal})").readline)]
        ast.parse(literal)
    except (SyntaxError, tokenize.TokenError):
        tokens = []
    return literal if tokens[:3] == ["(", literal, ")"] else f"{quote}plain{quote}"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::SyntaxWarning")
@settings(max_examples=300, deadline=None)
@given(modules())
def test_any_docstring(text: str) -> None:
    written = with_header(text, HEADER)
    assert same_program(text, written)
    assert _swallowed(written) or header_of(written) == HEADER
    assert with_header(written, HEADER) == written
    assert with_header(with_header(text, OTHER), HEADER) == written
    bare = without_header(text)
    assert MODELS not in bare.splitlines()
    assert without_header(written) == without_header(without_header(written))
    if "Revision ID:" in bare and re.search(r"^\ufeff?\w?(\"{3}|'{3})", bare, re.MULTILINE):
        assert without_header(with_header(bare, HEADER)) == bare


def _swallowed(text: str) -> bool:
    """Whether a backslash joins a header line to the line above it."""
    return "\\\n" in text or "\\\r" in text
