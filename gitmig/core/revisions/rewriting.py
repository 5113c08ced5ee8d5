"""Other identifiers for a revision, written into its script by source offset. Pure: text in, text out.

Every other byte stays as it is. What is not spelled out (a name, a call) is not touched: raises Refused.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gitmig.core.parsing import parse_module
from gitmig.core.revisions.header import Header, docstring_node, offset_of, with_header
from gitmig.core.revisions.scripts import Script, read_script
from gitmig.errors import Refused
from gitmig.wire.values import RevisionId

_REVISES = re.compile(r"""(?m)(?:^|(?<=["']))([ \t]*Revises:)[ \t]*([^\r\n]*)""")
_REVISION_ID = re.compile(r"""(?m)(?:^|(?<=["']))([ \t]*Revision ID:)[ \t]*([^\r\n]*)""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a script is to say of itself."""

    revision: RevisionId
    parents: tuple[RevisionId, ...]
    depends_on: tuple[str, ...]


def rewritten(script: Script, data: bytes, identity: Identity, header: Header | None = None) -> bytes:
    """The bytes of a script with another identity, and with ``header`` as its record unless that is None.

    ``script`` is what the bytes say now. Raises Refused if they do not spell it out.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    text = data.decode(encoding)
    wanted = {
        "revision": ((script.revision,), (identity.revision,)),
        "down_revision": (script.down_revisions, identity.parents),
        "depends_on": (script.depends_on, identity.depends_on),
    }
    edits = [
        edit for name, (old, new) in wanted.items() if old != new for edit in _edits(script, text, name, new)
    ]
    for start, end, new_text in sorted(edits, reverse=True):
        text = text[:start] + new_text + text[end:]
    text = _in_docstring(text, script, identity)
    if header is not None:
        text = with_header(text, header)
    _require(script, text, identity)
    return text.encode(encoding)


def _edits(script: Script, text: str, name: str, values: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    node = _value(parse_module(text), name)
    if node is None or not _is_spelled_out(node):
        raise Refused(
            f"{name} of {script.path} is not spelled out, so it cannot be rewritten",
            hint=f"write in {script.path}: {name} = {_literal(values)}",
        )
    start = offset_of(text, node.lineno, node.col_offset)
    end = offset_of(text, node.end_lineno or 0, node.end_col_offset or 0)
    quote = re.search(r"""["']""", text[start:end]) or re.search(r"""["']""", text[end:] + '"')
    yield start, end, _literal(values, quote[0] if quote else '"')


def _is_spelled_out(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=str() | None):
            return True
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return all(isinstance(each, ast.Constant) for each in elements)
    return False


def _literal(values: Sequence[str], quote: str = '"') -> str:
    texts = [f"{quote}{value}{quote}" for value in values]
    if not texts:
        return "None"
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _value(module: ast.Module, name: str) -> ast.expr | None:
    """The expression that the last assignment gives a name."""
    found: ast.expr | None = None
    for node in module.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=target), value=value) if target == name:
                found = value
            case ast.Assign(targets=targets, value=value):
                for target_ in targets:
                    found = _assigned(target_, value, name) or found
    return found


def _assigned(target: ast.expr, value: ast.expr, name: str) -> ast.expr | None:
    match target, value:
        case ast.Name(id=other), _:
            return value if other == name else None
        case (
            (ast.Tuple(elts=names) | ast.List(elts=names)),
            (ast.Tuple(elts=values) | ast.List(elts=values)),
        ):
            if len(names) == len(values):
                for each, own in zip(names, values, strict=True):
                    if (found := _assigned(each, own, name)) is not None:
                        return found
    return None


def _in_docstring(text: str, script: Script, identity: Identity) -> str:
    """The lines ``Revision ID:`` and ``Revises:``, if they say what the code said."""
    node = docstring_node(parse_module(text))
    if node is None:
        return text
    start = offset_of(text, node.lineno, node.col_offset)
    end = offset_of(text, node.end_lineno or 0, node.end_col_offset or 0)
    body = text[start:end]
    body = _line(body, _REVISION_ID, (script.revision,), (identity.revision,))
    body = _line(body, _REVISES, script.down_revisions, identity.parents)
    return text[:start] + body + text[end:]


def _line(body: str, line: re.Pattern[str], old: Sequence[str], new: Sequence[str]) -> str:
    found = line.search(body)
    if found is None or set(old) == set(new):
        return body
    # In a docstring of one line the closing quotes are behind it.
    listed = re.match(r"[\w., ]*", found[2])
    said = (listed[0] if listed else "").strip()
    if {each.strip() for each in said.split(",") if each.strip()} not in (set(old), set()):
        return body
    at = found.start(2)
    return f"{body[: found.end(1)]} {', '.join(new)}{body[at + len(listed[0] if listed else '') :]}"


def _require(script: Script, text: str, identity: Identity) -> None:
    """Nothing but the identity became another. Raises Refused."""
    now = read_script(script.path, text)
    wanted = replace(
        script,
        revision=identity.revision,
        down_revisions=identity.parents,
        depends_on=identity.depends_on,
    )
    if isinstance(now, Script):
        # Where the docstring is the message, the message names the parent.
        now = replace(
            now,
            header=script.header,
            open_lines=script.open_lines,
            message=script.message,
            title=script.title,
        )
        if now == wanted:
            return
    raise Refused(
        f"{script.path} cannot be rewritten: its identifiers are not where they seem to be",
        hint=f"edit down_revision in {script.path}, then: gitmig sync",
    )
